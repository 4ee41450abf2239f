import { inspect } from 'node:util'
import { describe, expect, it, vi } from 'vitest'
import { checkAccess, withAccess } from '../../../src/access.ts'
import { admissionOf, requireScopes } from '../../../src/core/response/admission.ts'
import {
  AuthUnavailableError,
  createAuthenticator,
  getAuth,
  memoryCache,
  withAuth,
} from '../../../src/index.ts'
import { createGateway } from '../../../src/gateway.ts'
import { mcpAuthInfo, protectedResource } from '../../../src/mcp.ts'
import { admit, admitted, allow } from '../../support/route-checks.ts'
import { get } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'
import type { AuthConfig, Verdict } from '../../../src/index.ts'

/** What guards remember of a request, also of one that comes through two: one in shadow mode beside one that enforces changes nothing. */

const BOB: Verdict = { outcome: 'allow', principal: 'bob', attributes: { roles: ['user'] } }
const ADMIN: Verdict = {
  outcome: 'allow',
  principal: 'candidate',
  attributes: { roles: ['admin'] },
}
const WATCHING: AuthConfig = { mode: 'shadow' }
const PREFLIGHT = { origin: 'https://a.test', 'access-control-request-method': 'POST' }

function allowing(verdict: Verdict, options: AuthConfig = {}): AuthConfig {
  return { verifier: () => verdict, onEvent: () => undefined, ...options }
}

const resourceOf = (name: string, ...require: string[]) =>
  protectedResource({
    identifier: `https://${name}.example.test/`,
    authorizationServers: ['https://login.example.test'],
    ...(require.length > 0 && { require }),
  })

it('a handler gets the identity of the very Request, which no other code can see, copy or forge', async () => {
  const request = await admitted(allow({ principal: 'alice' }))
  const auth = getAuth(request)
  expect(auth.principal).toBe('alice')
  expect(Reflect.ownKeys(request)).toEqual(Reflect.ownKeys(get('/')))
  expect(Object.getPrototypeOf(request)).toBe(Request.prototype)
  expect(inspect(request, { showHidden: true, depth: 9 })).not.toContain('alice')
  const error = new TypeError(
    'getAuth: with-auth did not decide about this object: the request was not guarded, or this is a copy of it. ' +
      'Guard the handler, and pass on the very Request that it was given, not `new Request(request)` or `request.clone()`',
  )
  const copies = [
    request.clone(),
    new Request(request),
    Object.create(request),
    new Proxy(request, {}),
  ]
  for (const other of [...copies, get('/'), undefined, null, 'request', () => undefined])
    expect(() => getAuth(other as Request)).toThrow(error)
})

it.each<[string, AuthConfig, RequestInit, string]>([
  [
    'public',
    { public: ['/notes'] },
    {},
    'the path is public, so no token was checked. Take the path out of "public", or do not call getAuth there',
  ],
  [
    'preflight',
    { preflight: 'allow' },
    { method: 'OPTIONS', headers: PREFLIGHT },
    'the request is a CORS preflight, which carries no token. Answer it before you call getAuth, or leave "preflight" out',
  ],
  [
    'shadow',
    WATCHING,
    {},
    'the request would be rejected, and reached the handler because "mode" is "shadow". Catch this error until you set "mode" to "enforce"',
  ],
])('getAuth says what let a request in without an allow: %s', async (_what, config, init, why) => {
  const guard = allowing({ outcome: 'deny' }, config)
  const request = await admit(new Request('https://api.example.test/notes', init), guard)
  expect(() => getAuth(request)).toThrow(new TypeError(`getAuth: ${why}`))
})

describe('a request that comes through two guards', () => {
  type Says = 'ada' | 'bob' | 'public' | 'denied'

  /** A guard, whose verdict a test may change. */
  function guardThat(name: string, mode: 'enforce' | 'shadow', says: Says) {
    let verdict: Verdict = { outcome: 'allow', principal: says, scopes: [name, 'extra'] }
    const authenticate = createAuthenticator({
      verifier: () => verdict,
      mode,
      realm: name,
      public: says === 'public' ? ['/'] : [],
      resource: resourceOf(name, name),
      onEvent: () => undefined,
    })
    const deny = (): void => void (verdict = { outcome: 'deny' })
    return { authenticate, deny }
  }

  /** Describes the mark of a request: its caller, the status of a rejected check, the guard that rejected it, and the scopes of the challenge. */
  function markOf(request: Request): string {
    const caller = ((): string => {
      try {
        return getAuth(request).principal ?? ''
      } catch {
        return 'nobody'
      }
    })()
    const response = checkAccess(request, { scopes: ['more'] })
    const challenge = response?.headers.get('www-authenticate') ?? ''
    const [, realm, scopes] = /realm="(\w+)".*scope="([\w ]+)"/.exec(challenge) ?? []
    return [caller, response?.status ?? 'passes', realm, scopes].filter(Boolean).join(' ')
  }

  it.each<[outer: 'enforce' | 'shadow', inner: 'enforce' | 'shadow', Says, Says, mark: string]>([
    ['enforce', 'shadow', 'ada', 'bob', 'ada 403 outer outer more'],
    ['enforce', 'shadow', 'public', 'bob', 'nobody 401 outer outer more'],
    ['enforce', 'shadow', 'denied', 'bob', 'nobody 500'],
    ['shadow', 'enforce', 'ada', 'bob', 'bob 403 inner inner more'],
    ['shadow', 'enforce', 'ada', 'public', 'nobody 401 inner inner more'],
    ['shadow', 'enforce', 'denied', 'public', 'nobody 401 inner inner more'],
    ['enforce', 'enforce', 'ada', 'bob', 'bob 403 inner outer inner more'],
    ['enforce', 'enforce', 'ada', 'public', 'ada 403 inner outer inner more'],
    ['enforce', 'enforce', 'public', 'bob', 'bob 403 inner outer inner more'],
    ['enforce', 'enforce', 'denied', 'public', 'nobody 401 inner outer inner more'],
    ['shadow', 'shadow', 'ada', 'bob', 'bob passes'],
    ['shadow', 'shadow', 'ada', 'public', 'ada passes'],
  ])('%s around %s, which say %s and %s: %s', async (outerMode, innerMode, before, after, mark) => {
    const outer = guardThat('outer', outerMode, before)
    const inner = guardThat('inner', innerMode, after)
    const request = get('/', TOKEN)
    await outer.authenticate(request)
    if (before === 'denied') {
      outer.deny()
      await outer.authenticate(request)
    }
    await inner.authenticate(request)
    expect(markOf(request)).toBe(mark)
    // The mark is that of this request, and no other one of the same guards.
    const next = get('/', TOKEN)
    await inner.authenticate(next)
    expect(markOf(next)).not.toContain('outer')
  })

  it('needs the scopes of the checks that it has passed, and no other request of its guard does', async () => {
    const { authenticate } = guardThat('one', 'enforce', 'ada')
    const [request, next] = [get('/', TOKEN), get('/', TOKEN)]
    for (const one of [request, next]) await authenticate(one)
    for (let turn = 0; turn < 2; turn += 1)
      expect(checkAccess(request, { scopes: ['extra'] })).toBeUndefined()
    const unguarded = get('/', TOKEN)
    requireScopes(unguarded, ['extra'])
    expect(admissionOf(unguarded)).toBeUndefined()
    expect(markOf(request)).toBe('ada 403 one one extra more')
    expect(markOf(next)).toBe('ada 403 one one more')
  })

  it.each<[outer: Says, inner: Says, caller: string, by: 'outer' | 'inner']>([
    ['ada', 'public', 'ada', 'outer'],
    ['ada', 'bob', 'bob', 'inner'],
  ])('which say %s and %s has the caller %s until the %s one denies it', async (...row) => {
    const [before, after, caller, by] = row
    const guards = {
      outer: guardThat('outer', 'enforce', before),
      inner: guardThat('inner', 'enforce', after),
    }
    const request = get('/', TOKEN)
    await guards.outer.authenticate(request)
    await guards.inner.authenticate(request)
    expect(markOf(request)).toContain(caller)
    guards[by].deny()
    await guards[by].authenticate(request)
    expect(markOf(request)).toContain('nobody')
  })

  it('again and again has each of them once', async () => {
    const guards = ['one', 'two'].map((name) => guardThat(name, 'enforce', 'ada').authenticate)
    const request = get('/', TOKEN)
    for (const guard of [...guards, ...guards, ...guards]) await guard(request)
    expect(admissionOf(request)?.guards.all).toHaveLength(2)
    expect(markOf(request)).toContain('one two more')
  })

  it.each([
    ['shadow', 'own'],
    ['enforce', 'outer own'],
  ] as const)('whose outer one is in mode %s is asked for the scopes %j', async (mode, scopes) => {
    const inner = allowing(BOB, { resource: resourceOf('inner', 'own') })
    const outer = { mode, resource: resourceOf('outer', 'outer') }
    const guarded = withAuth(
      withAuth(() => new Response(), inner),
      allowing({ ...ADMIN, scopes: ['outer'] }, outer),
    )
    const { headers } = await guarded(get('/', TOKEN))
    expect(headers.get('www-authenticate')).toContain(`scope="${scopes}"`)
  })

  it('is told to tools of an MCP server by the guard that enforces', async () => {
    const watching = { ...WATCHING, resource: resourceOf('watching', 'candidate') }
    const tool = withAuth(
      (request: Request) => Response.json(mcpAuthInfo(request)),
      allowing({ ...ADMIN, scopes: ['candidate'] }, watching),
    )
    const guarded = withAuth(tool, allowing(BOB, { resource: resourceOf('enforcing') }))
    const info: unknown = await (await guarded(get('/', TOKEN))).json()
    expect(info).toMatchObject({ resource: 'https://enforcing.example.test/' })
  })
})

it('guards that share a decision share no mark: what one in shadow mode lets pass, the one that enforces rejects', async () => {
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
  const credentials = [{ header: 'x-api-key' }, { cookie: 'session' }] as const
  const key = allowing(ADMIN, { ...WATCHING, credentials })
  const [outer = key, inner = key] = order(key, allowing(BOB))
  const guarded = withAuth(withAuth(gateway, inner), outer)
  const headers = { 'x-api-key': 'secret-of-a-client', cookie: 'session=secret; a=1' }
  expect((await guarded(get('/', TOKEN, headers))).status).toBe(200)
  expect(sent[0]?.get('cookie')).toBe('a=1')
  expect(sent[0]?.has('x-api-key')).toBe(false)
  expect(sent[0]?.has('authorization')).toBe(false)
  expect(sent[0]?.get('x-auth-principal')).toBe('bob')
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
    'with an unknown reason',
    () => Object.assign(new AuthUnavailableError('timeout'), { reason: 'allow' }),
    'internal_error',
  ],
  [
    'with an unknown detail',
    () => Object.assign(new AuthUnavailableError('timeout'), { detail: 'allow' }),
    'timeout',
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
