import { describe, expect, it } from 'vitest'
import { runtimeFetch } from '../../src/dispatcher/node-fetch.ts'
import { nodeTransport } from '../../src/node.ts'
import { askService } from '../../src/verifiers/ask.ts'
import { findFreePort } from '../support/loopback.ts'
import { startService } from '../support/verifier-service.ts'
import type { Transport, TransportResponse } from '../../src/index.ts'
import type { ServiceAnswer, ServiceQuestion } from '../../src/verifiers/ask.ts'
import type { Answer } from '../support/verifier-service.ts'

const LATE_MS = 10_000
const WAYS: readonly (readonly [string, Transport])[] = [
  ['fetch', runtimeFetch],
  ['nodeTransport', nodeTransport()],
]

type Given = Partial<ServiceQuestion>

function ask(
  url: string,
  given: Given = {},
  transport: Transport = runtimeFetch,
): Promise<ServiceAnswer> {
  const signal = AbortSignal.timeout(LATE_MS)
  return askService(transport, url, {
    method: 'POST',
    headers: {},
    body: 'token=x',
    signal,
    ...given,
  })
}

async function askOnce(answer: Answer, given: Given = {}, transport: Transport = runtimeFetch) {
  const { url } = await startService(answer)
  return ask(url, given, transport)
}

describe.each(WAYS)('over %s', (_way, transport) => {
  it('gives status, headers and JSON', async () => {
    const { url, calls } = await startService(() => ({ headers: { etag: 'x' }, json: { a: 1 } }))
    const answered: number[] = []
    const answer = await ask(url, { answered: (status) => answered.push(status) }, transport)
    expect(answer).toMatchObject({ status: 200, json: { a: 1 } })
    expect(answer.headers.get('etag')).toBe('x')
    expect(answered).toEqual([200])
    expect(calls).toMatchObject([
      { method: 'POST', headers: { accept: 'application/json' }, body: 'token=x' },
    ])
  })

  it.each([
    [400, 'service_error', undefined],
    [401, 'service_error', undefined],
    [403, 'service_error', undefined],
    [404, 'service_error', undefined],
    [201, 'service_error', undefined],
    [204, 'service_error', undefined],
    [429, 'rate_limited', 7000],
    [500, 'service_error', 7000],
    [503, 'service_error', 7000],
  ])('has no verdict for a %s that the caller does not expect', async (status, reason, wait) => {
    const headers: Record<string, string> = wait === undefined ? {} : { 'retry-after': '7' }
    const said = askOnce(() => ({ status, headers, text: '' }), {}, transport)
    await expect(said).rejects.toMatchObject({ reason, status, retryAfterMs: wait })
  })

  it('follows no redirect: the token must not reach another server', async () => {
    const other = await startService(() => ({ json: { active: true } }))
    const headers = { location: other.url }
    const said = askOnce(() => ({ status: 307, headers }), {}, transport)
    await expect(said).rejects.toMatchObject({ reason: 'service_error', status: 307 })
    expect(other.calls).toEqual([])
  })

  const type = (text: string) => ({ text: '<', headers: { 'content-type': text } })
  it.each([
    ['an empty body', { text: '' }, 'a body that is not JSON'],
    ['HTML', type('text/html'), 'text/html in place of JSON'],
    ['HTML in UTF-8', type('text/html;charset=utf-8'), 'text/html in place of JSON'],
    ['a type that is none', type('html'), 'a body that is not JSON'],
    ['a type with more before it', type('a text/html'), 'a body that is not JSON'],
    ['half of a JSON text', { text: '{"active":' }, 'a body that is not JSON'],
    ['more than 64 KiB', { json: 'x'.repeat(65_536) }, 'a body that is too long'],
  ])('has no verdict for %s', async (_what, said, why) => {
    const explanation = expect.stringMatching(`^127.0.0.1:\\d+ answered 200 with ${why}$`) as string
    const expected = { reason: 'invalid_response', status: 200, explanation }
    await expect(askOnce(() => said, {}, transport)).rejects.toMatchObject(expected)
  })

  it('reads more where the caller allows it, and not a byte above', async () => {
    const maxBytes = 131_072
    const fitting = 'x'.repeat(maxBytes - 2)
    const said = await askOnce(() => ({ json: fitting }), { maxBytes }, transport)
    expect(said.json).toBe(fitting)
    const above = askOnce(() => ({ json: `${fitting}x` }), { maxBytes }, transport)
    await expect(above).rejects.toMatchObject({ reason: 'invalid_response' })
    const few = askOnce(() => ({ json: 'xx' }), { maxBytes: 3 }, transport)
    await expect(few).rejects.toMatchObject({ reason: 'invalid_response' })
  })

  it('is unreachable with its cause, never with what was sent', async () => {
    const port = await findFreePort()
    const said = ask(`http://127.0.0.1:${port}/`, { body: 'token=very-secret' }, transport)
    const error: unknown = await said.catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ reason: 'unreachable', cause: { code: 'ECONNREFUSED' } })
    expect(JSON.stringify([error, String(error)])).not.toContain('very-secret')
  })

  it('is unreachable for a body that breaks off', async () => {
    const said = askOnce(
      (_call, response) => {
        response.writeHead(200, { 'content-length': 10 })
        response.write('{"')
        setImmediate(() => response.destroy())
        return undefined
      },
      {},
      transport,
    )
    await expect(said).rejects.toMatchObject({ reason: 'unreachable' })
  })

  it.each([
    ['no response', false],
    ['a body that does not end', true],
  ])('ends with its signal: %s', async (_what, begins) => {
    const controller = new AbortController()
    const { url } = await startService((_call, response) => {
      if (begins) response.writeHead(200).write('{')
      setTimeout(() => controller.abort(), 50)
      return undefined
    })
    const said = ask(url, { signal: controller.signal }, transport)
    await expect(said).rejects.toMatchObject({ reason: 'timeout' })
  })

  it('takes the expected statuses: with JSON, with JSON if there is any, or without a body', async () => {
    const expected = { 201: 'json', 403: 'try_json', 401: 'ignore' } as const
    const of = (answer: Answer) => askOnce(answer, { expected }, transport)
    expect(await of(() => ({ status: 201, json: [1] }))).toMatchObject({ json: [1] })
    expect(await of(() => ({ status: 403, json: { a: 1 } }))).toMatchObject({ json: { a: 1 } })
    expect(await of(() => ({ status: 403, text: '<' }))).toMatchObject({ json: undefined })
    expect(await of(() => ({ status: 401, json: 1 }))).toMatchObject({ json: undefined })
    await expect(of(() => ({ status: 200, json: {} }))).rejects.toMatchObject({ status: 200 })
  })
})

it('rejects the answer of a transport that followed a redirect', async () => {
  const followed: TransportResponse = {
    status: 200,
    redirected: true,
    headers: new Headers(),
    body: null,
  }
  const said = ask('http://h/', {}, () => Promise.resolve(followed))
  const explanation = '"fetch" has followed a redirect of h, which it must not'
  const expected = { reason: 'service_error', status: undefined, explanation }
  await expect(said).rejects.toMatchObject(expected)
})

it('passes on a bug of a transport as it is', async () => {
  const nothing = ask('http://h/', {}, () => Promise.resolve(undefined as never))
  await expect(nothing).rejects.toThrow(TypeError)
  const throwing = ask('http://h/', {}, () => {
    throw new RangeError('bug')
  })
  await expect(throwing).rejects.toThrow(RangeError)
})
