import { expect, it, vi } from 'vitest'
import { createAuthenticator } from '../../src/core/authenticator.ts'
import { withAuth } from '../../src/core/with-auth.ts'
import { get, routed } from '../support/requests.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'

const MESSAGE = 'guard the routes with withAuthRoutes'
const UNTOLD: AuthConfig = { context: { path: false } }
const allow: AuthConfig = { verifier: () => ({ outcome: 'allow', principal: 'ada' }) }

function ask(config: AuthConfig, request: Request): Response | Promise<Response> {
  return withAuth(() => new Response('secret'), config)(request)
}

it.each<[string, AuthConfig]>([
  ['by default', {}],
  ['with public paths', { public: ['/open/*'] }],
  ['with public paths, though the path is not told', { public: ['/x'], ...UNTOLD }],
  ['with a policy, though the path is not told', { routePolicy: () => true, ...UNTOLD }],
  ['with authorize, though the path is not told', { authorize: () => true, ...UNTOLD }],
])('rejects what came by a route whose pattern is not known: %s', async (_, config) => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const authenticate = createAuthenticator({ ...allow, ...config })
  // GET /admin/../open/x, as Bun hands it over to the route /admin/*.
  for (const request of [
    routed('/open/x', {}, 'k1'),
    routed('/open/x'),
    routed('/a', { a: 'a' }),
  ]) {
    expect(await authenticate(request)).toMatchObject({ reason: 'not_configured' })
    expect((await ask({ ...allow, ...config }, request)).status).toBe(500)
  }
  expect(print.mock.calls.filter(([line]) => String(line).includes(MESSAGE))).toHaveLength(4)
})

it('tells an observer once, instead of the console', async () => {
  const print = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  const events: AuthEvent[] = []
  const guarded = withAuth(() => new Response('secret'), {
    ...allow,
    onEvent: (event) => events.push(event),
  })
  for (const token of ['k1', 'k2']) await guarded(routed('/a', {}, token))
  const denied = { type: 'decision', outcome: 'deny', reason: 'not_configured' }
  expect(events).toMatchObject([
    { type: 'config_error', message: expect.stringContaining(MESSAGE) as string },
    denied,
    denied,
  ])
  expect(print).not.toHaveBeenCalled()
})

it('decides by the token alone about what came by a route, where no path counts', async () => {
  const config = { ...allow, public: [], context: { path: false } }
  expect((await ask(config, routed('/open/x', {}, 'k1'))).status).toBe(200)
  expect((await ask(config, routed('/open/x'))).status).toBe(401)
})

it('takes a request for one of a router that sets params itself, as itty-router does', async () => {
  const own = (request: Request) => Object.assign(request, { params: { id: 'a' } })
  expect((await ask(allow, own(get('/a', 'k1')))).status).toBe(200)
  const both = Object.defineProperty(routed('/a', {}, 'k1'), 'params', { value: {} })
  expect((await ask(allow, both)).status).toBe(500)
})
