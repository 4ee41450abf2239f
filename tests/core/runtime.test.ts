import { describe, expect, it, vi } from 'vitest'
import http from 'node:http'
import {
  endpointFromEnvironment,
  keepAlive,
  nodeModule,
  reasonPhrase,
} from '../../src/core/runtime.ts'

it('takes AUTH_ENDPOINT of the first argument before that of the process', () => {
  vi.stubEnv('AUTH_ENDPOINT', 'https://process.example.test')
  expect(endpointFromEnvironment([{ AUTH_ENDPOINT: 'https://env.example.test' }])).toBe(
    'https://env.example.test',
  )
  expect(endpointFromEnvironment([{}, { AUTH_ENDPOINT: 'https://second.example.test' }])).toBe(
    'https://process.example.test',
  )
})

it.each([[[]], [[undefined]], [[null]], [['AUTH_ENDPOINT']], [[5]]])(
  'takes that of the process where the arguments are %j',
  (args) => {
    vi.stubEnv('AUTH_ENDPOINT', 'https://process.example.test')
    expect(endpointFromEnvironment(args)).toBe('https://process.example.test')
  },
)

it('takes nothing that was put on the prototype of all objects', () => {
  vi.stubEnv('AUTH_ENDPOINT', undefined)
  Object.defineProperty(Object.prototype, 'AUTH_ENDPOINT', {
    value: 'https://evil.example.test',
    configurable: true,
  })
  expect(endpointFromEnvironment([{}])).toBeUndefined()
  Reflect.deleteProperty(Object.prototype, 'AUTH_ENDPOINT')
})

it('does not fail for a waitUntil that throws', () => {
  const ctx = {
    waitUntil: () => {
      throw new Error('gone')
    },
  }
  expect(() => keepAlive([ctx], () => Promise.resolve())).not.toThrow()
})

it('finds nothing where there is no process', () => {
  vi.stubGlobal('process', undefined)
  expect(endpointFromEnvironment([])).toBeUndefined()
})

it('keeps a call alive by the waitUntil of an argument, with its own this', () => {
  const kept: unknown[] = []
  const ctx = {
    kept,
    waitUntil(this: { kept: unknown[] }, call: Promise<unknown>): void {
      this.kept.push(call)
    },
  }
  const call = Promise.resolve()
  keepAlive([undefined, null, 'env', {}, ctx], () => call)
  expect(kept).toEqual([call])
})

it.each([[[]], [[undefined, null, 5, 'ctx']], [[{ waitUntil: true }]]])(
  'keeps nothing alive where the arguments are %j',
  (args) => {
    const call = vi.fn<() => Promise<void>>()
    keepAlive(args, call)
    expect(call).not.toHaveBeenCalled()
  },
)

describe('a module of Node', () => {
  it('is there on Node', () => {
    expect(nodeModule('node:http')).toBe(http)
    expect(nodeModule('node:nothing')).toBeUndefined()
  })

  it.each([
    ['another runtime that has them', { uv: '1', bun: '1' }],
    ['another runtime that has them', { uv: '1', deno: '1' }],
    ['a runtime without libuv', { node: '22' }],
    ['a bundle for browsers', undefined],
  ])('is not there on %s', (_, versions) => {
    vi.stubGlobal('process', { getBuiltinModule: () => http, versions })
    expect(nodeModule('node:http')).toBeUndefined()
  })

  it('is not there on Workers, which say that they are Node', () => {
    vi.stubGlobal('navigator', { userAgent: 'Cloudflare-Workers' })
    expect(nodeModule('node:http')).toBeUndefined()
  })

  it('is not there where no module can be asked for', () => {
    vi.stubGlobal('process', { versions: { uv: '1' } })
    expect(nodeModule('node:http')).toBeUndefined()
    vi.stubGlobal('process', undefined)
    expect(nodeModule('node:http')).toBeUndefined()
  })
})

it('knows the reason phrases of rejections as Node does, and none for another status', () => {
  const statuses = [400, 401, 403, 404, 405, 429, 431, 500, 501, 502, 503, 504, 508]
  expect(statuses.map(reasonPhrase)).toEqual(statuses.map((status) => http.STATUS_CODES[status]))
  expect(reasonPhrase(499)).toBe('')
})
