import { inspect } from 'node:util'
import { Hono } from 'hono'
import { some } from 'hono/combine'
import { Hono as OtherHono } from 'hono-lowest'
import { HTTPException } from 'hono/http-exception'
import { HttpResponse } from 'msw'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { auth, isAuthException } from '../src/hono.ts'
import { getAuth, memoryCache } from '../src/index.ts'
import { ENDPOINT, setupEndpoint } from './support/msw-endpoint.ts'
import { get } from './support/requests.ts'
import type { MiddlewareHandler } from 'hono-lowest'
import type { AuthEnv } from '../src/hono.ts'
import type { AuthConfig } from '../src/index.ts'

const endpoint = setupEndpoint()
const config = { endpoint: ENDPOINT }
const allow = (): Response => HttpResponse.json({ principal: 'alice' })

function createApp(handler = vi.fn<() => void>()): Hono<AuthEnv> {
  const app = new Hono<AuthEnv>()
  app.use('/v1/*', auth({ ...config, public: ['/v1/healthz'] }))
  app.get('*', (c) => {
    handler()
    return c.json({ principal: c.var.auth?.principal ?? null })
  })
  return app
}

describe('the middleware', () => {
  it('sets c.var.auth and goes on where the endpoint says 200', async () => {
    endpoint.answer(allow)
    const response = await createApp().request(get('/v1/me', 'k1'))
    expect(await response.json()).toEqual({ principal: 'alice' })
    expect(endpoint.asked[0]?.body).toMatchObject({ api_key: 'k1', request: { path: '/v1/me' } })
  })

  it('guards what is matched, and leaves alone what is not', async () => {
    const app = createApp()
    expect((await app.request(get('/v1'))).status).toBe(401)
    expect((await app.request(get('/v1/'))).status).toBe(401)
    expect((await app.request(get('/%76%31/me'))).status).toBe(401)
    expect((await app.request(get('/v2/me'))).status).toBe(200)
  })

  it('sets c.var.auth in shadow mode after a 200, and lets other requests in without it', async () => {
    endpoint.answer(allow)
    const app = new Hono<AuthEnv>().use(auth({ ...config, mode: 'shadow' }))
    app.get('*', (c) => c.json({ principal: c.var.auth?.principal ?? null }))
    expect(await (await app.request(get('/', 'k1'))).json()).toEqual({ principal: 'alice' })
    expect(await (await app.request(get('/'))).json()).toEqual({ principal: null })
  })

  it('lets the raw Request be asked for the identity', async () => {
    endpoint.answer(allow)
    const app = new Hono().use(auth(config)).get('*', (c) => c.json(getAuth(c.req.raw)))
    expect(await (await app.request(get('/', 'k1'))).json()).toEqual({
      principal: 'alice',
      attributes: {},
    })
  })

  it('decides for itself, whatever ran before', async () => {
    const app = new Hono<AuthEnv>()
    app.use(async (c, next) => {
      c.set('auth', { principal: 'root', attributes: {} })
      await next()
    })
    app.use('/v1/*', auth({ ...config, public: ['/v1/healthz'] }))
    app.get('*', (c) => c.json({ principal: c.var.auth?.principal ?? null }))
    expect((await app.request(get('/v1/me'))).status).toBe(401)
    expect(await (await app.request(get('/v1/healthz'))).json()).toEqual({ principal: null })
  })

  it('makes its config of c.env, or takes the endpoint from there', async () => {
    endpoint.answer(allow)
    const made = new Hono<AuthEnv & { Bindings: { URL: string } }>()
    made.use(auth((env: { URL: string }) => ({ endpoint: env.URL })))
    made.get('*', (c) => c.text('in'))
    expect((await made.request(get('/', 'k1'), undefined, { URL: ENDPOINT })).status).toBe(200)
    const bare = new Hono().use(auth()).get('*', (c) => c.text('in'))
    const env = { AUTH_ENDPOINT: ENDPOINT }
    expect((await bare.request(get('/', 'k1'), undefined, env)).status).toBe(200)
  })

  it('does not take an error of the handler for its own', async () => {
    endpoint.answer(allow)
    const app = new Hono().use(auth(config)).get('*', () => {
      throw new HTTPException(503, { message: 'mine' })
    })
    const response = await app.request(get('/', 'k1'))
    expect([response.status, await response.text()]).toEqual([503, 'mine'])
  })

  it('tells the whole path in a sub-app', async () => {
    const sub = new Hono().use(auth(config)).get('*', (c) => c.text('in'))
    const app = new Hono().basePath('/api').route('/v1', sub)
    await app.request(get('/api/v1/me', 'k1'))
    expect(endpoint.asked[0]?.body.request).toMatchObject({ path: '/api/v1/me' })
  })

  it('tells the path that the request has below mount, which cuts it', async () => {
    const sub = new Hono().use(auth(config)).get('*', (c) => c.text('in'))
    const app = new Hono().mount('/api', sub.fetch)
    await app.request(get('/api/me', 'k1'))
    expect(endpoint.asked[0]?.body.request).toMatchObject({ path: '/me' })
  })
})

describe('cached decisions', () => {
  const cache = memoryCache()
  const cached = { ...config, context: { headers: [] }, cache }
  afterEach(() => cache.clear())

  it('are asked for in a call that outlives its request, where there is an execution context', async () => {
    endpoint.answer(allow)
    const app = new Hono().use(auth(cached)).get('*', (c) => c.text('in'))
    const waitUntil = vi.fn<(call: Promise<unknown>) => void>()
    const context = { waitUntil, passThroughOnException: () => undefined, props: {} }
    await app.request(get('/', 'k1'), undefined, {}, context)
    expect(waitUntil).toHaveBeenCalledExactlyOnceWith(expect.any(Promise))
    expect((await app.request(get('/', 'k2'))).status).toBe(200)
  })
})

describe('a rejection', () => {
  it('is an HTTPException that onError sees', async () => {
    const errors: Error[] = []
    const app = createApp()
    app.onError((error) => {
      errors.push(error)
      return error instanceof HTTPException
        ? error.getResponse()
        : new Response('', { status: 500 })
    })
    const response = await app.request(get('/v1/me'))
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { code: 'missing_credentials' } })
    expect(errors).toEqual([expect.any(HTTPException)])
    expect(errors[0]).toMatchObject({ message: 'Unauthorized', status: 401, res: response })
    expect(errors[0]?.stack).toBeUndefined()
  })

  const failing = (fetch: () => Promise<Response>): AuthConfig => ({
    ...config,
    fetch,
    retry: false,
    unavailableStatus: 503,
    onEvent: () => undefined,
  })
  const refused = (): never => {
    throw Object.assign(new Error('sk-secret'), { code: 'ECONNREFUSED', token: 'sk-secret' })
  }

  it.each<[string, AuthConfig, Request, object]>([
    [
      'no token',
      config,
      get('/v1/me'),
      { status: 401, message: 'Unauthorized', reason: 'missing_credentials', cause: undefined },
    ],
    [
      'a malformed target',
      config,
      get(`/v1/me?${'a&'.repeat(1001)}`, 'k1'),
      { status: 400, message: 'Bad Request', reason: 'malformed_request' },
    ],
    [
      'no endpoint',
      { onEvent: () => undefined },
      get('/v1/me', 'k1'),
      { status: 500, message: 'Internal Server Error', reason: 'not_configured' },
    ],
    [
      'an endpoint that is down',
      failing(async () => refused()),
      get('/v1/me', 'k1'),
      {
        status: 503,
        message: 'Service Unavailable',
        reason: 'unreachable',
        cause: 'ECONNREFUSED',
      },
    ],
    [
      'a bug',
      failing(() => refused()),
      get('/v1/me', 'k1'),
      { status: 401, message: 'Unauthorized', reason: 'internal_error', cause: undefined },
    ],
    [
      'a status text of respond',
      { ...config, respond: () => new Response('no', { status: 418, statusText: 'Teapot' }) },
      get('/v1/me', 'k1'),
      { status: 418, message: 'Teapot', reason: 'denied' },
    ],
    [
      'another status of respond',
      { ...config, respond: () => Response.redirect('https://l.example.test/', 302) },
      get('/v1/me', 'k1'),
      { status: 302, message: 'Rejected', reason: 'denied' },
    ],
  ])('says why, with %s, and shows nothing else', async (_what, options, request, expected) => {
    const thrown: unknown[] = []
    const app = new Hono().use(auth(options)).get('*', (c) => c.text('in'))
    app.onError((error) => {
      thrown.push(error)
      return isAuthException(error) ? error.getResponse() : new Response('', { status: 599 })
    })
    const response = await app.request(request)
    expect(thrown).toEqual([expect.objectContaining({ code: 'auth_rejected', ...expected })])
    expect(response.status).toBe(expected['status' as keyof typeof expected])
    expect(inspect(thrown, { depth: 9, showHidden: true })).not.toContain('sk-secret')
  })

  it('is known by its code, whatever class it is of', () => {
    expect(isAuthException({ code: 'auth_rejected' })).toBe(true)
    for (const other of [new HTTPException(401), { code: 'other' }, 'auth_rejected', null]) {
      expect(isAuthException(other)).toBe(false)
    }
  })

  it('is a response in an app of another copy of Hono', async () => {
    expect(new OtherHono()).not.toBeInstanceOf(Hono)
    const app = new OtherHono()
      .use(auth(config) as unknown as MiddlewareHandler)
      .get('*', (c) => c.text('in'))
    expect((await app.request(get('/'))).status).toBe(401)
    app.onError((error) => ('getResponse' in error ? error.getResponse() : new Response('lost')))
    expect((await app.request(get('/'))).status).toBe(401)
  })

  it('lets some() try the next guard, and stands where no guard allows', async () => {
    const open = some(auth(config), auth({ verifier: () => ({ outcome: 'allow' }) }))
    const closed = some(auth(config), auth({ verifier: () => ({ outcome: 'deny' }) }))
    const app = new Hono()
      .use('/open', open)
      .use('/closed', closed)
      .get('*', (c) => c.text('in'))
    expect((await app.request(get('/open', 'k1'))).status).toBe(200)
    const response = await app.request(get('/closed', 'k1'))
    expect(response.status).toBe(401)
    expect(await response.json()).toMatchObject({ error: { code: 'denied' } })
  })
})
