import { describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { runtimeFetch } from '../../../src/dispatcher/node-fetch.ts'
import { ADDRESS, answering, ask, IDENTITY, reasonOf } from './asked-endpoint.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import { checkOf } from '../../support/checks.ts'
import type { Transport } from '../../../src/index.ts'

describe('a 500 that says which header is missing', () => {
  const SAYS = '{"error":{"message":"sk-secret","code":"endpoint_secret"}}'
  const JSON_TYPE = { 'content-type': 'application/json' }
  const failing =
    (text: BodyInit, status = 500, headers: Record<string, string> = JSON_TYPE): Transport =>
    () =>
      Promise.resolve(new Response(text, { status, headers }))
  const failureOf = async (transport: Transport): Promise<unknown> =>
    Promise.resolve(ask(transport)).catch((error: unknown) => error)

  it('is an outage as any other, whose cause is that code and nothing else of the body', async () => {
    const error = await failureOf(failing(SAYS))
    expect(error).toMatchObject({
      reason: 'service_error',
      status: 500,
      cause: { code: 'ENDPOINT_SECRET' },
    })
    expect(JSON.stringify(error)).not.toContain('sk-secret')
    const longest = await failureOf(failing(SAYS.padEnd(512)))
    expect(longest).toMatchObject({ cause: { code: 'ENDPOINT_SECRET' } })
  })

  it.each([
    ['another status', failing(SAYS, 503)],
    ['another type', failing(SAYS, 500, { 'content-type': 'text/html' })],
    ['a type that names it', failing(SAYS, 500, { 'content-type': 'text/x; y=application/json' })],
    ['another code', failing('{"error":{"code":"endpoint_secrets"}}')],
    ['another place', failing('{"code":"endpoint_secret"}')],
    ['no JSON', failing('endpoint_secret')],
    ['an inherited code', failing('{"error":"endpoint_secret"}')],
    ['more than 512 characters', failing(SAYS.padEnd(513))],
  ])('has no cause with %s', async (_what, transport) => {
    const error = await failureOf(transport)
    expect(error).toBeInstanceOf(AuthUnavailableError)
    expect(error).toMatchObject({ reason: 'service_error' })
    expect(error).not.toHaveProperty('cause')
  })

  it('holds a caller for a tenth of a second if the body does not end', async () => {
    vi.useFakeTimers()
    const failed = vi.fn()
    void failureOf(failing(new ReadableStream({}))).then(failed)
    await vi.advanceTimersByTimeAsync(99)
    expect(failed).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    const expected = { reason: 'service_error', status: 500 }
    expect(failed).toHaveBeenCalledExactlyOnceWith(expect.objectContaining(expected))
  })
})

it('the POST carries the question as JSON and follows no redirect', async () => {
  const transport = vi.fn<Transport>(answering(200))
  const { signal } = new AbortController()
  await ask(transport, { headers: { 'x-secret': 's' } }, checkOf(), { signal })
  expect(transport).toHaveBeenCalledExactlyOnceWith(ADDRESS, {
    method: 'POST',
    headers: { 'x-secret': 's', accept: 'application/json', 'content-type': 'application/json' },
    body: '{"api_key":"t","request":{"path":"/a","headers":{},"params":{}}}',
    redirect: 'manual',
    signal,
  })
})

describe('the status', () => {
  it('allows on exactly 200', async () => {
    expect(await ask(answering(200, IDENTITY))).toEqual({
      outcome: 'allow',
      auth: { principal: 'alice', attributes: { roles: ['a'] } },
    })
  })

  it.each([
    0, 100, 101, 103, 199, 201, 202, 203, 204, 205, 206, 226, 299, 300, 301, 302, 303, 304, 307,
    308, 400, 401, 403, 404, 405, 407, 408, 409, 418, 428, 430, 451, 499, 600, 999, 2000, 200.5,
    -200,
  ])('denies on %d', async (status) => {
    expect(await ask(answering(NaN, IDENTITY))).toMatchObject({ outcome: 'deny' })
    expect(await ask(answering(status, IDENTITY))).toMatchObject({ outcome: 'deny' })
  })

  it('denies on a 200 that a redirect led to', async () => {
    const redirected: Transport = async (url, init) => ({
      ...(await answering(200, IDENTITY)(url, init)),
      redirected: true,
    })
    expect(await ask(redirected)).toMatchObject({ outcome: 'deny' })
  })

  it.each([
    [401, { outcome: 'deny', isLasting: true }],
    [403, { outcome: 'deny', isLasting: true }],
    [302, { outcome: 'deny', isLasting: false }],
    [429, 'rate_limited'],
    [503, 'service_error'],
  ])('decides by the head alone on %d, and drains the body', async (status, expected) => {
    const read = vi.fn<() => Promise<never>>(() => new Promise(() => undefined))
    const body: AsyncIterable<Uint8Array> = { [Symbol.asyncIterator]: () => ({ next: read }) }
    const transport: Transport = () => Promise.resolve({ status, headers: new Headers(), body })
    const asked = Promise.resolve(ask(transport))
    expect(await asked.catch(reasonOf)).toEqual(expected)
    expect(read).toHaveBeenCalledOnce()
  })

  it.each([
    [429, 'rate_limited'],
    [500, 'service_error'],
    [599, 'service_error'],
  ])('throws instead of deciding on %d', async (status, reason) => {
    const asked = ask(answering(status, IDENTITY, { 'retry-after': '7' }))
    await expect(asked).rejects.toMatchObject({
      name: 'AuthUnavailableError',
      reason,
      retryAfterMs: 7000,
    })
  })
})

it('a 200 without a name, which `identity` requires, is an outage with that status', async () => {
  const error = { name: 'AuthUnavailableError', reason: 'invalid_response', status: 200 }
  await expect(ask(answering(200), { identity: 'required' })).rejects.toMatchObject(error)
})

describe('a transport that fails', () => {
  it.each([[new Error('ECONNREFUSED')], [undefined], [null], ['text']])(
    'leaves the endpoint unreachable when it rejects with %s, and its reason is not passed on',
    async (cause) => {
      const facts = createFacts()
      const asked = Promise.resolve(ask(() => Promise.reject(cause), {}, checkOf(), { facts }))
      const error: unknown = await asked.catch((reason: unknown) => reason)
      expect(error).toBeInstanceOf(AuthUnavailableError)
      expect(error).toMatchObject({ reason: 'unreachable' })
      expect(error).not.toHaveProperty('cause')
      expect(facts.endpointStatus).toBeUndefined()
    },
  )

  it.each<[unknown]>([
    [undefined],
    [{ status: '200', headers: new Headers(), body: null }],
    [{ status: 200, headers: null }],
    [{ status: 200, headers: 'none' }],
  ])('is a bug when it answers %j', async (nonsense) => {
    const transport = () => Promise.resolve(nonsense) as ReturnType<Transport>
    const bug = new TypeError('"fetch" returned no response')
    await expect(ask(transport)).rejects.toThrow(bug)
    const notEvenAPromise = () => nonsense as ReturnType<Transport>
    await expect(ask(notEvenAPromise)).rejects.toThrow(bug)
  })
})

describe('caching rules of the endpoint', () => {
  const CACHE = { 'cache-control': 'max-age=60' }

  it('hold for an allow and for a denial', async () => {
    expect(await ask(answering(200, IDENTITY, CACHE))).toMatchObject({ maxAgeMs: 60_000 })
    expect(await ask(answering(401, null, CACHE))).toMatchObject({ maxAgeMs: 60_000 })
    expect(await ask(answering(200, IDENTITY))).not.toHaveProperty('maxAgeMs')
    expect(await ask(answering(401))).not.toHaveProperty('maxAgeMs')
    const strict = { 'cache-control': 'must-revalidate' }
    expect(await ask(answering(200, IDENTITY, strict))).toMatchObject({ mustRevalidate: true })
  })

  it('end with the `exp` of the body, by either clock (RFC 7662 §4)', async () => {
    const now = Date.now()
    vi.spyOn(Date, 'now').mockReturnValue(now)
    const expiring = (exp: unknown): Transport => answering(200, JSON.stringify({ exp }), CACHE)
    const expiresAt = now + 5000
    expect(await ask(expiring(expiresAt / 1000))).toMatchObject({
      maxAgeMs: 5000,
      auth: { expiresAt },
    })
    expect(await ask(expiring(4e9))).toMatchObject({ maxAgeMs: 60_000, auth: { expiresAt: 4e12 } })
    expect(await ask(answering(200, `{"exp":${expiresAt / 1000}}`))).toMatchObject({
      maxAgeMs: 5000,
    })
    for (const past of [-1, 0, now / 1000]) {
      expect(await ask(expiring(past))).toMatchObject({ maxAgeMs: 0 })
    }
    expect(await ask(expiring('1'))).not.toHaveProperty('auth.expiresAt')
    for (const none of ['null', '5', '{}', '[]']) {
      expect(await ask(answering(200, none))).not.toHaveProperty('auth.expiresAt')
    }
  })
})

it('a status that comes after the deadline is no verdict, where the transport ignores the signal', async () => {
  const controller = new AbortController()
  const { signal } = controller
  let answer: (response: Response) => void = () => undefined
  const late = new Promise<Response>((resolve) => {
    answer = resolve
  })
  const asked = ask(() => late, {}, checkOf(), { signal })
  controller.abort()
  answer(new Response('{"principal":"ada"}'))
  await expect(asked).rejects.toMatchObject({ reason: 'timeout' })
})

describe('a body with a short length', () => {
  const headers = { 'content-length': '5' }

  it('is read as a stream and cancelled if only a custom fetch claims the length', async () => {
    const cancel = vi.fn<() => void>()
    const endless = new ReadableStream({
      pull: (controller) => controller.enqueue(new Uint8Array(1024)),
      cancel,
    })
    const binding = (): Promise<Response> => Promise.resolve(new Response(endless, { headers }))
    expect(await ask(binding)).toMatchObject({ outcome: 'allow', auth: { attributes: {} } })
    expect(cancel).toHaveBeenCalledOnce()
  })

  it('is left to the runtime where its own fetch answers, which ends a body where its length does', async () => {
    const response = new Response('{"principal":"ada"}', { headers })
    const whole = vi.spyOn(response, 'arrayBuffer')
    vi.stubGlobal('fetch', () => Promise.resolve(response))
    expect(await ask(runtimeFetch)).toMatchObject({ auth: { principal: 'ada' } })
    vi.unstubAllGlobals()
    expect(whole).toHaveBeenCalledOnce()
  })

  it.each([
    [
      'throws at once',
      () => {
        throw new Error('used')
      },
    ],
    ['brings no bytes', () => Promise.resolve(undefined)],
    ['brings no promise', () => undefined],
  ])('has broken off where reading it %s', async (_what, arrayBuffer) => {
    const response = Object.assign(new Response('{}', { headers }), { arrayBuffer })
    vi.stubGlobal('fetch', () => Promise.resolve(response))
    expect(await ask(runtimeFetch)).toMatchObject({ outcome: 'allow', maxAgeMs: 0 })
  })
})
