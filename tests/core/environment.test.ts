import { afterEach, expect, it, vi } from 'vitest'
import { endpointFromEnvironment, findKeepAlive } from '../../src/core/environment.ts'

afterEach(() => {
  vi.unstubAllEnvs()
  vi.unstubAllGlobals()
})

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
  findKeepAlive([undefined, 'env', {}, ctx])?.(call)
  expect(kept).toEqual([call])
})

it.each([[[]], [[undefined, null, 5, 'ctx']], [[{ waitUntil: true }]]])(
  'keeps nothing alive where the arguments are %j',
  (args) => {
    expect(findKeepAlive(args)).toBeUndefined()
  },
)

it('keeps nothing alive once waitUntil is gone', () => {
  const ctx: { waitUntil?: () => void } = { waitUntil: () => undefined }
  const keepAlive = findKeepAlive([ctx])
  delete ctx.waitUntil
  expect(() => keepAlive?.(Promise.resolve())).not.toThrow()
})
