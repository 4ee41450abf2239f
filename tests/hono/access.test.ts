import { Hono } from 'hono'
import { bodyLimit } from 'hono/body-limit'
import { some } from 'hono/combine'
import { HTTPException } from 'hono/http-exception'
import { Hono as OtherHono } from 'hono-lowest'
import { describe, expect, it, vi } from 'vitest'
import { access, auth, isAuthException } from '../../src/hono.ts'
import { withAuth } from '../../src/index.ts'
import { allow, watchConsole } from '../support/route-checks.ts'
import { get } from '../support/requests.ts'
import type { MiddlewareHandler } from 'hono-lowest'
import type { AuthEnv } from '../../src/hono.ts'
import type { AuthConfig } from '../../src/index.ts'

const BOB = { principal: 'bob', scopes: ['notes:read'], attributes: { roles: ['editor'] } }
const editor = access({ roles: ['editor'] })
const admin = access({ roles: ['admin'] })
const write = access({ scopes: ['notes:write'] })

function createApp(config: AuthConfig, ...checks: ReturnType<typeof access>[]): Hono<AuthEnv> {
  const app = new Hono<AuthEnv>()
  app.use(auth(config), ...checks)
  app.get('*', (c) => c.json({ principal: c.var.auth?.principal ?? null }))
  return app
}

describe('access', () => {
  it('lets a caller pass who has what is needed, and leaves c.var.auth as it is', async () => {
    const app = createApp(allow(BOB), editor)
    app.post('/', (c) => c.json(c.var.auth))
    const response = await app.request(new Request(get('/', 'k1'), { method: 'POST' }))
    expect(await response.json()).toEqual(BOB)
  })

  it('throws an HTTPException for others, whose response is finished', async () => {
    const thrown: unknown[] = []
    const handler = vi.fn<() => Response>()
    const app = new Hono<AuthEnv>().use(auth(allow(BOB))).get('/', write, handler)
    app.onError((error, c) => {
      thrown.push(error, c.get('auth' as never))
      return isAuthException(error) ? error.getResponse() : new Response('', { status: 599 })
    })
    const response = await app.request(get('/', 'k1'))
    expect(response.status).toBe(403)
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="notes:write"',
    )
    expect(await response.json()).toMatchObject({ error: { code: 'insufficient_scope' } })
    expect(thrown[0]).toBeInstanceOf(HTTPException)
    expect(thrown).toEqual([
      expect.objectContaining({ status: 403, message: 'Forbidden', reason: 'insufficient_scope' }),
      BOB,
    ])
    expect(handler).not.toHaveBeenCalled()
  })

  it('rejects where nothing handles errors, in the oldest Hono too', async () => {
    expect((await createApp(allow(BOB), admin).request(get('/', 'k1'))).status).toBe(403)
    const other = (given: unknown) => given as MiddlewareHandler
    const app = new OtherHono().use(other(auth(allow(BOB))))
    app.get('/editor', other(editor), (c) => c.text('in'))
    app.get('/admin', other(admin), (c) => c.text('in'))
    expect((await app.request(get('/editor', 'k1'))).status).toBe(200)
    expect((await app.request(get('/admin', 'k1'))).status).toBe(403)
    app.onError((error) => ('getResponse' in error ? error.getResponse() : new Response('lost')))
    expect((await app.request(get('/admin', 'k1'))).status).toBe(403)
  })

  it('is 401 on a public path, and 500 without a guard before it', async () => {
    const error = watchConsole()
    const open = createApp(allow(BOB, { public: ['/'] }), editor)
    expect((await open.request(get('/', 'k1'))).status).toBe(401)
    const late = new Hono().use(editor).use(auth(allow(BOB)))
    late.get('/', (c) => c.text('in'))
    const response = await late.request(get('/', 'k1'))
    expect(response.status).toBe(500)
    expect(await response.json()).toMatchObject({ error: { code: 'not_configured' } })
    expect(error).toHaveBeenCalledExactlyOnceWith(expect.stringContaining('auth() of with-auth'))
  })

  it('goes with withAuth around the app', async () => {
    const app = new Hono().get('/editor', editor, (c) => c.text('in'))
    app.get('/admin', admin, (c) => c.text('in'))
    const guarded = withAuth(app, allow(BOB))
    expect((await guarded.fetch(get('/editor', 'k1'))).status).toBe(200)
    expect((await guarded.fetch(get('/admin', 'k1'))).status).toBe(403)
    expect((await guarded.fetch(get('/editor'))).status).toBe(401)
  })
})

describe('several guards', () => {
  it('some() passes with the first check that holds, and leaves no trace of the others', async () => {
    const app = new Hono().use(auth(allow(BOB)))
    app.get('/open', some(write, editor), access({ scopes: ['x'] }), (c) => c.text('in'))
    app.get('/closed', some(admin, write), (c) => c.text('in'))
    const open = await app.request(get('/open', 'k1'))
    expect(open.headers.get('www-authenticate')).toContain('scope="x"')
    const closed = await app.request(get('/closed', 'k1'))
    expect([closed.status, await closed.json()]).toMatchObject([
      403,
      { error: { code: 'insufficient_scope' } },
    ])
  })

  it('some() does not let a caller pass by a second guard whose identity lacks something', async () => {
    const guards = some(auth({ verifier: () => ({ outcome: 'deny' }) }), auth(allow(BOB)))
    const app = new Hono().use(guards)
    app.get('/editor', editor, (c) => c.text('in'))
    app.get('/admin', admin, (c) => c.text('in'))
    expect((await app.request(get('/editor', 'k1'))).status).toBe(200)
    expect((await app.request(get('/admin', 'k1'))).status).toBe(403)
  })
})

describe('sub-apps', () => {
  it('of route are checked below a guard of the outer app, and by their own', async () => {
    const sub = new Hono().get('/a', editor, (c) => c.text('in'))
    sub.get('/b', admin, (c) => c.text('in'))
    const app = new Hono()
      .use(auth(allow(BOB)))
      .route('/v1', sub)
      .basePath('/v2')
      .route('/', sub)
    for (const version of ['/v1', '/v2']) {
      expect((await app.request(get(`${version}/a`, 'k1'))).status).toBe(200)
      expect((await app.request(get(`${version}/b`, 'k1'))).status).toBe(403)
    }
  })

  it('of mount get a copy of the Request, so that the guard must be inside, or pass it on', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const checked = new Hono().get('*', editor, (c) => c.text('in'))
    const outside = new Hono().use(auth(allow(BOB))).mount('/v1', checked.fetch)
    expect((await outside.request(get('/v1/a', 'k1'))).status).toBe(500)
    const own = new Hono().use(auth(allow(BOB))).get('*', editor, (c) => c.text('in'))
    const inside = new Hono().mount('/v1', own.fetch)
    expect((await inside.request(get('/v1/a', 'k1'))).status).toBe(200)
    const same = new Hono().use(auth(allow(BOB)))
    same.mount('/v1', checked.fetch, { replaceRequest: (request) => request })
    expect((await same.request(get('/v1/a', 'k1'))).status).toBe(200)
  })
})

describe('a Request that other middleware replaces', () => {
  const upload = (token?: string): Request =>
    new Request(get('/', token, { 'transfer-encoding': 'chunked' }), {
      method: 'POST',
      body: 'abc',
      headers: { authorization: `Bearer ${token}`, 'transfer-encoding': 'chunked' },
    })

  it('is checked as the guard saw it, as c.var.auth is', async () => {
    const app = new Hono<AuthEnv>().use(auth(allow(BOB)), bodyLimit({ maxSize: 10 }))
    let isCopy = false
    app.use(async (c, next) => {
      isCopy = c.req.raw !== sent
      await next()
    })
    app.post('/', editor, async (c) => c.text(await c.req.text()))
    app.post('/admin', admin, (c) => c.text('in'))
    const sent = upload('k1')
    expect(await (await app.request(sent)).text()).toBe('abc')
    expect(isCopy).toBe(true)
    const other = new Request('https://api.example.test/admin', upload('k1'))
    expect((await app.request(other)).status).toBe(403)
  })

  it('is the one of the last guard that let it pass', async () => {
    const app = new Hono().use(auth(allow(BOB)), bodyLimit({ maxSize: 10 }))
    app.post('/', auth(allow({ principal: 'carol' })), editor, (c) => c.text('in'))
    expect((await app.request(upload('k1'))).status).toBe(403)
  })
})
