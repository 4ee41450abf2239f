import { inspect } from 'node:util'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError } from '../src/index.ts'
import { ENDPOINT } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import { WAYS } from './support/ways.ts'
import type { AuthConfig, DenialReason } from '../src/index.ts'
import { protectedResource } from '../src/mcp.ts'
import type { ConfigSource } from './support/ways.ts'

/** Every failure rejects the request, and the handler does not run. */

const server = setupServer()
const handler = vi.fn(() => new Response('secret'))

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
beforeEach(() => {
  vi.stubEnv('AUTH_ENDPOINT', undefined)
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})
afterEach(() => {
  server.resetHandlers()
  handler.mockClear()
})
afterAll(() => server.close())

interface Failure {
  readonly name: string
  readonly reason: DenialReason
  readonly status?: number
  readonly config?: ConfigSource
  readonly request?: () => Request
  readonly endpoint?: () => Response | Promise<Response>
}

const base: AuthConfig = { endpoint: ENDPOINT }
const bug = (): never => {
  throw new Error('bug')
}
const allowing = () => ({ outcome: 'allow', scopes: ['other'] }) as const
const answering =
  (status: number, body: string | null = null, headers = {}) =>
  (): Response =>
    new HttpResponse(body, { status, headers })

const failure = (
  name: string,
  reason: DenialReason,
  rest: Omit<Failure, 'name' | 'reason'> = {},
): Failure => ({ name, reason, ...rest })

const FAILURES: Failure[] = [
  failure('no credentials', 'missing_credentials', { request: () => get('/a') }),
  failure('another scheme', 'missing_credentials', {
    request: () => raw('http://h/a', { authorization: 'Basic eA==' }),
  }),
  failure('a verifier that forbids this request', 'forbidden', {
    status: 403,
    config: { verifier: () => ({ outcome: 'deny', reason: 'forbidden' }) },
  }),
  ...[false, 'true', 1, undefined, {}, Promise.resolve('true'), Promise.resolve(false)].map((no) =>
    failure(`authorize returns ${inspect(no)}`, 'forbidden' as const, {
      status: 403,
      config: { verifier: allowing, authorize: () => no as boolean },
    }),
  ),
  failure('a policy that returns neither true nor false', 'forbidden', {
    status: 403,
    config: { verifier: allowing, authorize: () => true, routePolicy: () => 1 as never },
  }),
  failure('authorize throws', 'internal_error', { config: { verifier: allowing, authorize: bug } }),
  failure('authorize rejects', 'internal_error', {
    config: { verifier: allowing, authorize: () => Promise.reject(new Error('bug')) },
  }),
  failure('authorize never answers', 'timeout', {
    config: { verifier: allowing, timeoutMs: 20, authorize: () => new Promise(() => undefined) },
  }),
  failure('a token without the scope that every request needs', 'insufficient_scope', {
    status: 403,
    config: {
      verifier: allowing,
      resource: protectedResource({
        identifier: 'https://api.example.test/',
        authorizationServers: ['https://login.example.test'],
        require: ['notes'],
      }),
    },
  }),
  failure('a malformed token', 'malformed_credentials', {
    request: () => raw('http://h/a', { authorization: 'Bearer x y' }),
  }),
  failure('two different tokens', 'malformed_credentials', {
    config: { ...base, credentials: ['bearer', { header: 'x-api-key' }] },
    request: () => get('/a', 'k1', { 'x-api-key': 'k2' }),
  }),
  ...[201, 202, 204, 206, 301, 302, 303, 304, 307, 308, 400, 401, 403, 404, 418, 451].map(
    (status) =>
      failure(`the endpoint answers ${status}`, 'denied' as const, {
        endpoint: answering(status, null, { location: 'https://login.example.test/' }),
      }),
  ),
  failure('the endpoint answers 429', 'rate_limited', { endpoint: answering(429) }),
  ...[500, 502, 503, 504, 511].map((status) =>
    failure(`the endpoint answers ${status}`, 'service_error' as const, {
      endpoint: answering(status),
    }),
  ),
  failure('the endpoint cannot be reached', 'unreachable', {
    endpoint: () => HttpResponse.error(),
  }),
  failure('the endpoint never answers', 'timeout', {
    config: { ...base, timeoutMs: 20 },
    endpoint: () => new Promise(() => undefined),
  }),
  ...[
    '',
    'null',
    '<html>',
    '{}',
    '{"principal":""}',
    '{"principal":5}',
    `"${'a'.repeat(70_000)}"`,
  ].map((body) =>
    failure(
      `no identity in ${body.slice(0, 20)} although one is required`,
      'invalid_response' as const,
      { config: { ...base, identity: 'required' as const }, endpoint: answering(200, body) },
    ),
  ),
  failure('fetch throws at once', 'internal_error', { config: { ...base, fetch: bug } }),
  ...[undefined, null, {}, 200, 'ok', { status: 200 }].map((nonsense) =>
    failure(`fetch resolves with ${JSON.stringify(nonsense)}`, 'internal_error' as const, {
      config: { ...base, fetch: () => Promise.resolve(nonsense) as never },
    }),
  ),
  failure('fetch rejects with undefined', 'unreachable', {
    config: { ...base, fetch: () => Promise.reject(undefined) },
  }),
  failure('fetch follows a redirect although it must not', 'denied', {
    config: {
      ...base,
      fetch: () =>
        Promise.resolve({ status: 200, headers: new Headers(), body: null, redirected: true }),
    },
  }),
  failure('the verifier throws', 'internal_error', { config: { verifier: bug } }),
  failure('the verifier rejects', 'internal_error', {
    config: { verifier: () => Promise.reject(new Error('bug')) },
  }),
  ...[
    undefined,
    null,
    true,
    'allow',
    {},
    { outcome: 'Allow' },
    { allow: true },
    new Response(),
  ].map((nonsense) =>
    failure(`the verifier returns ${JSON.stringify(nonsense)}`, 'internal_error' as const, {
      config: { verifier: () => nonsense as never },
    }),
  ),
  failure('the verifier denies', 'denied', { config: { verifier: () => ({ outcome: 'deny' }) } }),
  failure('the verifier gives no name although one is required', 'invalid_response', {
    config: { identity: 'required', verifier: () => ({ outcome: 'allow' }) },
  }),
  failure('the verifier never answers', 'timeout', {
    config: { timeoutMs: 20, verifier: () => new Promise(() => undefined) },
  }),
  ...(['circuit_open', 'overloaded', 'unreachable', 'rate_limited'] as const).map((reason) =>
    failure(`the verifier says ${reason}`, reason, {
      config: { verifier: () => Promise.reject(new AuthUnavailableError(reason)) },
    }),
  ),
  failure('a path with two meanings', 'malformed_request', {
    status: 400,
    request: () => raw('http://h/public/../admin', { authorization: 'Bearer k1' }),
    config: { ...base, public: ['/public/*'] },
  }),
  failure('no config and no environment', 'not_configured', { status: 500, config: undefined }),
  failure('a config function that throws', 'not_configured', { status: 500, config: bug }),
  failure('a config function that returns a bad config', 'not_configured', {
    status: 500,
    config: () => ({ endpoint: '' }),
  }),
  failure('an observer that throws on a denial', 'denied', {
    config: { ...base, onEvent: bug },
    endpoint: answering(403),
  }),
  failure('"respond" throws', 'denied', {
    config: { ...base, respond: bug },
    endpoint: answering(403),
  }),
  failure('"respond" returns a 200', 'denied', {
    config: { ...base, respond: () => new Response('secret') },
    endpoint: answering(403),
  }),
]

describe.each(Object.entries(WAYS))('%s', (_way, send) => {
  it.each(FAILURES)('rejects the request, and the handler does not run: $name', async (row) => {
    const { reason, status = 401, endpoint, request = () => get('/a', 'k1') } = row
    if (endpoint !== undefined) server.use(http.post(ENDPOINT, () => endpoint()))
    const config = 'config' in row ? row.config : base
    const response = await send(handler, config, request())
    expect(response.status).toBe(status)
    expect(await response.json()).toMatchObject({ error: { code: reason } })
    expect(response.headers.get('cache-control')).toBe('no-store')
    const isChallenged = status === 401 || reason === 'insufficient_scope'
    expect(response.headers.has('www-authenticate')).toBe(isChallenged)
    expect(handler).not.toHaveBeenCalled()
  })

  it('calls the handler once after a 200 of the endpoint', async () => {
    server.use(http.post(ENDPOINT, answering(200)))
    const response = await send(handler, base, get('/a', 'k1'))
    expect(await response.text()).toBe('secret')
    expect(handler).toHaveBeenCalledOnce()
  })
})

it('every reason of a denial is in the table', () => {
  const reasons: Record<DenialReason, true> = {
    missing_credentials: true,
    malformed_credentials: true,
    denied: true,
    forbidden: true,
    insufficient_scope: true,
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
