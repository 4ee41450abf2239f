import { describe, expect, it, vi } from 'vitest'
import { checkAccess, withAccess } from '../../../src/access.ts'
import {
  AuthUnavailableError,
  createAuthenticator,
  getAuth,
  memoryCache,
  withAuth,
} from '../../../src/index.ts'
import { createGateway } from '../../../src/gateway.ts'
import { mcpAuthInfo, protectedResource } from '../../../src/mcp.ts'
import { get } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'
import type { AuthConfig, Verdict } from '../../../src/index.ts'
import type { ProtectedResource } from '../../../src/mcp.ts'

/** A guard in shadow mode beside one that enforces must change nothing. */

const BOB: Verdict = { outcome: 'allow', principal: 'bob', attributes: { roles: ['user'] } }
const ADMIN: Verdict = {
  outcome: 'allow',
  principal: 'candidate',
  attributes: { roles: ['admin'] },
}

function allowing(verdict: Verdict, options: AuthConfig = {}): AuthConfig {
  return { verifier: () => verdict, onEvent: () => undefined, ...options }
}

function resourceOf(name: string, ...require: string[]): ProtectedResource {
  return protectedResource({
    identifier: `https://${name}.example.test/`,
    authorizationServers: ['https://login.example.test'],
    ...(require.length > 0 && { require }),
  })
}

const WATCHING: AuthConfig = { mode: 'shadow' }

describe('a guard in shadow mode inside one that enforces', () => {
  it('gives the request no other caller', async () => {
    const handler = vi.fn((request: Request) => new Response(getAuth(request).principal))
    const admins = withAccess(handler, { roles: ['admin'] })
    const inner = withAuth(admins, allowing(ADMIN, WATCHING))
    const response = await withAuth(inner, allowing(BOB))(get('/', TOKEN))
    expect(response.status).toBe(403)
    expect(handler).not.toHaveBeenCalled()
    const open = withAuth(handler, allowing(ADMIN, WATCHING))
    expect(await (await withAuth(open, allowing(BOB))(get('/', TOKEN))).text()).toBe('bob')
  })

  it('adds no scopes to the challenge, and no resource', async () => {
    const watching = { ...WATCHING, resource: resourceOf('watching', 'candidate') }
    const admins = withAccess(() => new Response(), { scopes: ['write'] })
    const inner = withAuth(admins, allowing({ ...ADMIN, scopes: ['candidate'] }, watching))
    const { headers } = await withAuth(inner, allowing(BOB))(get('/', TOKEN))
    expect(headers.get('www-authenticate')).toContain('scope="write"')
    const tool = withAuth(
      (request: Request) => Response.json(mcpAuthInfo(request)),
      allowing({ ...ADMIN, scopes: ['candidate'] }, watching),
    )
    const enforcing = { resource: resourceOf('enforcing') }
    const info: unknown = await (
      await withAuth(tool, allowing(BOB, enforcing))(get('/', TOKEN))
    ).json()
    expect(info).toMatchObject({ resource: 'https://enforcing.example.test/' })
  })
})

describe('a guard that enforces inside one in shadow mode', () => {
  it('decides alone: its public path has no caller', async () => {
    const admins = withAccess(() => new Response('in'), { roles: ['admin'] })
    const inner = withAuth(admins, allowing(BOB, { public: ['/'] }))
    expect((await withAuth(inner, allowing(ADMIN, WATCHING))(get('/', TOKEN))).status).toBe(401)
  })

  it('challenges with its own scopes alone', async () => {
    const watching = { ...WATCHING, resource: resourceOf('watching', 'candidate') }
    const inner = withAuth(
      () => new Response(),
      allowing(BOB, { resource: resourceOf('api', 'own') }),
    )
    const outer = withAuth(inner, allowing({ ...ADMIN, scopes: ['candidate'] }, watching))
    const { headers } = await outer(get('/', TOKEN))
    expect(headers.get('www-authenticate')).toContain('scope="own"')
  })
})

describe('guards that share a decision', () => {
  it('share no mark: what one in shadow mode lets pass, the one that enforces rejects', async () => {
    const verifier = vi.fn(() => BOB)
    const shared = {
      verifier,
      cache: memoryCache(),
      context: { headers: [], path: false },
    } as const
    const admins = withAccess(() => new Response('in'), { roles: ['admin'] })
    const watching = withAuth(admins, allowing(BOB, { ...shared, ...WATCHING }))
    const enforcing = withAuth(admins, allowing(BOB, shared))
    const statuses = []
    for (const guard of [watching, enforcing, watching, enforcing]) {
      statuses.push((await guard(get('/', TOKEN))).status)
    }
    expect(statuses).toEqual([200, 403, 200, 403])
    expect(verifier).toHaveBeenCalledTimes(1)
  })

  it('share no scopes: what a check requires of one request, no other one needs', async () => {
    const shared = allowing(
      { ...BOB, scopes: ['a'] },
      { cache: memoryCache(), context: { headers: [] } },
    )
    const request = get('/', TOKEN)
    const guard = createAuthenticator(shared)
    await guard(request)
    expect(checkAccess(request, { scopes: ['a'] })).toBeUndefined()
    const next = get('/', TOKEN)
    await guard(next)
    const { headers } = checkAccess(next, { scopes: ['b'] }) ?? new Response()
    expect(headers.get('www-authenticate')).toContain('scope="b"')
  })
})

it.each([
  ['outside', (key: AuthConfig, bearer: AuthConfig) => [key, bearer]],
  ['inside', (key: AuthConfig, bearer: AuthConfig) => [bearer, key]],
])('a gateway forwards no secret that a guard in shadow mode reads, %s', async (_, order) => {
  const sent: Headers[] = []
  const gateway = createGateway({
    upstream: 'http://127.0.0.1:1',
    fetch: async (_url, init) => {
      sent.push(new Headers(init.headers))
      return new Response()
    },
  })
  const key = allowing(ADMIN, { ...WATCHING, credentials: { header: 'x-api-key' } })
  const [outer = key, inner = key] = order(key, allowing(BOB))
  const guarded = withAuth(withAuth(gateway, inner), outer)
  const headers = { 'x-api-key': 'secret-of-a-client', 'x-other': 'kept' }
  expect((await guarded(get('/', TOKEN, headers))).status).toBe(200)
  expect(sent[0]?.get('x-other')).toBe('kept')
  expect(sent[0]?.has('x-api-key')).toBe(false)
  expect(sent[0]?.has('authorization')).toBe(false)
  expect(sent[0]?.get('x-auth-principal')).toBe('bob')
})

it('a copy has no mark, and a guard that sees it marks the copy alone', async () => {
  const request = get('/', TOKEN)
  await createAuthenticator(allowing(ADMIN))(request)
  const copy = request.clone()
  expect(checkAccess(copy, { roles: ['admin'] })?.status).toBe(500)
  await createAuthenticator(allowing(BOB))(copy)
  expect([getAuth(request), getAuth(copy)].map(({ principal }) => principal)).toEqual([
    'candidate',
    'bob',
  ])
  expect(checkAccess(copy, { roles: ['admin'] })?.status).toBe(403)
})

it('a denial takes back what the same guard has remembered of the same Request', async () => {
  let verdict: Verdict = ADMIN
  const authenticate = createAuthenticator({ verifier: () => verdict, onEvent: () => undefined })
  const request = get('/', TOKEN)
  await authenticate(request)
  expect(checkAccess(request, { roles: ['admin'] })).toBeUndefined()
  verdict = { outcome: 'deny' }
  await authenticate(request)
  expect(checkAccess(request, { roles: ['admin'] })?.status).toBe(500)
  expect(() => getAuth(request)).toThrow(TypeError)
  // A guard in shadow mode must not take its place.
  await createAuthenticator(allowing(ADMIN, WATCHING))(request)
  expect(checkAccess(request, { roles: ['admin'] })?.status).toBe(500)
  verdict = BOB
  await authenticate(request)
  expect(getAuth(request).principal).toBe('bob')
})

const BUG = {
  get: () => {
    throw new Error('a bug')
  },
}

it.each<[string, () => unknown, string]>([
  [
    'that only has the prototype',
    () => Object.create(AuthUnavailableError.prototype, { reason: BUG }),
    'internal_error',
  ],
  [
    'with a reason that throws',
    () => Object.defineProperty(new AuthUnavailableError('timeout'), 'reason', BUG),
    'internal_error',
  ],
  [
    'with a status that throws later',
    () => {
      const read = vi.fn<() => unknown>(BUG.get).mockReturnValueOnce(undefined)
      return Object.defineProperty(new AuthUnavailableError('timeout'), 'status', { get: read })
    },
    'internal_error',
  ],
  [
    'with texts for numbers',
    () =>
      // @ts-expect-error: code without types may give anything
      new AuthUnavailableError('timeout', { retryAfterMs: 1n, status: 'x', explanation: 5 }),
    'timeout',
  ],
])('an error %s rejects the request', async (_what, make, reason) => {
  const throwing = (): never => {
    throw make()
  }
  for (const config of [{ verifier: throwing }, allowing(BOB, { authorize: throwing })]) {
    const authenticate = createAuthenticator({ onEvent: () => undefined, retry: false, ...config })
    expect(await authenticate(get('/', TOKEN))).toMatchObject({ reason })
  }
})
