import { inspect } from 'node:util'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { Hono } from 'hono'
import { auth } from '../src/hono.ts'
import { AuthUnavailableError, createAuthenticator, withAuth } from '../src/index.ts'
import { ENDPOINT } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import type { AuthConfig, AuthEvent, DenialReason } from '../src/index.ts'

const server = setupServer()
const handler = vi.fn(() => new Response('secret'))

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
beforeEach(() => {
  vi.stubEnv('AUTH_ENDPOINT', undefined)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})
afterEach(() => {
  server.resetHandlers()
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
  handler.mockClear()
})
afterAll(() => server.close())

type Config = AuthConfig | (() => AuthConfig) | undefined

/** Each way to a handler, and to an answer in its place. */
const WAYS: Record<string, (config: Config, request: Request) => Promise<Response>> = {
  'withAuth(function)': async (config, request) => withAuth(handler, config)(request),
  'withAuth({ fetch })': async (config, request) =>
    withAuth({ fetch: handler }, config).fetch(request),
  createAuthenticator: async (config, request) => {
    const result = await createAuthenticator(config)(request)
    return result.ok ? handler() : result.response
  },
  'auth of with-auth/hono': async (config, request) => {
    const app = new Hono().use(auth(config))
    app.all('*', handler)
    // The router is not what is tested, and it cannot read what no client may send.
    return app.fetch(request)
  },
}

interface Failure {
  readonly name: string
  readonly reason: DenialReason
  readonly status?: number
  readonly config?: Config
  readonly request?: () => Request
  readonly endpoint?: () => Response | Promise<Response>
}

const base: AuthConfig = { endpoint: ENDPOINT }
const bug = (): never => {
  throw new Error('bug')
}
const answering =
  (status: number, body: string | null = null, headers = {}) =>
  (): Response =>
    new HttpResponse(body, { status, headers })

const FAILURES: Failure[] = [
  { name: 'no credentials', reason: 'missing_credentials', request: () => get('/a') },
  {
    name: 'another scheme',
    reason: 'missing_credentials',
    request: () => raw('http://h/a', { authorization: 'Basic eA==' }),
  },
  {
    name: 'a malformed token',
    reason: 'malformed_credentials',
    request: () => raw('http://h/a', { authorization: 'Bearer "x"' }),
  },
  {
    name: 'two sources',
    reason: 'malformed_credentials',
    config: { ...base, credentials: ['bearer', { header: 'x-api-key' }] },
    request: () => get('/a', 'k1', { 'x-api-key': 'k1' }),
  },
  ...[201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 418, 451].map(
    (status) => ({
      name: `the endpoint answers ${status}`,
      reason: 'denied' as const,
      endpoint: answering(status, null, { location: 'https://login.example.test/' }),
    }),
  ),
  { name: 'the endpoint answers 429', reason: 'rate_limited', endpoint: answering(429) },
  ...[500, 502, 503, 504, 511].map((status) => ({
    name: `the endpoint answers ${status}`,
    reason: 'service_error' as const,
    endpoint: answering(status),
  })),
  {
    name: 'the endpoint cannot be reached',
    reason: 'unreachable',
    endpoint: () => HttpResponse.error(),
  },
  {
    name: 'the endpoint does not answer',
    reason: 'timeout',
    config: { ...base, timeoutMs: 20 },
    endpoint: () => new Promise(() => undefined),
  },
  ...[
    '',
    'null',
    '<html>',
    '{}',
    '{"principal":""}',
    '{"principal":5}',
    `"${'a'.repeat(70_000)}"`,
  ].map((body) => ({
    name: `no identity in ${body.slice(0, 20)}, where one is required,`,
    reason: 'invalid_response' as const,
    config: { ...base, identity: 'required' as const },
    endpoint: answering(200, body),
  })),
  { name: 'fetch throws at once', reason: 'internal_error', config: { ...base, fetch: bug } },
  ...[undefined, null, {}, 200, 'ok', { status: 200 }].map((nonsense) => ({
    name: `fetch answers ${JSON.stringify(nonsense)}`,
    reason: 'internal_error' as const,
    config: { ...base, fetch: () => Promise.resolve(nonsense) as never },
  })),
  {
    name: 'fetch rejects with undefined',
    reason: 'unreachable',
    config: { ...base, fetch: () => Promise.reject(undefined) },
  },
  {
    name: '`fetch` follows a redirect against its contract',
    reason: 'denied',
    config: {
      ...base,
      fetch: () =>
        Promise.resolve({ status: 200, headers: new Headers(), body: null, redirected: true }),
    },
  },
  { name: 'the verifier throws', reason: 'internal_error', config: { verifier: bug } },
  {
    name: 'the verifier rejects',
    reason: 'internal_error',
    config: { verifier: () => Promise.reject(new Error('bug')) },
  },
  ...[
    undefined,
    null,
    true,
    'allow',
    {},
    { outcome: 'Allow' },
    { allow: true },
    new Response(),
  ].map((nonsense) => ({
    name: `the verifier returns ${JSON.stringify(nonsense)}`,
    reason: 'internal_error' as const,
    config: { verifier: () => nonsense as never },
  })),
  {
    name: 'the verifier denies',
    reason: 'denied',
    config: { verifier: () => ({ outcome: 'deny' }) },
  },
  {
    name: 'the verifier never answers',
    reason: 'timeout',
    config: { timeoutMs: 20, verifier: () => new Promise(() => undefined) },
  },
  ...(['circuit_open', 'overloaded', 'unreachable', 'rate_limited'] as const).map((reason) => ({
    name: `the verifier says ${reason}`,
    reason,
    config: { verifier: () => Promise.reject(new AuthUnavailableError(reason)) },
  })),
  {
    name: 'a target with two meanings',
    reason: 'malformed_request',
    status: 400,
    request: () => raw('http://h/public/../admin', { authorization: 'Bearer k1' }),
    config: { ...base, public: ['/public/*'] },
  },
  {
    name: 'no config and no environment',
    reason: 'not_configured',
    status: 500,
    config: undefined,
  },
  { name: 'a config function that throws', reason: 'not_configured', status: 500, config: bug },
  {
    name: 'a config function that makes a bad config',
    reason: 'not_configured',
    status: 500,
    config: () => ({ endpoint: '' }),
  },
  {
    name: 'an observer that throws, on a denial,',
    reason: 'denied',
    config: { ...base, onEvent: bug },
    endpoint: answering(403),
  },
  {
    name: 'a respond that throws',
    reason: 'denied',
    config: { ...base, respond: bug },
    endpoint: answering(403),
  },
  {
    name: 'a respond that would let in',
    reason: 'denied',
    config: { ...base, respond: () => new Response('secret') },
    endpoint: answering(403),
  },
]

describe.each(Object.entries(WAYS))('%s', (_way, send) => {
  it.each(FAILURES)('refuses and does not call the handler: $name', async (failure) => {
    const { reason, status = 401, endpoint, request = () => get('/a', 'k1') } = failure
    if (endpoint !== undefined) server.use(http.post(ENDPOINT, () => endpoint()))
    const config = 'config' in failure ? failure.config : base
    const response = await send(config, request())
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code: reason } })
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(response.headers.has('www-authenticate')).toBe(status === 401)
    expect(handler).not.toHaveBeenCalled()
  })

  it('calls the handler once where the endpoint says 200, so that the others prove something', async () => {
    server.use(http.post(ENDPOINT, answering(200)))
    const response = await send(base, get('/a', 'k1'))
    expect(await response.text()).toBe('secret')
    expect(handler).toHaveBeenCalledOnce()
  })
})

describe('a failure is not kept, even where verdicts are', () => {
  const kept: AuthConfig = { ...base, context: { headers: [] }, cache: {}, retry: false }

  it.each<[string, () => Response]>([
    ['a rate limit', answering(429)],
    ['a 500', answering(500)],
    ['a 503', answering(503)],
    ['a 404', answering(404)],
    ['a redirect', answering(302)],
    ['no answer', () => HttpResponse.error()],
    ['a denial that must not be kept', answering(401, null, { 'cache-control': 'no-store' })],
  ])('after %s the next request is asked about again', async (_what, failing) => {
    const guarded = withAuth(handler, kept)
    server.use(http.post(ENDPOINT, failing, { once: true }), http.post(ENDPOINT, answering(200)))
    expect((await guarded(get('/a', 'k1'))).status).toBe(401)
    expect((await guarded(get('/a', 'k1'))).status).toBe(200)
    expect(handler).toHaveBeenCalledOnce()
  })
})

describe('what a hook throws, with the token in every part of it,', () => {
  const allow = (): Response => new HttpResponse(null, { status: 200 })
  const leaky = (code?: string): Error =>
    Object.assign(new Error('good', { cause: 'good' }), {
      name: 'good',
      config: { headers: { authorization: 'Bearer good' } },
      ...(code === undefined ? { code: 'good' } : { code }),
    })
  // The constructor is not called: the search for the token would find it in an error that is made in the source.
  const unavailable = (cause: unknown): object =>
    Object.assign(Object.create(AuthUnavailableError.prototype) as object, {
      reason: 'unreachable',
      cause,
    })
  const throwing = (error: unknown) => (): never => {
    throw error
  }

  interface Hook {
    readonly name: string
    readonly config: (error: unknown) => AuthConfig
    readonly told: 'decision' | 'warning' | undefined
    readonly code?: string
    readonly event: object
    readonly status: number
  }
  const HOOKS: readonly Hook[] = [
    {
      name: 'a verifier that throws',
      config: (error) => ({ verifier: throwing(error) }),
      told: 'decision',
      event: { reason: 'internal_error' },
      status: 401,
    },
    {
      name: 'a verifier that rejects',
      config: (thrown) => ({ verifier: async () => throwing(thrown)() }),
      told: 'decision',
      event: { reason: 'internal_error' },
      status: 401,
    },
    {
      name: 'a fetch that throws at once',
      config: (error) => ({ ...base, fetch: throwing(error) }),
      told: 'decision',
      event: { reason: 'internal_error' },
      status: 401,
    },
    {
      name: 'a fetch that rejects',
      config: (thrown) => ({ ...base, fetch: async () => throwing(thrown)(), retry: false }),
      told: 'decision',
      code: 'ECONNREFUSED',
      event: { reason: 'unreachable', cause: 'ECONNREFUSED' },
      status: 401,
    },
    {
      name: 'a verifier whose service is unreachable',
      config: (error) => ({ verifier: throwing(unavailable(error)) }),
      told: undefined,
      code: 'ECONNREFUSED',
      event: { reason: 'unreachable', cause: 'ECONNREFUSED' },
      status: 401,
    },
    {
      name: 'respond',
      config: (error) => ({ verifier: () => ({ outcome: 'deny' }), respond: throwing(error) }),
      told: 'warning',
      event: { reason: 'denied' },
      status: 401,
    },
  ]
  const MATRIX = Object.entries(WAYS).flatMap(([way, send]) =>
    HOOKS.map((hook) => ({ ...hook, way, send })),
  )

  it.each(MATRIX)(
    'is told to the observer alone: $name, $way',
    async ({ config, send, told, code, event, status }) => {
      const error = leaky(code)
      const events: AuthEvent[] = []
      const given = { ...config(error), onEvent: (one: AuthEvent) => events.push(one) }
      const response = await send(given, get('/a', 'good'))
      expect(response.status).toBe(status)
      expect(handler).not.toHaveBeenCalled()
      expect(events).toContainEqual(expect.objectContaining({ type: 'decision', ...event }))
      const withError = events.flatMap((one) => ('error' in one ? [one] : []))
      expect(withError.map(({ type }) => type)).toEqual(told === undefined ? [] : [told])
      expect(withError.every((one) => one.error === error)).toBe(true)
      const seen = [await response.text(), [...response.headers], events]
      expect(inspect(seen, { depth: 9 }) + JSON.stringify(seen)).not.toContain('good')
      expect(console.error).not.toHaveBeenCalled()
    },
  )

  it.each(MATRIX)(
    'is on the console by its class alone, without an observer: $name, $way',
    async ({ config, send, code }) => {
      const error = leaky(code)
      const response = await send(config(error), get('/a', 'good'))
      const lines = vi.mocked(console.error).mock.calls
      expect(lines).toEqual([[expect.stringMatching(/^with-auth: .*(?: Error|ECONNREFUSED)\b/)]])
      const seen = [await response.text(), [...response.headers], lines]
      expect(inspect(seen, { depth: 9 })).not.toContain('good')
    },
  )

  it('is nowhere in the exception that an app on Hono may write to a log', async () => {
    const app = new Hono().use(auth({ verifier: throwing(leaky()) }))
    const thrown: unknown[] = []
    app.onError((error, c) => {
      thrown.push(error)
      return c.text('', 500)
    })
    await app.request(get('/a', 'good'))
    expect(thrown).toEqual([expect.objectContaining({ reason: 'internal_error' })])
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain('good')
  })

  it('is on the console by its class alone where onEvent throws it', async () => {
    server.use(http.post(ENDPOINT, allow))
    const guarded = withAuth(handler, { ...base, onEvent: throwing(leaky()) })
    expect((await guarded(get('/a', 'good'))).status).toBe(200)
    expect(vi.mocked(console.error).mock.calls).toEqual([
      ['with-auth: "onEvent" threw Error: it missed an event. Catch errors in it'],
    ])
  })
})

it('has a case for every reason there is', () => {
  const reasons: Record<DenialReason, true> = {
    missing_credentials: true,
    malformed_credentials: true,
    denied: true,
    rate_limited: true,
    service_error: true,
    timeout: true,
    unreachable: true,
    invalid_response: true,
    circuit_open: true,
    overloaded: true,
    internal_error: true,
    malformed_request: true,
    not_configured: true,
  }
  expect(new Set(FAILURES.map(({ reason }) => reason))).toEqual(new Set(Object.keys(reasons)))
})
