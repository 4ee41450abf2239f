import { describe, expect, it, vi } from 'vitest'
import { memoryCache, withAuth } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
import { get } from '../support/requests.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'
import type { ProtectedResource, ResourceConfig } from '../../src/mcp.ts'

/** A protected resource as a value: what guards require must not depend on what else has it in hands. */

const OPTIONS: ResourceConfig = {
  identifier: 'https://api.example.test/mcp',
  authorizationServers: ['https://login.example.test'],
  require: ['notes'],
}
const METADATA = '/.well-known/oauth-protected-resource/mcp'

function guard(resource: ProtectedResource | false, config: AuthConfig = {}) {
  const handler = vi.fn(() => new Response('secret'))
  const onEvent = (): void => undefined
  const guarded = withAuth(handler, {
    verifier: () => ({ outcome: 'allow', scopes: ['other'] }),
    onEvent,
    ...config,
    resource,
  })
  return { handler, ask: async (path = '/mcp') => guarded(get(path, TOKEN)) }
}

it('cannot be changed, nor can what it describes', async () => {
  const options = { ...OPTIONS, require: ['notes'] }
  const resource = protectedResource(options)
  const { ask, handler } = guard(resource)
  options.require.pop()
  expect(() => Object.assign(resource, { require: [] })).toThrow(TypeError)
  expect(() => Object.assign(resource, { refusal: () => undefined })).toThrow(TypeError)
  expect(() => Object.assign(resource.describe(), { require: [] })).toThrow(TypeError)
  const response = await ask()
  expect(response.status).toBe(403)
  expect(response.headers.get('www-authenticate')).toContain('scope="notes"')
  expect(handler).not.toHaveBeenCalled()
})

it('is refused if another copy of the package has made it', { tags: ['copy'] }, async () => {
  vi.resetModules()
  const other = (await import('../../src/mcp.ts')).protectedResource(OPTIONS)
  expect(() => guard(other)).toThrow(
    '"resource" must be false, or a resource that protectedResource() of this copy of with-auth/mcp has made, received an object of type Object',
  )
})

it('is refused if a spread has copied it', () => {
  // A spread would lose what it does, and might lower what it requires.
  const lower = { ...protectedResource(OPTIONS), require: [] } as ProtectedResource
  expect(() => guard(lower)).toThrow('"resource" must be made by a function')
})

it('admits no caller if another object stands in its place', async () => {
  const resource = protectedResource(OPTIONS)
  const weaker = Object.create(resource, { require: { value: [] } }) as ProtectedResource
  for (const { ask, handler } of [guard(weaker), guard(new Proxy(resource, {}))]) {
    expect([(await ask()).status, (await ask(METADATA)).status]).toEqual([401, 401])
    expect(handler).not.toHaveBeenCalled()
  }
})

it('requires its scopes of a decision that a guard with another resource has cached', async () => {
  const cached = { cache: memoryCache(), context: { headers: [] }, verifier: vi.fn(allowAll) }
  const strict = guard(protectedResource(OPTIONS), cached)
  for (const lenient of [guard(false, cached), guard(protectedResource(WITHOUT), cached)]) {
    expect((await lenient.ask()).status).toBe(200)
    expect((await strict.ask()).status).toBe(403)
  }
  expect(cached.verifier).toHaveBeenCalledTimes(1)
  expect(strict.handler).not.toHaveBeenCalled()
})

const WITHOUT: ResourceConfig = {
  identifier: OPTIONS.identifier,
  authorizationServers: OPTIONS.authorizationServers,
}

function allowAll() {
  return { outcome: 'allow', scopes: [] } as const
}

it('that a config function cannot make yet rejects all requests, those for the metadata too', async () => {
  const handler = vi.fn(() => new Response('secret'))
  const error = vi.spyOn(console, 'error').mockImplementation(() => undefined)
  let identifier = ''
  const guarded = withAuth(handler, () => ({
    verifier: () => ({ outcome: 'allow', scopes: ['notes'] }) as const,
    resource: protectedResource({ ...OPTIONS, identifier }),
  }))
  for (const path of ['/mcp', METADATA]) expect((await guarded(get(path, TOKEN))).status).toBe(500)
  expect(handler).not.toHaveBeenCalled()
  expect(String(error.mock.calls[0])).toContain('"identifier" must be an absolute https URL')
  error.mockRestore()
  ;({ identifier } = OPTIONS)
  expect((await guarded(get('/mcp', TOKEN))).status).toBe(200)
  expect((await guarded(get(METADATA))).status).toBe(200)
})

it('reports in shadow mode what it would reject', async () => {
  const events: AuthEvent[] = []
  const config: AuthConfig = { mode: 'shadow', onEvent: (event) => events.push(event) }
  expect((await guard(protectedResource(OPTIONS), config).ask()).status).toBe(200)
  expect(events.at(-1)).toMatchObject({
    outcome: 'deny',
    reason: 'insufficient_scope',
    shadow: true,
  })
})

describe('two guards, each with a resource of its own or without one', () => {
  const LISTS = [undefined, ['a'], ['b'], ['a', 'b']]
  const MODES = ['enforce', 'shadow'] as const
  const all = MODES.flatMap((mode) => LISTS.map((require) => ({ mode, require })))
  const pairs = all.flatMap((outer) => all.map((inner) => [outer, inner] as const))

  it.each([[[]], [['a']], [['b']], [['a', 'b']]])(
    'let a caller with %j in only if all that enforce have what they require',
    async (scopes: string[]) => {
      for (const pair of pairs) {
        const handler = vi.fn(() => new Response('secret'))
        const guarded = pair.reduceRight<(request: Request) => Response | Promise<Response>>(
          (next, { mode, require }) =>
            withAuth(next, () => ({
              verifier: () => ({ outcome: 'allow', scopes }) as const,
              mode,
              onEvent: () => undefined,
              cache: memoryCache(),
              context: { headers: [] },
              resource: protectedResource({ ...WITHOUT, ...(require && { require }) }),
            })),
          handler,
        )
        const needed = pair.flatMap(({ mode, require = [] }) => (mode === 'enforce' ? require : []))
        const isIn = needed.every((scope) => scopes.includes(scope))
        // The second request finds both decisions in the cache.
        for (const turn of [1, 2]) {
          const { status } = await guarded(get('/mcp', TOKEN))
          expect({ pair, turn, status }).toEqual({ pair, turn, status: isIn ? 200 : 403 })
        }
        expect(handler).toHaveBeenCalledTimes(isIn ? 2 : 0)
      }
    },
  )
})
