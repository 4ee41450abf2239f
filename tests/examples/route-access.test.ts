import { Hono } from 'hono'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { checkAccess } from '../../src/access.ts'
import * as express from '../../src/express.ts'
import * as fastify from '../../src/fastify.ts'
import * as hono from '../../src/hono.ts'
import { memoryCache } from '../../src/index.ts'
import { allow, watchConsole } from '../support/route-checks.ts'
import { FRAMEWORKS } from './support/frameworks.ts'
import type { Need } from '../../src/access.ts'
import type { AuthConfig, AuthEvent } from '../../src/index.ts'

afterEach(() => vi.restoreAllMocks())

const BOB = { principal: 'bob', scopes: ['notes:read'], attributes: { roles: ['editor'] } }
const ADMIN: Need = { roles: ['admin'] }
const FORGED = { principal: 'root', attributes: { roles: ['admin'] } }
const BEARER = { authorization: 'Bearer k1' }
const DENYING = { verifier: () => ({ outcome: 'deny' }) } as const satisfies AuthConfig

interface Answer {
  readonly status: number
  readonly challenge: string | null
  readonly type: string | null
  readonly cached: string | null
  readonly body: unknown
}

async function read(response: Response): Promise<Answer> {
  const { status, headers } = response
  const body: unknown = JSON.parse(await response.text())
  const [challenge = null, type = null, cached = null] = [
    'www-authenticate',
    'content-type',
    'cache-control',
  ].map((name) => headers.get(name))
  return { status, challenge, type, cached, body }
}

async function call(url: string, headers: Record<string, string> = BEARER): Promise<Answer> {
  return read(await fetch(url, { headers }))
}

describe.each(FRAMEWORKS)('access of %s', (_name, serve) => {
  it('lets a caller pass who has what is needed', async () => {
    const url = await serve([{ guard: allow(BOB) }, { need: { roles: ['editor', 'admin'] } }])
    expect(await call(url)).toMatchObject({ status: 200, body: { in: true, auth: BOB } })
  })

  it.each([
    ['a role', ADMIN, 'forbidden'],
    ['a scope', { scopes: ['notes:write'] }, 'insufficient_scope'],
  ])('answers as access of with-auth/hono if %s is missing', async (_what, need, code) => {
    const seen: AuthEvent[][] = [[], []]
    const config = (events?: AuthEvent[]): AuthConfig =>
      allow(BOB, {
        requestIdHeader: 'x-request-id',
        onEvent: (event) => void (event.type === 'access' && events?.push(event)),
      })
    const url = await serve([{ guard: config(seen[0]) }, { need }])
    const app = new Hono().use(hono.auth(config(seen[1])), hono.access(need))
    const headers = { ...BEARER, 'x-request-id': 'r1' }
    const answer = await call(url, headers)
    expect(answer).toEqual(await read(await app.request('/notes', { headers })))
    expect(answer).toMatchObject({ status: 403, body: { error: { code } } })
    expect(seen[0]).toEqual(seen[1])
    const facts = { path: '/notes', method: 'GET', principal: 'bob', requestId: 'r1' }
    expect(seen[0]).toMatchObject([{ outcome: 'deny', reason: code, status: 403, ...facts }])
  })

  it('rejects a request that no guard has admitted, whatever its auth says', async () => {
    const error = watchConsole()
    const forge = { run: (request: object) => Object.assign(request, { auth: FORGED }) }
    const late = [forge, { need: ADMIN }, { guard: allow(FORGED) }]
    const body = { error: { code: 'not_configured' } }
    expect(await call(await serve(late))).toMatchObject({ status: 500, body })
    expect(error).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining(
        'no guard has admitted it: it is rejected. Put auth() of with-auth/express or with-auth/fastify before access()',
      ),
    )
  })

  it('takes no identity from an auth that was set after the guard', async () => {
    const forge = { run: (request: object) => Object.assign(request, { auth: FORGED }) }
    const url = await serve([{ guard: allow(BOB) }, forge, { need: ADMIN }])
    expect(await call(url)).toMatchObject({ status: 403 })
  })

  it('answers 401 on a public path, which has no identity', async () => {
    const config = allow(FORGED, { public: ['/notes'] })
    const open = await call(await serve([{ guard: config }]))
    expect(open.body).toMatchObject({ in: true, auth: null })
    const checked = await call(await serve([{ guard: config }, { need: ADMIN }]))
    expect(checked).toMatchObject({ status: 401, body: { error: { code: 'missing_credentials' } } })
  })

  it('asks the guard that enforces, also after one in shadow mode, and with cached decisions', async () => {
    const shadow = { ...DENYING, mode: 'shadow', onEvent: () => undefined } as const
    const cached = allow(BOB, { cache: memoryCache(), context: { headers: [] } })
    const guards = [{ guard: cached }, { guard: shadow }]
    const url = await serve([...guards, { need: ADMIN }])
    const open = await serve([...guards, { need: { roles: ['editor'] } }])
    for (const status of [403, 403]) expect(await call(url)).toMatchObject({ status })
    expect(await call(open)).toMatchObject({ status: 200, body: { auth: BOB } })
  })

  it('asks the inner one of two guards that name a caller, and lists the scopes of both', async () => {
    const inner = allow({ principal: 'carol', scopes: ['b'] }, { realm: 'inner' })
    const steps = [{ guard: allow(BOB) }, { need: { scopes: ['notes:read'] } }, { guard: inner }]
    const url = await serve([...steps, { need: { scopes: ['x'] } }])
    expect((await call(url)).challenge).toBe(
      'Bearer realm="inner", error="insufficient_scope", scope="notes:read x"',
    )
  })

  it('has a name for the check of Fetch handlers, which does not take its requests', async () => {
    const error = watchConsole()
    let status: number | undefined
    const check = {
      run: (request: object) => {
        // JavaScript has no types that would say so.
        status = checkAccess(request as Request, { roles: ['editor'] })?.status
      },
    }
    await call(await serve([{ guard: allow(BOB) }, check]))
    expect(status).toBe(500)
    expect(error).toHaveBeenCalledExactlyOnceWith(
      expect.stringContaining(
        'It is no Request of Fetch: in Express and Fastify use access() of with-auth/express and with-auth/fastify in place of checkAccess and withAccess',
      ),
    )
  })
})

it('a need that cannot be used throws when the check is made', () => {
  for (const { access } of [express, fastify]) {
    expect(() => access({})).toThrow('"need" must be an object with at least one of')
    expect(() => access({ role: ['admin'] } as Need)).toThrow('"need.role": did you mean "roles"?')
  }
})
