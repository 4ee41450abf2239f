import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkAccess } from '../../src/access.ts'
import { admit, admitted, allow, codeOf } from '../support/route-checks.ts'
import { get } from '../support/requests.ts'
import type { AuthConfig, AuthEvent, Denial } from '../../src/index.ts'

/** Route checks of requests without an allow, in shadow mode, and what they report. */

const deny: AuthConfig = { verifier: () => ({ outcome: 'deny' }) }
const need = { scopes: ['notes:write'] }
const ADMIN = { principal: 'root', scopes: ['notes:write'] }
const BOB = { principal: 'bob', scopes: ['notes:read'] }

describe('a request without an identity', () => {
  it('gets 401 on a public path, also with a good token, and learns the scopes', async () => {
    const guard = allow(ADMIN, { public: ['/notes'] })
    for (const token of [undefined, 'k1']) {
      const request = await admit(get('/notes', token), guard)
      const response = checkAccess(request, need)
      expect(response?.status).toBe(401)
      expect(response?.headers.get('www-authenticate')).toBe(
        'Bearer realm="api", scope="notes:write"',
      )
      expect(await codeOf(response)).toBe('missing_credentials')
    }
    for (const other of [{ roles: ['admin'] }, { principal: ['root'] }]) {
      // oxlint-disable-next-line no-await-in-loop -- one after the other
      const response = checkAccess(await admit(get('/notes'), guard), other)
      expect(response?.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    }
  })

  it('gets 401 as an allowed preflight', async () => {
    const headers = { origin: 'https://a.example', 'access-control-request-method': 'GET' }
    const preflight = new Request('https://api.test/notes', { method: 'OPTIONS', headers })
    const admittedOne = await admit(preflight, allow(ADMIN, { preflight: 'allow' }))
    expect(checkAccess(admittedOne, need)?.status).toBe(401)
  })
})

describe('shadow mode', () => {
  it('lets a caller pass who lacks something, and reports the truth', async () => {
    const events: AuthEvent[] = []
    const onEvent = (event: AuthEvent) => events.push(event)
    const guard = allow(BOB, { mode: 'shadow', onEvent })
    expect(checkAccess(await admitted(guard), need)).toBeUndefined()
    expect(events.filter(({ type }) => type === 'access')).toEqual([
      {
        type: 'access',
        outcome: 'deny',
        reason: 'insufficient_scope',
        status: 403,
        path: '/notes',
        method: 'GET',
        principal: 'bob',
        shadow: true,
      },
    ])
  })

  it('says nothing more about a request that the guard would have rejected', async () => {
    const events: AuthEvent[] = []
    const guard = { ...deny, mode: 'shadow', onEvent: (event: AuthEvent) => events.push(event) }
    expect(checkAccess(await admitted(guard as AuthConfig), need)).toBeUndefined()
    expect(events.filter(({ type }) => type === 'access')).toEqual([])
  })

  it('of all guards is reported by the inner one', async () => {
    const seen: string[] = []
    const named = (name: string): AuthConfig =>
      allow(BOB, { mode: 'shadow', onEvent: ({ type }) => void seen.push(`${name} ${type}`) })
    expect(checkAccess(await admitted(named('outer'), named('inner')), need)).toBeUndefined()
    expect(seen.filter((line) => line.endsWith('access'))).toEqual(['inner access'])
  })
})

describe('respond', () => {
  const asked: Denial[] = []
  const respond = (denial: Denial): Response => {
    asked.push(denial)
    return new Response(denial.reason, { status: denial.status })
  }
  afterEach(() => asked.splice(0))

  it('is asked for a 403, and gets our challenge for missing scopes only', async () => {
    const guard = allow(BOB, { respond })
    const scopes = checkAccess(await admitted(guard), need)
    expect([scopes?.status, await scopes?.text()]).toEqual([403, 'insufficient_scope'])
    expect(scopes?.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="insufficient_scope", scope="notes:write"',
    )
    const roles = checkAccess(await admitted(guard), { roles: ['admin'] })
    expect([roles?.status, await roles?.text()]).toEqual([403, 'forbidden'])
    expect(roles?.headers.get('www-authenticate')).toBeNull()
    expect(asked).toEqual([
      {
        reason: 'insufficient_scope',
        status: 403,
        message: 'Insufficient scope',
        scopes: ['notes:write'],
      },
      { reason: 'forbidden', status: 403, message: 'Access denied' },
    ])
  })
})

describe('the event of a rejection', () => {
  async function eventsOf(request: Request, ...guards: AuthConfig[]): Promise<AuthEvent[]> {
    const events: AuthEvent[] = []
    const onEvent = (event: AuthEvent) => events.push(event)
    checkAccess(await admit(request, ...guards.map((guard) => ({ ...guard, onEvent }))), need)
    return events
  }

  it('is one access event after the one decision, and none if the check passes', async () => {
    expect((await eventsOf(get('/notes', 'k1'), allow(BOB))).map(({ type }) => type)).toEqual([
      'decision',
      'access',
    ])
    expect(await eventsOf(get('/notes', 'k1'), allow(ADMIN))).toHaveLength(1)
  })

  it('is frozen, names the request id, and cuts what is long', async () => {
    const path = `/${'a'.repeat(300)}`
    const request = get(path, 'k1', { 'x-request-id': 'r-7' })
    const named = allow({ ...BOB, principal: 'b'.repeat(300) })
    const [, event] = await eventsOf(request, { ...named, requestIdHeader: 'x-request-id' })
    expect(event).toEqual({
      type: 'access',
      outcome: 'deny',
      reason: 'insufficient_scope',
      status: 403,
      path: path.slice(0, 256),
      method: 'GET',
      principal: 'b'.repeat(256),
      requestId: 'r-7',
    })
    expect(Object.isFrozen(event)).toBe(true)
  })

  it.each<[string, Request, AuthConfig[]]>([
    [
      'as the request id',
      get('/', 'sk-secret', { 'x-request-id': 'sk-secret' }),
      [allow(BOB, { requestIdHeader: 'x-request-id' })],
    ],
    [
      'of an outer guard as the request id',
      get('/', 'other', { 'x-key': 'sk-secret', 'x-request-id': 'sk-secret' }),
      [
        allow(BOB, { credentials: { header: 'x-key' } }),
        allow(BOB, { requestIdHeader: 'x-request-id' }),
      ],
    ],
    [
      'of an outer guard as the principal',
      get('/', 'other', { 'x-key': 'sk-secret' }),
      [
        allow({ principal: 'sk-secret' }, { credentials: { header: 'x-key' } }),
        { ...deny, public: ['/'] },
      ],
    ],
  ])('has no token %s', async (_, request, guards) => {
    const events = await eventsOf(request, ...guards)
    const access = events.filter(({ type }) => type === 'access')
    expect(access).toHaveLength(1)
    expect(JSON.stringify(access)).not.toContain('sk-secret')
  })

  it('cannot change the answer: an observer that throws, or a request without an URL', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    const onEvent = (): never => {
      throw new Error('no')
    }
    const request = await admitted(allow(BOB, { onEvent }))
    expect(checkAccess(request, need)?.status).toBe(403)
    Object.defineProperty(request, 'url', { value: 'nothing' })
    expect(checkAccess(request, need)?.status).toBe(403)
    Object.defineProperty(request, 'method', { value: undefined })
    expect(checkAccess(request, need)?.status).toBe(403)
  })
})
