import { Hono } from 'hono'
import { cors } from 'hono/cors'
import { some } from 'hono/combine'
import { Hono as OtherHono } from 'hono-lowest'
import { describe, expect, it, vi } from 'vitest'
import { auth, resourceMetadata } from '../../src/hono.ts'
import { allow } from '../support/route-checks.ts'
import { get, raw } from '../support/requests.ts'
import type { MiddlewareHandler } from 'hono-lowest'
import type { AuthConfig } from '../../src/index.ts'
import type { ProtectedResource } from '../../src/mcp.ts'
import { protectedResource } from '../../src/mcp.ts'

const PATH = '/.well-known/oauth-protected-resource/mcp'
const resource = protectedResource({
  identifier: 'https://mcp.example.com/mcp',
  authorizationServers: ['https://login.example.com'],
  require: ['mcp:read'],
})
const config: AuthConfig = allow({ scopes: ['mcp:read'] }, { resource })
const DOCUMENT = {
  resource: 'https://mcp.example.com/mcp',
  authorization_servers: ['https://login.example.com'],
  scopes_supported: ['mcp:read'],
  bearer_methods_supported: ['header'],
}

/** An app that guards one path only, so that the guard does not see the well-known path. */
function createApp(metadata = resourceMetadata(resource)): Hono {
  const app = new Hono().use(metadata)
  app.use('/mcp', auth(config))
  return app.all('*', (c) => c.text('app'))
}

describe('resourceMetadata', () => {
  it('answers where a guard of another path does not, and sends other requests on', async () => {
    const response = await createApp().request(get(PATH))
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBe('*')
    expect(await response.json()).toEqual(DOCUMENT)
    const bare = new Hono().use('/mcp', auth(config)).all('*', (c) => c.text('app'))
    expect(await (await bare.request(get(PATH))).text()).toBe('app')
    for (const path of ['/', `${PATH}/x`, `${PATH}/`, PATH.slice(0, -4), PATH.toUpperCase()]) {
      expect(await (await createApp().request(get(path))).text()).toBe('app')
    }
    expect((await createApp().request(get('/mcp'))).status).toBe(401)
    expect(await (await createApp().request(get('/mcp', 'k1'))).text()).toBe('app')
  })

  it('answers in the oldest Hono', async () => {
    const app = new OtherHono().use(resourceMetadata(resource) as unknown as MiddlewareHandler)
    expect(await (await app.request(get(PATH))).json()).toEqual(DOCUMENT)
  })

  it('answers HEAD, OPTIONS and 405 as the guard does', async () => {
    for (const [method, status] of [
      ['HEAD', 200],
      ['OPTIONS', 204],
      ['POST', 405],
    ] as const) {
      const request = new Request(get(PATH), { method })
      const [own, guard] = [createApp(), new Hono().use(auth(config))]
      const [mine, theirs] = [await own.request(request), await guard.request(request)]
      expect([mine.status, await mine.text()]).toEqual([status, ''])
      expect([...mine.headers]).toEqual([...theirs.headers])
    }
  })

  it('keeps the headers of earlier middleware, and takes none of the client', async () => {
    const app = new Hono().use(cors({ origin: 'https://a.example' }), resourceMetadata(resource))
    const forged = { host: 'evil.example', 'x-forwarded-host': 'evil.example' }
    const response = await app.request(get(PATH, undefined, forged))
    expect(await response.text()).not.toContain('evil')
    expect(response.status).toBe(200)
  })

  it('sends on a target that can be read in two ways', async () => {
    const request = raw(`https://api.example.test/x/..%2f${PATH}`)
    expect(await (await createApp().fetch(request)).text()).toBe('app')
  })

  it.each<[string, unknown]>([
    ['nothing', undefined],
    ['false', false],
    ['the config that holds it', config],
    ['a function', () => resource],
    ['its options', resource.describe()],
    ['a copy of it', { ...resource }],
  ])('throws with %s, when it is made', (_, given) => {
    expect(() => resourceMetadata(given as ProtectedResource)).toThrow(
      new TypeError('resourceMetadata needs what protectedResource of with-auth/mcp returns'),
    )
  })
})

it('a guard that sees the well-known path returns the metadata, and throws nothing that onError or some() would see', async () => {
  const onError = vi.fn((error: Error) => new Response(error.message, { status: 599 }))
  const other = vi.fn<() => Promise<void>>()
  const app = new Hono().use(some(auth(config), other)).all('*', (c) => c.text('app'))
  app.onError(onError)
  const response = await app.request(get(PATH))
  expect(await response.json()).toEqual(DOCUMENT)
  expect(onError).not.toHaveBeenCalled()
  expect(other).not.toHaveBeenCalled()
})
