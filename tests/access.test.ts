import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkAccess, withAccess } from '../src/access.ts'
import { AuthConfigError, withAuth } from '../src/index.ts'
import { admitted, allow, codeOf, watchConsole } from './support/route-checks.ts'
import { get } from './support/requests.ts'
import type { Need } from '../src/access.ts'
import type { Caller } from './support/route-checks.ts'

const PROTOTYPE = ['scopes', 'roles', 'attributes', 'principal', 'anyScope', 'required'] as const

afterEach(() => {
  for (const name of PROTOTYPE) Reflect.deleteProperty(Object.prototype, name)
})

const ALICE: Caller = {
  principal: 'alice',
  scopes: ['notes:read', 'notes:write'],
  attributes: { roles: ['editor'], team: ['blue', 'red'] },
}

describe('a need', () => {
  it.each<[string, Need, string | undefined]>([
    ['all its scopes', { scopes: ['notes:write', 'notes:read'] }, undefined],
    ['one scope too few', { scopes: ['notes:read', 'notes:delete'] }, 'insufficient_scope'],
    ['one of its scopes', { anyScope: ['notes:delete', 'notes:write'] }, undefined],
    ['none of its scopes', { anyScope: ['notes:delete', 'notes'] }, 'insufficient_scope'],
    ['one of its roles', { roles: ['admin', 'editor'] }, undefined],
    ['none of its roles', { roles: ['admin'] }, 'forbidden'],
    ['a value of each attribute', { attributes: { team: ['red'], roles: ['editor'] } }, undefined],
    ['one attribute only', { attributes: { team: ['red'], roles: ['admin'] } }, 'forbidden'],
    ['an attribute that is missing', { attributes: { region: ['eu'] } }, 'forbidden'],
    ['the principal', { principal: ['bob', 'alice'] }, undefined],
    ['another principal', { principal: ['bob'] }, 'forbidden'],
    ['roles without scopes', { scopes: ['admin'], roles: ['editor'] }, 'insufficient_scope'],
    // More scopes would not help, so the client must not ask for them.
    ['neither scopes nor roles', { scopes: ['admin'], roles: ['admin'] }, 'forbidden'],
  ])('is compared with %s', async (_, need, code) => {
    expect(await codeOf(checkAccess(await admitted(allow(ALICE)), need))).toBe(code)
  })

  it.each<[string, Need]>([
    ['case', { scopes: ['Notes:write'] }],
    ['the end', { scopes: ['notes'] }],
    ['the case of roles', { roles: ['Editor'] }],
    ['a part of a role', { roles: ['edit'] }],
    ['the case of a principal', { principal: ['Alice'] }],
    ['a part of a principal', { principal: ['alice2'] }],
    ['the case of an attribute', { attributes: { Team: ['red'] } }],
  ])('is compared exactly: not without %s', async (_, need) => {
    expect((await codeOf(checkAccess(await admitted(allow(ALICE)), need))) ?? '').not.toBe('')
  })

  it('is met by no caller without a name, a scope or an attribute', async () => {
    for (const need of [
      { principal: ['undefined'] },
      { scopes: ['undefined'] },
      { anyScope: ['undefined'] },
      { roles: ['undefined'] },
      { attributes: { team: ['undefined'] } },
    ]) {
      expect(checkAccess(await admitted(allow({})), need)?.status).toBe(403)
    }
  })

  it.each(['__proto__', 'constructor', 'toString', 'hasOwnProperty', 'valueOf'])(
    'may name the attribute %s, which no caller inherits',
    async (name) => {
      const need = { attributes: Object.fromEntries([[name, ['x']]]) }
      expect(checkAccess(await admitted(allow(ALICE)), need)?.status).toBe(403)
      const attributes = Object.fromEntries([[name, ['x']]])
      expect(checkAccess(await admitted(allow({ attributes })), need)).toBeUndefined()
      expect(checkAccess(await admitted(allow(ALICE)), { roles: [name] })?.status).toBe(403)
      expect(checkAccess(await admitted(allow(ALICE)), { scopes: [name] })?.status).toBe(403)
    },
  )

  it('is not met by what Object.prototype has', async () => {
    const request = await admitted(allow({}))
    const needs: Need[] = [
      { scopes: ['admin'] },
      { roles: ['admin'] },
      { principal: ['admin'] },
      { attributes: { team: ['admin'] } },
    ]
    for (const name of PROTOTYPE) pollute(name, ['admin'])
    pollute('attributes', { roles: ['admin'], team: ['admin'] })
    for (const need of needs) expect(checkAccess(request, need)?.status).toBe(403)
    for (const need of needs) {
      expect(withAccess(() => new Response('in'), need)(request).status).toBe(403)
    }
  })

  it.each<[string, unknown, RegExp]>([
    ['nothing', undefined, /"need" must be an object/],
    ['an empty object', {}, /"need" must be an object with at least one of "scopes", "anyScope"/],
    ['a misspelt name', { scope: ['a'] }, /Unknown option "need.scope": did you mean "scopes"/],
    ['a name beside it', { roles: ['a'], role: ['b'] }, /Unknown option "need.role"/],
    ['what is undefined', { roles: undefined }, /"need.roles"/],
    ['no scope', { scopes: [] }, /"need.scopes" must be a list of at least one/],
    ['no role', { roles: [] }, /"need.roles" must be a list of at least one/],
    ['no attribute', { attributes: {} }, /"need.attributes" must be an object/],
    ['no value', { attributes: { team: [] } }, /"need.attributes.team" must be a list/],
    ['values that are undefined', { attributes: { team: undefined } }, /"need.attributes.team"/],
    ['a text', { scopes: 'notes:read' }, /"need.scopes" must be a list/],
    ['a text of roles', { roles: 'admin' }, /"need.roles" must be a list/],
    ['two scopes in one text', { scopes: ['a b'] }, /"need.scopes\[0\]" must be a scope/],
    [
      'a field of a challenge',
      { scopes: ['a,resource_metadata=https://evil.example.test/'] },
      /without quotes, backslashes, "scope="/,
    ],
    ['other scopes', { scopes: ['a,scope=b'] }, /"need.scopes\[0\]" must be a scope/],
    ['an error', { anyScope: ['error=invalid_token'] }, /"need.anyScope\[0\]" must be a scope/],
    [
      'a text for an attribute',
      { attributes: { team: 'x' } },
      /"need.attributes.team" must be a list/,
    ],
    [
      'a list of attributes',
      { attributes: ['team'] },
      /"need.attributes" must be an object of names/,
    ],
    [
      'a text for principals',
      { principal: 'ada' },
      /"need.principal" must be a list of at least one/,
    ],
    ['a quote', { scopes: ['a"'] }, /"need.scopes\[0\]" must be a scope/],
    ['an empty scope', { anyScope: [''] }, /"need.anyScope\[0\]" must be a scope/],
    ['an empty name', { principal: [''] }, /"need.principal\[0\]" must be a non-empty string/],
    ['no text', { roles: [1] }, /"need.roles\[0\]" must be a non-empty string/],
    // eslint-disable-next-line no-sparse-arrays
    ['a hole', { roles: ['a', , 'b'] }, /"need.roles\[1\]"/],
    ['a list', [['a']], /"need" must be an object/],
  ])('throws for %s, when it is made', async (_, need, message) => {
    const bad = need as Need
    expect(() => withAccess(() => new Response('in'), bad)).toThrow(AuthConfigError)
    expect(() => withAccess(() => new Response('in'), bad)).toThrow(message)
    const request = await admitted(allow(ALICE))
    expect(() => checkAccess(request, bad)).toThrow(AuthConfigError)
    // The need is wrong whoever calls, so that the first test finds it.
    expect(() => checkAccess(get('/'), bad)).toThrow(message)
  })

  it('is copied: to change it later has no effect', async () => {
    const values = ['red']
    const need = { roles: ['editor'], attributes: { team: values } }
    const handler = withAccess(() => new Response('in'), need)
    const request = await admitted(allow(ALICE))
    need.roles.pop()
    need.attributes.team = ['none']
    values[0] = 'none'
    expect(handler(request).status).toBe(200)
    const closed: { roles: string[] } = { roles: ['admin'] }
    const strict = withAccess(() => new Response('in'), closed)
    closed.roles.push('editor')
    expect(strict(request).status).toBe(403)
  })
})

describe('withAccess', () => {
  it('calls the handler with the same this, request and arguments, at once', async () => {
    const seen: unknown[] = []
    const handler = withAccess(
      function handle(this: unknown, ...given: [Request, string]) {
        seen.push(this, ...given)
        return new Response('in')
      },
      { roles: ['editor'] },
    )
    const request = await admitted(allow(ALICE))
    const self = {}
    expect(handler.call(self, request, 'extra')).toBeInstanceOf(Response)
    expect(seen).toEqual([self, request, 'extra'])
    expect(seen[1]).toBe(request)
  })

  it('does not call it for a caller who lacks something', async () => {
    const handler = vi.fn<() => Response>()
    const guarded = withAuth(withAccess(handler, { roles: ['admin'] }), allow(ALICE))
    const response = await guarded(get('/', 'k1'))
    expect(response.status).toBe(403)
    expect(response.headers.get('cache-control')).toBe('no-store')
    expect(await response.json()).toEqual({
      error: { message: 'Access denied', type: 'permission_error', code: 'forbidden' },
    })
    expect(handler).not.toHaveBeenCalled()
  })

  it.each<[string, unknown, message: string]>([
    ['an app', { fetch: () => new Response('in') }, 'it must be a function'],
    ['nothing', undefined, 'it must be a function'],
    ['a class', class Handler extends Request {}, 'Cannot guard a class'],
  ])('throws for %s', (_, handler, message) => {
    const make = () => withAccess(handler as () => Response, { roles: ['a'] })
    expect(make).toThrow(TypeError)
    expect(make).toThrow(message)
  })
})

describe('a request that no guard admitted', () => {
  const FETCH = 'Put withAuth, or auth()'
  const copies: [string, (request: Request) => unknown, advice?: string][] = [
    ['new Request(request)', (request) => new Request(request)],
    ['request.clone()', (request) => request.clone()],
    ['an object that inherits it', (request) => Object.create(request) as Request],
    ['a proxy', (request) => new Proxy(request, {})],
    ['nothing', () => undefined],
    ['the one of Node', () => ({ headers: {} }), 'It is no Request of Fetch'],
  ]

  it.each(copies)('gets 500 and a line on the console: %s', async (_, copy, advice = FETCH) => {
    const error = watchConsole()
    const request = copy(await admitted(allow(ALICE))) as Request
    const response = checkAccess(request, { roles: ['editor'] })
    expect(response?.status).toBe(500)
    expect(response?.headers.get('www-authenticate')).toBeNull()
    expect(await codeOf(response)).toBe('not_configured')
    expect(error).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining(`no guard has admitted it: it is rejected. ${advice}`),
    )
  })

  it('gets 500 from a wrapper outside the guard, which is the wrong way round', async () => {
    const handler = vi.fn<() => Response>()
    const guarded = withAuth(handler, allow(ALICE))
    const wrong = withAccess((request: Request) => guarded(request), { roles: ['editor'] })
    expect((await wrong(get('/', 'k1'))).status).toBe(500)
    expect(handler).not.toHaveBeenCalled()
  })
})

function pollute(name: string, value: unknown): void {
  Object.defineProperty(Object.prototype, name, { value, configurable: true })
}
