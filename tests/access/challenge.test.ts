import { describe, expect, it } from 'vitest'
import { checkAccess, withAccess } from '../../src/access.ts'
import { getAuth, memoryCache, withAuth } from '../../src/index.ts'
import { protectedResource } from '../../src/mcp.ts'
import { admitted, allow, codeOf } from '../support/route-checks.ts'
import { get } from '../support/requests.ts'
import type { Need } from '../../src/access.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { ProtectedResource } from '../../src/mcp.ts'

/** RFC 6750 §3.1: one challenge lists all scopes that a request needs. Some clients ask only for those of the last one. */

const CALLER = { principal: 'alice', scopes: ['a', 'b', 'base'] }
const resource = (require: string[] = [], path = '/'): ProtectedResource =>
  protectedResource({
    identifier: `https://mcp.example.com${path}`,
    authorizationServers: ['https://login.example.com'],
    ...(require.length > 0 && { require }),
  })

function scopesOf(response: Response | undefined): string | undefined {
  return /scope="([^"]*)"/.exec(response?.headers.get('www-authenticate') ?? '')?.[1]
}

/** The scopes of the first rejection. */
function askFor(request: Request, ...needs: Need[]): string | undefined {
  for (const need of needs) {
    const rejection = checkAccess(request, need)
    if (rejection !== undefined) return scopesOf(rejection)
  }
  return undefined
}

describe('the challenge lists', () => {
  it('the missing scopes and those that the caller holds, so that the next token has both', async () => {
    const response = checkAccess(await admitted(allow(CALLER)), { scopes: ['a', 'x', 'b', 'y'] })
    expect(response?.status).toBe(403)
    expect(response?.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="a x b y"',
    )
  })

  it('the scopes of all checks that came before, each once, in the order of their appearance', async () => {
    const request = await admitted(allow(CALLER))
    expect(askFor(request, { scopes: ['b'] }, { scopes: ['a', 'b'] }, { scopes: ['x', 'a'] })).toBe(
      'b a x',
    )
  })

  it('the scopes of a check between two guards', async () => {
    const inner = withAuth(
      withAccess(() => new Response('in'), { scopes: ['x'] }),
      allow(CALLER, { resource: resource(['b']) }),
    )
    const between = withAccess((request: Request) => inner(request), { scopes: ['a'] })
    const outer = withAuth(between, allow(CALLER, { resource: resource(['base']) }))
    expect(scopesOf(await outer(get('/', 'k1')))).toBe('base a b x')
  })

  it('no scope of a check that is not reached', async () => {
    const inner = withAccess(() => new Response('in'), { scopes: ['later'] })
    const handler = withAccess((request: Request) => inner(request), { scopes: ['x'] })
    expect(scopesOf(await withAuth(handler, allow(CALLER))(get('/', 'k1')))).toBe('x')
  })

  it('no scope of a check that failed and was not the last word', async () => {
    const request = await admitted(allow(CALLER))
    const rejected = [{ scopes: ['admin'] }, { roles: ['admin'], scopes: ['other'] }]
    for (const need of rejected) expect(checkAccess(request, need)?.status).toBe(403)
    expect(askFor(request, { scopes: ['x'] })).toBe('x')
  })

  it('nothing for a role, which no scope replaces', async () => {
    const response = checkAccess(await admitted(allow(CALLER)), { scopes: ['a'], roles: ['r'] })
    expect(await codeOf(response?.clone())).toBe('forbidden')
    expect(response?.headers.get('www-authenticate')).toBeNull()
  })
})

it.each<[string, Need, string]>([
  ['the first if the caller holds none', { anyScope: ['x', 'y'] }, 'x'],
  ['those that the caller holds', { anyScope: ['y', 'b', 'a'], scopes: ['x'] }, 'x b a'],
])('of anyScope it lists %s', async (_, need, scopes) => {
  expect(askFor(await admitted(allow(CALLER)), need)).toBe(scopes)
})

describe('scopes of a request', () => {
  it('are never written to the decision that the cache shares', async () => {
    const guard: AuthConfig = allow(CALLER, {
      context: { headers: [], params: 'none' },
      cache: memoryCache(),
    })
    const identities: unknown[] = []
    const guarded = withAuth((request: Request) => {
      identities.push(getAuth(request))
      const need = new URL(request.url).searchParams.getAll('need')
      return checkAccess(request, { scopes: need }) ?? new Response('in')
    }, guard)
    expect(scopesOf(await guarded(get('/?need=x', 'k1')))).toBe('x')
    expect(scopesOf(await guarded(get('/?need=a&need=y', 'k1')))).toBe('a y')
    expect((await guarded(get('/?need=a', 'k1'))).status).toBe(200)
    expect(new Set(identities).size).toBe(1)
    expect(identities[0]).toEqual({
      principal: 'alice',
      scopes: ['a', 'b', 'base'],
      attributes: {},
    })
  })

  it('are kept for each of two requests at the same time', async () => {
    const [one, other] = await Promise.all([admitted(allow(CALLER)), admitted(allow(CALLER))])
    expect(checkAccess(one, { scopes: ['a'] })).toBeUndefined()
    expect(askFor(other, { scopes: ['x'] })).toBe('x')
    expect(askFor(one, { scopes: ['x'] })).toBe('a x')
  })
})

describe('scopeImplies', () => {
  const tree: NonNullable<AuthConfig['scopeImplies']> = (granted, needed) =>
    needed.startsWith(`${granted}:`)
  const admin = { scopes: ['notes'] }

  it('lets a scope stand for others, one way', async () => {
    const guard = allow({ scopes: ['files', 'notes'] }, { scopeImplies: tree })
    expect(checkAccess(await admitted(guard), { scopes: ['notes:read', 'notes'] })).toBeUndefined()
    expect(checkAccess(await admitted(guard), { anyScope: ['x', 'notes:read'] })).toBeUndefined()
    const narrow = allow({ scopes: ['notes:read'] }, { scopeImplies: tree })
    expect(askFor(await admitted(narrow), { scopes: ['notes'] })).toBe('notes')
  })

  it('is asked of the guard that admitted last', async () => {
    const outer = allow(admin, { scopeImplies: () => true })
    const inner = allow(admin, { scopeImplies: tree })
    expect(checkAccess(await admitted(outer, inner), { scopes: ['files'] })?.status).toBe(403)
    expect(checkAccess(await admitted(outer, inner), { scopes: ['notes:x'] })).toBeUndefined()
    expect(checkAccess(await admitted(inner, allow(admin)), { scopes: ['notes:x'] })?.status).toBe(
      403,
    )
  })

  it.each<[string, () => unknown]>([
    [
      'throws',
      () => {
        throw new Error('no')
      },
    ],
    ['returns a promise', () => Promise.resolve(true)],
    ['rejects', () => Promise.reject(new Error('no'))],
    ['returns a text', () => 'true'],
    ['returns 1', () => 1],
    ['returns nothing', () => undefined],
  ])('implies nothing if it %s', async (_, answer) => {
    const scopeImplies = answer as NonNullable<AuthConfig['scopeImplies']>
    const guard = allow(admin, { scopeImplies })
    expect(checkAccess(await admitted(guard), { scopes: ['notes:read'] })?.status).toBe(403)
    expect(checkAccess(await admitted(guard), { scopes: ['notes'] })).toBeUndefined()
  })

  it('is not asked about roles', async () => {
    const guard = allow({ attributes: { roles: ['notes'] } }, { scopeImplies: () => true })
    expect(checkAccess(await admitted(guard), { roles: ['admin'] })?.status).toBe(403)
  })
})
