import { describe, expect, it, vi } from 'vitest'
import { withAuthRoutes } from '../src/bun.ts'
import { getAuth } from '../src/index.ts'
import { routed } from './support/requests.ts'
import type { AskVerifier, AuthConfig } from '../src/index.ts'
import { protectedResource } from '../src/mcp.ts'

const verifier = vi.fn<AskVerifier>(({ request: { path } }) => ({
  outcome: path.startsWith('/v1/') ? 'allow' : 'deny',
  principal: 'ada',
}))
const config: AuthConfig = {
  verifier,
  public: ['/open/*'],
  context: { headers: [], params: 'none' },
}

describe('guarded routes', () => {
  it('call their handler after an allow, with the same request, arguments and this', async () => {
    const handler = vi.fn(function show(this: unknown, request: Request, ..._rest: unknown[]) {
      return Response.json({ principal: getAuth(request).principal, self: this })
    })
    const routes = withAuthRoutes({ '/v1/:id': handler, '/v1/x/y': { GET: handler } }, config)
    const request = routed('/v1/a', { id: 'a' }, 'k1')
    const server = {}
    const response = await routes['/v1/:id'].call({ port: 3 }, request, server)
    expect(await response.json()).toEqual({ principal: 'ada', self: { port: 3 } })
    expect(handler.mock.calls[0]?.[0]).toBe(request)
    expect(handler.mock.calls[0]?.[1]).toBe(server)
    expect((await routes['/v1/x/y'].GET(routed('/v1/x/y', {}, 'k1'))).status).toBe(200)
    expect(handler).toHaveBeenCalledTimes(2)
  })

  it.each<[string, Request, number]>([
    ['no token', routed('/admin/x'), 401],
    ['a token that is denied there', routed('/admin/x', {}, 'k1'), 401],
    // Bun makes these of GET /admin/../open/x and /admin/../v1/x.
    ['a public path that leads elsewhere', routed('/open/x'), 400],
    ['an allowed path that leads elsewhere', routed('/v1/x', {}, 'k1'), 400],
    ['a path that leads to a more specific route', routed('/admin/own', {}, 'k1'), 400],
  ])('do not call it for %s', async (_, request, status) => {
    const handler = vi.fn(() => new Response('secret'))
    const routes = withAuthRoutes(
      { '/admin/*': handler, '/admin/own': handler, '/open/*': handler, '/v1/:id': handler },
      config,
    )
    expect((await routes['/admin/*'](request)).status).toBe(status)
    expect(handler).not.toHaveBeenCalled()
  })

  it('may be public, since their pattern is known', async () => {
    const routes = withAuthRoutes({ '/open/:id': { GET: () => new Response('open') } }, config)
    const open = routes['/open/:id'].GET
    expect((await open(routed('/open/x', { id: 'x' }))).status).toBe(200)
    expect((await open(routed('/open/x', { id: 'y' }))).status).toBe(400)
  })

  it('answer for the metadata of a resource, below a pattern that has its path', async () => {
    const routes = withAuthRoutes(
      { '/mcp': () => new Response('ran'), '/.well-known/*': () => new Response('never') },
      {
        ...config,
        resource: protectedResource({
          identifier: 'https://a.example/mcp',
          authorizationServers: ['https://b.example'],
        }),
      },
    )
    const path = '/.well-known/oauth-protected-resource/mcp'
    const document = await (await routes['/.well-known/*'](routed(path))).json()
    expect(document).toMatchObject({ resource: 'https://a.example/mcp' })
    expect((await routes['/.well-known/*'](routed('/.well-known/x'))).status).toBe(401)
  })

  it('answer 403 to a caller who may not', async () => {
    const handler = vi.fn(() => new Response('ran'))
    const routes = withAuthRoutes(
      { '/v1/:id': { DELETE: handler } },
      { ...config, authorize: ({ method }) => method !== 'DELETE' },
    )
    const request = routed('/v1/a', { id: 'a' }, 'k1', 'DELETE')
    expect((await routes['/v1/:id'].DELETE(request)).status).toBe(403)
    expect(handler).not.toHaveBeenCalled()
  })

  it('leave a method to the pattern that has it', async () => {
    const handler = (): Response => new Response('ran')
    const routes = withAuthRoutes({ '/v1/a': { POST: handler }, '/v1/*': handler }, config)
    expect((await routes['/v1/*'](routed('/v1/a', {}, 'k1'))).status).toBe(200)
    expect((await routes['/v1/*'](routed('/v1/a', {}, 'k1', 'POST'))).status).toBe(400)
  })

  it('have a config function of the extra arguments', async () => {
    const make = vi.fn((_server: unknown) => config)
    const routes = withAuthRoutes({ '/v1/a': () => new Response('secret') }, make)
    const guarded: (request: Request, server: string) => unknown = routes['/v1/a']
    await guarded(routed('/v1/a', {}, 'k1'), 'server')
    expect(make).toHaveBeenCalledExactlyOnceWith('server')
  })
})

/** Calls with values that the types forbid. */
function guarding(routes: unknown): () => unknown {
  return () => withAuthRoutes(routes as Record<'/a', () => Response>, config)
}

it.each<[string, unknown]>([
  ['a Response', new Response('ok')],
  ['undefined', undefined],
  ['a file', new Blob(['text'])],
  ['an app', { fetch: () => new Response('open') }],
  ['no method', {}],
  ['a Response for a method', { GET: () => new Response('a'), POST: new Response('open') }],
  ['a method with a letter too many', { GETs: () => new Response('a') }],
  ['a method with another letter before it', { xGET: () => new Response('a') }],
  ['a list', [() => new Response('a')]],
])('throws for %s as a route, and says where to put it', (_, value) => {
  expect(guarding({ '/a': value })).toThrow(TypeError)
  expect(guarding({ '/a': value })).toThrow(
    'put it beside the guarded routes: { ...withAuthRoutes(routes, config), "/a": value }',
  )
})

it.each([undefined, null, {}, 'routes', [], () => new Response('open')])(
  'rejects %s, which is not a table of routes',
  (routes) => {
    expect(guarding(routes)).toThrow('Cannot guard the routes: they must be an object of handlers')
  },
)

it('throws for a class, a malformed pattern, and two patterns that match the same', () => {
  class App {
    fetch(): Response {
      return new Response('secret')
    }
  }
  const handler = (): Response => new Response('secret')
  expect(guarding({ '/a': App })).toThrow('Cannot guard a class')
  expect(guarding({ '/a': { GET: App } })).toThrow('Cannot guard a class')
  expect(guarding({ '/a/*/b': handler })).toThrow('Cannot guard the route "/a/*/b"')
  expect(guarding({ '/:a': handler, '/:b': { GET: handler } })).toThrow(
    'which match the same paths',
  )
})
