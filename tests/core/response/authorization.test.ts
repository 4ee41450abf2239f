import { describe, expect, it, vi } from 'vitest'
import { policyOf } from '../../../src/access/policy.ts'
import {
  AuthUnavailableError,
  createAuthenticator,
  getAuth,
  memoryCache,
  withAuth,
} from '../../../src/index.ts'
import { guardWith } from '../../support/guarded-verifier.ts'
import { get } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'
import type { Access, AuthConfig, Verdict } from '../../../src/index.ts'
import { protectedResource } from '../../../src/mcp.ts'

const ALLOW: Verdict = { outcome: 'allow', principal: 'ada', scopes: ['notes:read', 'notes'] }
const verifier = (): Verdict => ALLOW
const bug = (): never => {
  throw new Error('a bug')
}
const CACHED: AuthConfig = { verifier, context: { headers: [], path: false }, cache: memoryCache() }

describe('authorize', () => {
  it('gets the caller, the canonical path, the method and the request, frozen', async () => {
    const seen: Access[] = []
    const request = get('/a%2Db?x=1', TOKEN)
    const authorize = (access: Access): boolean => seen.push(access) > 0
    const result = await createAuthenticator({ verifier, authorize })(request)
    expect(result.ok).toBe(true)
    const [access] = seen
    expect(access).toMatchObject({ auth: getAuth(request), path: '/a-b', method: 'GET', request })
    expect(Object.isFrozen(access)).toBe(true)
    expect(access?.signal.aborted).toBe(false)
  })

  it('is asked about each request, also about a cached allow, and its answer is not cached', async () => {
    const authorize = vi.fn(({ path }: Access) => path !== '/forbidden')
    const { ask } = guardWith(verifier, { ...CACHED, authorize })
    expect(await ask(TOKEN, '/a')).toMatchObject({ outcome: 'allow', cache: 'miss' })
    expect(await ask(TOKEN, '/forbidden')).toMatchObject({ reason: 'forbidden', cache: 'hit' })
    expect(await ask(TOKEN, '/a')).toMatchObject({ outcome: 'allow', cache: 'hit' })
    expect(authorize).toHaveBeenCalledTimes(3)
  })

  it('is not asked about a denial, a public path or a preflight', async () => {
    const authorize = vi.fn(() => true)
    const config: AuthConfig = { authorize, public: ['/open'] }
    const { ask } = guardWith(() => ({ outcome: 'deny' }), config)
    await ask()
    await ask(TOKEN, '/open')
    expect(authorize).not.toHaveBeenCalled()
  })

  it('keeps a decision that is cached synchronous if it answers at once', async () => {
    const guarded = withAuth(() => new Response('hi'), { ...CACHED, authorize: () => true })
    await guarded(get('/', TOKEN))
    expect(guarded(get('/', TOKEN))).toBeInstanceOf(Response)
  })

  it('may say that it cannot tell, and is not asked again', async () => {
    const authorize = vi.fn(() => Promise.reject(new AuthUnavailableError('unreachable')))
    const { ask } = guardWith(verifier, { authorize, unavailableStatus: 503 })
    expect(await ask()).toMatchObject({ reason: 'unreachable', status: 503 })
    expect(authorize).toHaveBeenCalledOnce()
    const throwing = guardWith(verifier, {
      authorize: () => {
        throw new AuthUnavailableError('rate_limited')
      },
    })
    expect(await throwing.ask()).toMatchObject({ reason: 'rate_limited' })
  })

  it('is not answered for by a stale allow, and does not open the circuit', async () => {
    const config: AuthConfig = {
      ...CACHED,
      cache: memoryCache({ allowTtlMs: 0, staleIfErrorMs: 300_000 }),
      authorize: () => Promise.reject(new AuthUnavailableError('unreachable')),
    }
    const { ask } = guardWith(verifier, config)
    for (let turn = 0; turn < 12; turn += 1) {
      expect(await ask()).toMatchObject({ reason: 'unreachable' })
    }
  })

  it('has only the time that the check has left', async () => {
    const slow = (): Promise<Verdict> =>
      new Promise((resolve) => setTimeout(() => resolve(ALLOW), 60))
    const pending = (): Promise<boolean> => new Promise(() => undefined)
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout', 'performance'] })
    const settled = vi.fn()
    void guardWith(slow, { timeoutMs: 200, authorize: pending }).ask().then(settled)
    await vi.advanceTimersByTimeAsync(199)
    expect(settled).not.toHaveBeenCalled()
    await vi.advanceTimersByTimeAsync(1)
    expect(settled).toHaveBeenCalledWith(expect.objectContaining({ reason: 'timeout' }))
  })

  it('leaves no timer once it has answered', async () => {
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
    const { ask } = guardWith(verifier, { authorize: async () => true })
    expect(await ask()).toMatchObject({ outcome: 'allow' })
    expect(vi.getTimerCount()).toBe(0)
  })

  it('is named on the console if it fails', async () => {
    const lines = vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const ask = (authorize: AuthConfig['authorize']) =>
      withAuth(() => new Response(), { verifier, ...(authorize && { authorize }) })(get('/', TOKEN))
    await ask(() => Promise.reject(new AuthUnavailableError('service_error', { status: 500 })))
    await ask(() => Promise.reject(new Error('a bug')))
    const texts = lines.mock.calls.map(([line]) => String(line))
    lines.mockRestore()
    expect(texts).toEqual([
      expect.stringContaining('the service behind "authorize" answers 500'),
      expect.stringContaining('"authorize" threw Error: requests are rejected.'),
    ])
  })
})

describe('a policy and authorize', () => {
  const policy = (isPermitted: boolean, rule?: number) => policyOf(() => ({ isPermitted, rule }))

  it.each([
    [true, true, 'allow'],
    [true, false, 'deny'],
    [false, true, 'deny'],
    [false, false, 'deny'],
  ])('that say %s and %s end in %s', async (first, second, outcome) => {
    const authorize = vi.fn(() => second)
    const config: AuthConfig = { routePolicy: policy(first), authorize }
    expect(await guardWith(verifier, config).ask()).toMatchObject({ outcome })
    expect(authorize).toHaveBeenCalledTimes(first ? 1 : 0)
  })

  it.each<[string, AuthConfig]>([
    ['as the policy', { routePolicy: policy(false, 3) }],
    ['as authorize', { authorize: policy(false, 3) }],
  ])(
    '%s it says by which rule a request was forbidden, to the operator alone',
    async (_, config) => {
      const { ask } = guardWith(verifier, config)
      expect(await ask()).toMatchObject({ reason: 'forbidden', rule: 3 })
      const guarded = withAuth(() => new Response(), { verifier, ...config })
      expect(await (await guarded(get('/', TOKEN))).json()).toEqual({
        error: { message: 'Access denied', type: 'permission_error', code: 'forbidden' },
      })
    },
  )

  it('have their warnings told, those at the start and those about a request once', async () => {
    const slow = policyOf(() => ({ isPermitted: true, warning: 'slow' }), ['unused'])
    const { ask, warnings } = guardWith(verifier, { routePolicy: policy(true), authorize: slow })
    for (const path of ['/a', '/b']) expect(await ask(TOKEN, path)).toMatchObject({ path })
    expect(warnings()).toEqual(['unused', 'slow'])
  })

  it('names no rule if none forbade it, and none of an allow', async () => {
    const denied = await guardWith(verifier, { routePolicy: policy(false) }).ask()
    expect(denied).not.toHaveProperty('rule')
    const allowed = await guardWith(verifier, { routePolicy: policy(true, 2) }).ask()
    expect(allowed).not.toHaveProperty('rule')
  })
})

describe('the scopes that every request needs', () => {
  const resource = {
    identifier: 'https://api.example.test/notes',
    authorizationServers: ['https://login.example.test'],
  }

  const needs = (require: string[]) => ({ resource: protectedResource({ ...resource, require }) })

  it.each<[string, required: string[], ok: boolean, AuthConfig['scopeImplies']?]>([
    ['that the token has', ['notes:read'], true],
    ['that it lacks', ['notes:read', 'admin'], false],
    ['of a longer name', ['notes:rea'], false],
    ['of another case', ['Notes'], false],
    ['that one implies', ['notes:write'], true, (one, needed) => needed.startsWith(`${one}:`)],
    ['by a hierarchy that throws', ['admin'], false, bug],
    ['by a hierarchy that is not sure', ['admin'], false, () => 1 as never],
  ])('%s', async (_, required, ok, scopeImplies) => {
    const config = { ...needs(required), ...(scopeImplies && { scopeImplies }) }
    const expected = ok ? { outcome: 'allow' } : { reason: 'insufficient_scope', status: 403 }
    expect(await guardWith(verifier, config).ask()).toMatchObject(expected)
  })

  it('may be none at all', async () => {
    const config = { resource: protectedResource(resource) }
    expect(await guardWith(verifier, config).ask()).toMatchObject({ outcome: 'allow' })
  })

  it('come before the policy and authorize', async () => {
    const authorize = vi.fn(() => true)
    const config: AuthConfig = {
      ...needs(['admin']),
      authorize,
    }
    await guardWith(verifier, config).ask()
    expect(authorize).not.toHaveBeenCalled()
  })
})
