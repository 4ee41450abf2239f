import { describe, expect, it, vi } from 'vitest'
import { createGateway } from '../src/gateway.ts'
import { withAuth } from '../src/index.ts'
import { get } from './support/requests.ts'
import { TOKEN } from './support/token.ts'
import type { GatewayFailure, GatewayOptions, UpstreamFetch } from '../src/gateway.ts'
import { protectedResource } from '../src/mcp.ts'
import type { AuthConfig } from '../src/index.ts'

const CONFIG: AuthConfig = {
  verifier: ({ token }) =>
    token === TOKEN ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
  public: ['/healthz'],
}

function createGuarded(fetch: UpstreamFetch, options: Partial<GatewayOptions> = {}) {
  return withAuth(createGateway({ upstream: 'http://127.0.0.1:1', fetch, ...options }), CONFIG)
}

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
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ error: { code: 'not_configured' } })
    expect(fetch).not.toHaveBeenCalled()
    expect(failures).toEqual([{ code: 'not_configured', status: 500, method: 'GET', path: '/x' }])
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
    const gateway = createGateway({ upstream: 'http://127.0.0.1:1', fetch })
    const guarded = withAuth(gateway, { ...CONFIG, mode: 'shadow' })
    expect((await guarded(get('/x', 'bad'))).status).toBe(200)
    expect((await guarded(get('/x', TOKEN))).status).toBe(200)
    const told = fetch.mock.calls.map(([, { headers }]) => headers.has('x-auth-principal'))
    expect(told).toEqual([false, true])
  })

  it('answers for the metadata of a resource, and forwards nothing that is forbidden', async () => {
    const fetch = answering(() => new Response('hello'))
    const guarded = withAuth(createGateway({ upstream: 'http://127.0.0.1:1', fetch }), {
      ...CONFIG,
      resource: protectedResource({
        identifier: 'https://a.example/v1',
        authorizationServers: ['https://b.example'],
      }),
      authorize: ({ path, auth }) => path === '/x' && auth.principal === 'alice',
    })
    const metadata = '/.well-known/oauth-protected-resource/v1'
    expect(await (await guarded(get(metadata))).json()).toMatchObject({
      resource: 'https://a.example/v1',
    })
    const forbidden = await guarded(get('/y', TOKEN))
    expect([forbidden.status, await forbidden.json()]).toMatchObject([
      403,
      { error: { code: 'forbidden' } },
    ])
    expect(fetch).not.toHaveBeenCalled()
    expect((await guarded(get('/x', TOKEN))).status).toBe(200)
    // Another resource's metadata belongs to the upstream.
    expect((await guarded(get('/.well-known/oauth-protected-resource', TOKEN))).status).toBe(403)
  })

  it('answers OPTIONS with Max-Forwards: 0 itself, after the check', async () => {
    const fetch = answering(() => new Response('hello'))
    const guarded = createGuarded(fetch)
    const ask = (token: string, hops: string) =>
      guarded(
        new Request('https://api.test/', {
          method: 'OPTIONS',
          headers: { authorization: `Bearer ${token}`, 'max-forwards': hops },
        }),
      )
    expect((await ask('bad', '0')).status).toBe(401)
    const { status, headers } = await ask(TOKEN, '0')
    expect(status).toBe(204)
    expect(headers.get('allow')).toBe('GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS')
    expect(fetch).not.toHaveBeenCalled()
    expect((await ask(TOKEN, '1')).status).toBe(200)
  })
})

describe('a failing upstream', () => {
  const SECRET = 'secret-host'
  it.each<[string, number, string, string | undefined, UpstreamFetch]>([
    [
      'no response',
      502,
      'upstream_unreachable',
      'ECONNRESET',
      () => Promise.reject(Object.assign(new Error(SECRET), { code: 'ECONNRESET' })),
    ],
    [
      'an interim status',
      502,
      'invalid_response',
      'RangeError',
      async () => Object.defineProperty(new Response(SECRET), 'status', { value: 103 }),
    ],
    [
      'an unknown coding',
      502,
      'invalid_response',
      'Error',
      async () => new Response(SECRET, { headers: { 'content-encoding': 'zstd', server: SECRET } }),
    ],
    [
      'a fetch that returns nothing',
      502,
      'invalid_response',
      'TypeError',
      () => undefined as unknown as Promise<Response>,
    ],
    ['no response in time', 504, 'upstream_timeout', undefined, () => new Promise(() => undefined)],
  ])('sends nothing to the client: %s', async (_, status, code, cause, fetch) => {
    const failures: GatewayFailure[] = []
    const onFailure = (failure: GatewayFailure): void => void failures.push(failure)
    const guarded = createGuarded(fetch, { timeoutMs: 20, onFailure })
    const response = await guarded(get('/x?key=secret', TOKEN))
    expect(response.status).toBe(status)
    const body = await response.text()
    expect(body).toContain(code)
    expect(body + JSON.stringify([...response.headers])).not.toContain('secret')
    expect(failures).toEqual([{ code, status, method: 'GET', path: '/x', cause }])
    expect(JSON.stringify(failures)).not.toContain('secret')
  })

  it.each([
    ['POST', 'false'],
    ['OPTIONS', 'false'],
    ['GET', null],
    ['HEAD', null],
  ])('tells clients not to repeat a slow %s: %s', async (method, told) => {
    const guarded = createGuarded(() => new Promise(() => undefined), { timeoutMs: 20 })
    const headers = { authorization: `Bearer ${TOKEN}` }
    const response = await guarded(new Request('https://api.test/x', { method, headers }))
    expect([response.status, response.statusText]).toEqual([504, 'Gateway Timeout'])
    expect(response.headers.get('x-should-retry')).toBe(told)
  })

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
})
