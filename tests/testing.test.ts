import { Hono } from 'hono'
import { http } from 'msw'
import { setupServer } from 'msw/node'
import { describe, expect, it, vi } from 'vitest'
import { checkAccess, withAccess } from '../src/access.ts'
import { createGateway } from '../src/gateway.ts'
import { access, auth as honoAuth } from '../src/hono.ts'
import { createAuthenticator, getAuth, withAuth } from '../src/index.ts'
import { authenticated, mockEndpoint } from '../src/testing.ts'
import { get } from './support/requests.ts'
import { TOKEN } from './support/token.ts'
import type { AuthConfig } from '../src/index.ts'
import type { TestIdentity } from '../src/testing.ts'

const greet = (request: Request): Response => new Response(`Hello ${getAuth(request).principal}`)

describe('authenticated', () => {
  it('marks the same Request, so that a handler that calls getAuth can be tested alone', async () => {
    const request = get('/')
    expect(authenticated(request, { principal: 'alice' })).toBe(request)
    expect(await greet(request).text()).toBe('Hello alice')
    authenticated(request, { principal: 'bob' })
    expect(await greet(request).text()).toBe('Hello bob')
  })

  it('marks no copy of it', () => {
    const request = authenticated(get('/'), { principal: 'alice' })
    expect(() => getAuth(request.clone())).toThrow('getAuth: with-auth did not decide')
  })

  it('copies and freezes the whole identity', () => {
    const given = {
      principal: 'alice',
      attributes: { roles: ['admin'], team: 'search' },
      scopes: ['notes:read'],
      clientId: 'app',
      tenant: 'acme',
      claims: { nested: { level: 1 } },
      expiresAt: 5,
      stale: true,
    } as const
    const auth = getAuth(authenticated(get('/'), given))
    expect(auth).toEqual({ ...given, attributes: { roles: ['admin'], team: ['search'] } })
    const parts = [auth, auth.attributes, auth.attributes['roles'], auth.scopes, auth.claims]
    expect(parts.filter((part) => !Object.isFrozen(part))).toEqual([])
    expect(auth.attributes['roles']).not.toBe(given.attributes.roles)
  })

  it('takes no name and no attribute from a prototype', () => {
    const attributes = Object.create({ roles: ['admin'] }) as object
    const inherited = Object.create({ principal: 'root', attributes }) as TestIdentity
    const auth = getAuth(authenticated(get('/'), inherited))
    expect([auth.principal, auth.attributes['roles']]).toEqual([undefined, undefined])
    expect(getAuth(authenticated(get('/')))).toEqual({ attributes: {} })
  })

  it.each([
    ['alice', '"auth" must be an object, such as { principal: \'alice\' }'],
    [null, '"auth" must be an object, such as { principal: \'alice\' }'],
    [{ principal: 1 }, '"auth" is malformed: "principal" must be a string'],
    [
      { attributes: { roles: [1] } },
      '"auth" is malformed: "attributes.roles" must be a string or a list of strings',
    ],
    [{ scopes: 'a b' }, '"auth" is malformed: "scopes" must be a list of strings'],
    [{ expiresAt: Number.NaN }, '"auth" is malformed: "expiresAt" must be a number'],
  ])('throws for the identity %j, and marks nothing', (auth, message) => {
    const request = get('/')
    expect(() => authenticated(request, auth as TestIdentity)).toThrow(
      new TypeError(`authenticated: ${message}`),
    )
    expect(() => getAuth(request)).toThrow('getAuth: with-auth did not decide')
  })

  it.each([undefined, null, 'http://localhost/', {}, { principal: 'alice' }])(
    'throws for %j in place of a Request',
    (request) => {
      expect(() => authenticated(request as unknown as Request)).toThrow(
        'authenticated: "request" must be a Request',
      )
    },
  )

  it('opens no guard: each still asks for a token, and for every path', async () => {
    const endpoint = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const config: AuthConfig = { endpoint: endpoint.url, fetch: endpoint.fetch }
    const admin = { principal: 'root', attributes: { roles: ['admin'] } }
    const hono = new Hono().use(honoAuth(config)).get('*', (c) => c.text('in'))
    const authenticate = createAuthenticator(config)
    for (const path of ['/', '/v1/notes']) {
      expect((await withAuth(greet, config)(authenticated(get(path), admin))).status).toBe(401)
      expect((await hono.fetch(authenticated(get(path), admin))).status).toBe(401)
      expect((await authenticate(authenticated(get(path), admin))).ok).toBe(false)
    }
    expect(endpoint.questions).toEqual([])
  })

  it('gives way to the identity that a guard finds', async () => {
    const { url, fetch } = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const app = withAuth(greet, { endpoint: url, fetch })
    const response = await app(authenticated(get('/', TOKEN), { principal: 'root' }))
    expect(await response.text()).toBe('Hello alice')
  })

  it('serves route checks, which reject as they do behind a guard with the defaults', async () => {
    const editor = { attributes: { roles: ['editor'] } }
    const need = { roles: ['admin'] }
    const handler = withAccess(() => new Response('saved'), { roles: ['editor'] })
    expect(handler(authenticated(get('/'), editor)).status).toBe(200)
    const rejection = checkAccess(authenticated(get('/'), editor), need)
    expect(rejection?.status).toBe(403)
    const scoped = checkAccess(authenticated(get('/'), editor), { scopes: ['notes:write'] })
    expect(scoped?.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="notes:write"',
    )
    const hono = new Hono().get('/', access(need), (c) => c.text('in'))
    const admin = { attributes: { roles: ['admin'] } }
    expect((await hono.fetch(authenticated(get('/'), admin))).status).toBe(200)
  })

  it('lets a gateway forward the request, without the token', async () => {
    const upstream = vi.fn<typeof fetch>(async () => new Response('in'))
    const forward = createGateway({ upstream: 'http://127.0.0.1:1', fetch: upstream })
    await forward(authenticated(get('/', TOKEN), { principal: 'alice' }))
    const sent = new Headers(upstream.mock.lastCall?.[1]?.headers)
    expect(sent.get('x-auth-principal')).toBe('alice')
    expect(sent.get('authorization')).toBeNull()
  })
})

describe('mockEndpoint', () => {
  it('allows the tokens that it is given, with what an endpoint sends', async () => {
    const caller = {
      principal: 'alice',
      attributes: { roles: 'admin' },
      scopes: ['a', 'b'],
      clientId: 'app',
      tenant: 'acme',
      expiresAt: 4_102_444_800_000,
    }
    const { url, fetch } = mockEndpoint({ [TOKEN]: caller })
    const app = withAuth((request: Request) => Response.json(getAuth(request)), {
      endpoint: url,
      fetch,
    })
    const response = await app(get('/', TOKEN))
    expect(await response.json()).toEqual({ ...caller, attributes: { roles: ['admin'] } })
  })

  it.each(['unknown', '__proto__', 'constructor', 'toString'])(
    'rejects the token %s',
    async (token) => {
      const { url, fetch } = mockEndpoint({ [TOKEN]: {} })
      const app = withAuth(greet, { endpoint: url, fetch })
      const response = await app(get('/', token))
      expect(response.status).toBe(401)
      expect(await response.json()).toMatchObject({ error: { code: 'denied' } })
    },
  )

  it('remembers the questions', async () => {
    const { url, fetch, questions } = mockEndpoint()
    const app = withAuth(greet, { endpoint: url, fetch, context: { headers: [], method: true } })
    await app(get('/v1/models?limit=10', 'k1'))
    const request = { path: '/v1/models', headers: {}, params: { limit: '10' }, method: 'GET' }
    expect(questions).toEqual([{ api_key: 'k1', request }])
    questions.length = 0
    await app(get('/', 'k2'))
    expect(questions.map(({ api_key }) => api_key)).toEqual(['k2'])
  })

  it('answers every token with a status, until it goes by the token again', async () => {
    const { url, fetch, respondWith } = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const app = withAuth(greet, { endpoint: url, fetch, retry: false, unavailableStatus: 503 })
    const statusOf = async (): Promise<number> => (await app(get('/', TOKEN))).status
    respondWith(500)
    expect(await statusOf()).toBe(503)
    respondWith(429)
    expect(await statusOf()).toBe(429)
    respondWith(204)
    expect(await statusOf()).toBe(401)
    respondWith()
    expect(await statusOf()).toBe(200)
  })

  it.each([200, 100, 600, 401.5, Number.NaN])(
    'throws for the status %s, and goes on as before',
    async (status) => {
      const { url, fetch, respondWith } = mockEndpoint()
      expect(() => respondWith(status)).toThrow('"status" must be a whole number from 201 to 599')
      expect((await withAuth(greet, { endpoint: url, fetch })(get('/', TOKEN))).status).toBe(401)
    },
  )

  it('answers for msw, so that the config of the app stays', async () => {
    const endpoint = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
    const url = 'https://auth.example.test/validate'
    const server = setupServer(http.post(url, endpoint.resolver))
    server.listen({ onUnhandledRequest: 'error' })
    try {
      const app = withAuth(greet, { endpoint: url })
      expect(await (await app(get('/', TOKEN))).text()).toBe('Hello alice')
      expect((await app(get('/', 'other'))).status).toBe(401)
      expect(endpoint.questions).toHaveLength(2)
    } finally {
      server.close()
    }
  })

  it('answers 400 for a call that asks nothing', async () => {
    const { url, resolver, questions } = mockEndpoint({ [TOKEN]: {} })
    const bodies = ['', '[]', '{"api_key":1,"request":{}}', `{"api_key":"${TOKEN}"}`]
    const calls = bodies.map((body) => new Request(url, { method: 'POST', body }))
    for (const request of [new Request(url), ...calls]) {
      expect((await resolver({ request })).status).toBe(400)
    }
    expect(questions).toEqual([])
  })

  it('throws for a caller of the wrong type, and never names the token', () => {
    const wrong = { [TOKEN]: { attributes: { roles: 1 } } } as never
    expect(() => mockEndpoint(wrong)).toThrow(
      new TypeError(
        'mockEndpoint: the caller of a token is malformed: "attributes.roles" must be a string or a list of strings',
      ),
    )
    expect(() => mockEndpoint({ [TOKEN]: 'alice' } as never)).toThrow('must be an object')
  })
})

it('`app.request` of a guarded Hono app throws, and says how to test', async () => {
  const { url, fetch } = mockEndpoint({ [TOKEN]: { principal: 'alice' } })
  const hono = new Hono().get('/', (c) => c.text(getAuth(c.req.raw).principal ?? ''))
  const app = withAuth(hono, { endpoint: url, fetch })
  // The types leave it out, for whoever compiles.
  expect(Reflect.get(app, 'request')).toThrow(
    `"request" could serve the app without the guard: serve, test and call the guarded "fetch", as in "await app.fetch(new Request('http://localhost/'))"`,
  )
  expect((await app.fetch(new Request('http://localhost/'))).status).toBe(401)
  expect(await (await app.fetch(get('/', TOKEN))).text()).toBe('alice')
})
