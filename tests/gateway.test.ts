import { STATUS_CODES } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { createGateway } from '../src/gateway.ts'
import { followPassage, passageOf } from '../src/gateway/passage.ts'
import { createRefusal, describeFailure } from '../src/gateway/refusal.ts'
import { withAuth } from '../src/index.ts'
import { protectedResource } from '../src/mcp.ts'
import { codeOf, guardedGateway } from './gateway/sent.ts'
import { get, raw } from './support/requests.ts'
import { TOKEN } from './support/token.ts'
import type { GatewayFailure, GatewayOptions, UpstreamFetch } from '../src/gateway.ts'
import type { AuthConfig } from '../src/index.ts'

const CONFIG: AuthConfig = {
  verifier: ({ token }) =>
    token === TOKEN ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
  public: ['/healthz'],
}

const createGuarded = (fetch: UpstreamFetch, options: Partial<GatewayOptions> = {}) =>
  guardedGateway(fetch, options, CONFIG)

const answering = (response: () => Response): UpstreamFetch =>
  vi.fn<UpstreamFetch>(async () => response())

describe('without a wrapper', () => {
  it('rejects every request, and does not call the upstream', async () => {
    const fetch = answering(() => new Response('secret'))
    const failures: GatewayFailure[] = []
    const gateway = createGateway({
      upstream: 'http://127.0.0.1:1',
      fetch,
      onFailure: (failure) => failures.push(failure),
    })
    const response = await gateway(get('/x', TOKEN, { 'x-auth-principal': 'alice' }))
    expect([response.status, await codeOf(response)]).toEqual([500, 'not_configured'])
    expect(fetch).not.toHaveBeenCalled()
    expect(failures).toStrictEqual([
      { code: 'not_configured', status: 500, method: 'GET', path: '/x' },
    ])
  })

  it('rejects a copy of an admitted request', async () => {
    const fetch = answering(() => new Response('secret'))
    const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch })
    const guarded = withAuth((request: Request) => gateway(new Request(request)), CONFIG)
    expect((await guarded(get('/', TOKEN))).status).toBe(500)
    expect(fetch).not.toHaveBeenCalled()
  })
})

describe('in a wrapper', () => {
  it('forwards allowed and public requests, and no others', async () => {
    const fetch = answering(() => new Response('hello'))
    const guarded = createGuarded(fetch)
    expect((await guarded(get('/x', 'bad'))).status).toBe(401)
    expect((await guarded(get('/x'))).status).toBe(401)
    expect(fetch).not.toHaveBeenCalled()
    expect(await (await guarded(get('/x', TOKEN))).text()).toBe('hello')
    expect(await (await guarded(get('/healthz'))).text()).toBe('hello')
    expect(fetch).toHaveBeenCalledTimes(2)
  })

  it('forwards every request in shadow mode, and sends an identity only after an allow', async () => {
    const fetch = vi.fn<UpstreamFetch>(async () => new Response('hello'))
    const guarded = guardedGateway(fetch, {}, { ...CONFIG, mode: 'shadow' })
    expect((await guarded(get('/x', 'bad'))).status).toBe(200)
    expect((await guarded(get('/x', TOKEN))).status).toBe(200)
    const told = fetch.mock.calls.map(([, { headers }]) => headers.has('x-auth-principal'))
    expect(told).toEqual([false, true])
  })

  it('answers for the metadata of a resource, and forwards nothing that is forbidden', async () => {
    const fetch = answering(() => new Response('hello'))
    const resource = protectedResource({
      identifier: 'https://a.example/v1',
      authorizationServers: ['https://b.example'],
    })
    const authorize: AuthConfig['authorize'] = ({ path, auth }) =>
      path === '/x' && auth.principal === 'alice'
    const guarded = guardedGateway(fetch, {}, { ...CONFIG, resource, authorize })
    const metadata = '/.well-known/oauth-protected-resource'
    expect(await (await guarded(get(`${metadata}/v1`))).json()).toMatchObject({
      resource: 'https://a.example/v1',
    })
    const forbidden = await guarded(get('/y', TOKEN))
    expect([forbidden.status, await codeOf(forbidden)]).toEqual([403, 'forbidden'])
    expect(fetch).not.toHaveBeenCalled()
    expect((await guarded(get('/x', TOKEN))).status).toBe(200)
    // Another resource's metadata belongs to the upstream.
    expect((await guarded(get(metadata, TOKEN))).status).toBe(403)
  })

  it('answers OPTIONS with Max-Forwards: 0 itself, after the check', async () => {
    const fetch = answering(() => new Response('hello'))
    const guarded = createGuarded(fetch)
    const ask = (token: string, hops: string) =>
      guarded(new Request(get('/', token, { 'max-forwards': hops }), { method: 'OPTIONS' }))
    expect((await ask('bad', '0')).status).toBe(401)
    const { status, headers } = await ask(TOKEN, '0')
    expect(status).toBe(204)
    expect(headers.get('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    expect(fetch).not.toHaveBeenCalled()
    expect((await ask(TOKEN, '1')).status).toBe(200)
  })
})

describe('a slow upstream', () => {
  beforeEach(() => void vi.useFakeTimers())
  afterEach(() => void vi.useRealTimers())

  /** A fetch that obeys its signal. */
  const hanging: UpstreamFetch = (_url, { signal }) =>
    new Promise((_resolve, reject) => {
      signal.addEventListener('abort', () => reject(signal.reason as Error))
      if (signal.aborted) reject(signal.reason as Error)
    })
  const answerTo = async (fetch: UpstreamFetch, client = new AbortController().signal) => {
    const guarded = createGuarded(fetch, { timeoutMs: 1000 })
    const response = await guarded(new Request(get('/', TOKEN), { signal: client }))
    return response.status === 200 ? 200 : codeOf(response)
  }

  it.each<[string, UpstreamFetch]>([
    ['obeys', hanging],
    ['ignores', () => new Promise(() => undefined)],
  ])('times out when fetch %s its signal', async (_, fetch) => {
    const ended = vi.fn<(code: unknown) => void>()
    void answerTo(fetch).then(ended)
    await vi.advanceTimersByTimeAsync(999)
    expect(ended).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(ended).toHaveBeenCalledExactlyOnceWith('upstream_timeout')
  })

  it('is left when the client disconnects, before or after it is asked', async () => {
    const client = new AbortController()
    const pending = answerTo(hanging, client.signal)
    await vi.advanceTimersByTimeAsync(0)
    client.abort()
    expect(await pending).toBe('client_left')
    expect(await answerTo(hanging, AbortSignal.abort())).toBe('client_left')
  })

  it('is left neither by its timeout nor with the client after the head of its response', async () => {
    const client = new AbortController()
    let signal: AbortSignal | undefined
    const fetch: UpstreamFetch = async (_url, init) => {
      signal = init.signal
      return new Response('hello')
    }
    expect(await answerTo(fetch, client.signal)).toBe(200)
    // Deno aborts the signal of a request after every response.
    client.abort()
    await vi.advanceTimersByTimeAsync(1000)
    expect(signal?.aborted).toBe(false)
  })

  it('has its response cancelled if that comes after the timeout', async () => {
    const cancel = vi.fn<() => void>()
    let answer: (response: Response) => void = () => undefined
    const pending = answerTo(() => new Promise((resolve) => (answer = resolve)))
    await vi.advanceTimersByTimeAsync(1000)
    expect(await pending).toBe('upstream_timeout')
    answer(new Response(new ReadableStream({ cancel })))
    await vi.advanceTimersByTimeAsync(0)
    expect(cancel).toHaveBeenCalledOnce()
  })

  it.each([
    ['POST', 'false'],
    ['OPTIONS', 'false'],
    ['GET', null],
    ['HEAD', null],
  ] as const)('tells clients not to repeat a %s: %s', async (method, told) => {
    const response = createRefusal('upstream_timeout', method)
    expect([response.status, response.statusText]).toEqual([504, 'Gateway Timeout'])
    expect(response.headers.get('x-should-retry')).toBe(told)
  })
})

describe('a failure', () => {
  const SECRET = 'secret-host'
  const error = (facts: object = {}): Error => Object.assign(new Error(SECRET), facts)
  const coding = { 'content-encoding': 'zstd', server: SECRET }

  it.each<[code: string, cause: string | undefined, ends: unknown]>([
    ['upstream_unreachable', 'ECONNRESET', error({ code: 'ECONNRESET' })],
    ['upstream_unreachable', 'ECONNREFUSED', error({ cause: error({ code: 'ECONNREFUSED' }) })],
    ['upstream_unreachable', 'TypeError', new TypeError(SECRET)],
    ['upstream_unreachable', 'Error', error({ code: 'a secret: x', cause: SECRET })],
    ['upstream_unreachable', undefined, error({ name: 'a secret: x' })],
    ['upstream_unreachable', undefined, SECRET],
    ['invalid_response', 'Error', new Response(SECRET, { headers: coding })],
    ['invalid_response', 'TypeError', undefined],
    // An interim status.
    [
      'invalid_response',
      'RangeError',
      Object.defineProperty(new Response(), 'status', { value: 103 }),
    ],
  ])(
    'tells the client nothing, and the log only the names %s and %s',
    async (code, cause, ends) => {
      const failures: GatewayFailure[] = []
      const onFailure = (failure: GatewayFailure): void => void failures.push(failure)
      const fetch = vi.fn<() => Promise<Response>>()
      if (ends === undefined || ends instanceof Response) fetch.mockResolvedValue(ends as Response)
      else fetch.mockRejectedValue(ends)
      const response = await createGuarded(fetch, { onFailure })(get('/x?key=secret', TOKEN))
      expect(response.status).toBe(502)
      const body = await response.text()
      expect(body).toContain(code)
      expect(body + JSON.stringify([...response.headers])).not.toContain('secret')
      expect(failures).toEqual([{ code, status: 502, method: 'GET', path: '/x', cause }])
      expect(Object.isFrozen(failures[0])).toBe(true)
    },
  )

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('log')
      },
    ],
    ['rejects', () => Promise.reject(new Error('log'))],
  ])('gets the same response when the log %s', async (_, onFailure) => {
    const guarded = createGuarded(() => Promise.reject(new Error('reset')), { onFailure })
    expect((await guarded(get('/', TOKEN))).status).toBe(502)
  })

  it.each([
    ['not_configured', 500, 'api_error', 'Authentication is not configured'],
    ['method_not_allowed', 405, 'invalid_request_error', 'Method not allowed'],
    ['client_left', 499, 'invalid_request_error', 'The client disconnected'],
  ] as const)('has a response: %s, with the status %i', async (code, status, type, message) => {
    const response = createRefusal(code, 'POST')
    expect([response.status, response.statusText]).toEqual([status, STATUS_CODES[status] ?? ''])
    const { allow, ...headers } = Object.fromEntries(response.headers)
    expect(headers).toEqual({ 'content-type': 'application/json', 'cache-control': 'no-store' })
    expect(allow).toBe(status === 405 ? 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' : undefined)
    expect(await response.json()).toEqual({ error: { message, type, code } })
  })

  it('has a method and a path that are truncated, and no path that cannot be parsed', () => {
    const verbose = Object.defineProperty(get('/'), 'method', { value: 'M'.repeat(1000) })
    expect(describeFailure(verbose, 'method_not_allowed').method).toHaveLength(32)
    const long = raw(`https://api.test/${'a'.repeat(1000)}`)
    expect(describeFailure(long, 'malformed_request').path).toHaveLength(256)
    expect(describeFailure(raw('https://api.test'), 'malformed_request').path).toBe('')
  })

  it('reaches only the log of its request', () => {
    const [request, other] = [get('/x', 'secret'), get('/x', 'secret')]
    const passage = followPassage(request)
    expect(followPassage(request)).toBe(passage)
    const failure = describeFailure(request, 'client_left')
    describeFailure(other, 'upstream_timeout')
    expect(passage.failure).toBe(failure)
    expect(passageOf(other)).toBeUndefined()
  })
})
