import { createServer } from 'node:http'
import { describe, expect, it, vi } from 'vitest'
import { createGateway } from '../../../src/gateway.ts'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { fromUpstream } from '../../../src/verifiers/upstream/from-upstream.ts'
import { createSigner } from '../../../src/verifiers/upstream/signature.ts'
import { ask, serveHandler, startGuarded } from '../../support/guarded-server.ts'
import { run } from '../../support/tcp-endpoint.ts'
import { TOKEN } from '../../support/token.ts'
import { words } from '../../support/words.ts'
import type { IncomingHttpHeaders } from 'node:http'
import type { GatewayOptions } from '../../../src/gateway.ts'
import type { AuthConfig, Verdict } from '../../../src/index.ts'
import type { UpstreamOptions } from '../../../src/verifiers/upstream/options.ts'
import type { Statement } from '../../../src/verifiers/upstream/signature.ts'

/** Our gateway in front of a server, both on sockets. */

const SECRET = '0123456789abcdef0123456789abcdef'
const NEXT_SECRET = 'fedcba9876543210fedcba9876543210'
const SIGNED: UpstreamOptions = {
  principalHeader: 'x-auth-principal',
  proof: { signature: 'x-auth-signature', secret: SECRET },
}
const BEARER = ['Authorization', `Bearer ${TOKEN}`] as const

const SIGNING = { sign: { secret: SECRET } }

type Fields = readonly (readonly [string, string])[]

const ALLOW: Verdict = {
  outcome: 'allow',
  principal: 'alice b, c',
  tenant: 'acme',
  attributes: { roles: ['admin'], größe: ['ü"', 'a, b'] },
  scopes: ['notes:read', 'a b', 'c,d'],
  clientId: 'notes app',
}

/** Starts a gateway that decides by `TOKEN`. */
async function startGateway(
  port: number,
  options: Partial<GatewayOptions> = SIGNING,
  config: AuthConfig = {},
) {
  const upstream = `http://127.0.0.1:${port}/base`
  const gateway = createGateway({ upstream, ...options })
  const verifier: AuthConfig['verifier'] = ({ token }) =>
    token === TOKEN ? ALLOW : { outcome: 'deny' }
  return serveHandler(withAuth(gateway, { verifier, public: ['/public/*'], ...config }))
}

/** The identity that a request has after the gateway. */
async function through(fields: Fields, path = '/x?a=1', method = 'POST') {
  const server = await startGuarded(fromUpstream(SIGNED))
  const port = await startGateway(server.port)
  return { told: await ask(port, fields, { path, method }), server }
}

describe('a signed identity', () => {
  it('reaches the server as the gateway got it', async () => {
    const { told, server } = await through([BEARER])
    expect(told.status).toBe(200)
    expect(told.body).toMatchObject(withoutOutcome(ALLOW))
    expect(server.decision()).toMatchObject({ verifier: 'upstream', path: '/base/x' })
  })

  it.each(words('/ /x /a%2Fb /%C3%A9 /a;b /a//b /a%20b /%e9 /x/?q /~%7E'))(
    'is good for the path %s',
    async (path) => {
      expect((await through([BEARER], path)).told.status).toBe(200)
    },
  )

  it.each(words('GET HEAD POST PUT PATCH DELETE OPTIONS'))('is good for %s', async (method) => {
    const server = await startGuarded(fromUpstream(SIGNED))
    const port = await startGateway(server.port)
    await ask(port, [BEARER], { method }).catch(() => undefined)
    expect(server.decision()).toMatchObject({ outcome: 'allow', method })
  })

  it('may have a principal alone', async () => {
    const server = await startGuarded(fromUpstream(SIGNED))
    const verifier = (): Verdict => ({ outcome: 'allow', principal: 'bob' })
    const port = await startGateway(server.port, SIGNING, { verifier })
    expect((await ask(port, [BEARER])).body).toMatchObject({ principal: 'bob', attributes: {} })
    const off = { tenant: false, attributes: false, scopes: false, client: false } as const
    const silent = await startGateway(server.port, { ...SIGNING, identityHeaders: off })
    const { body } = await ask(silent, [BEARER, ['X-Auth-Scopes', 'admin']])
    const { expiresAt: _, ...told } = body
    expect(told).toEqual({ principal: 'alice b, c', attributes: {} })
  })

  it('is absent on a public path, like a signature of the client', async () => {
    const fields: Fields = [
      ['X-Auth-Principal', 'admin'],
      ...(await sign({ path: '/base/public/x' })),
    ]
    const { told, server } = await through(fields, '/public/x', 'GET')
    expect(told.status).toBe(401)
    expect(server.decision()).toMatchObject({ reason: 'missing_credentials' })
  })

  it.each(
    words(`X-Auth-Principal x_auth_principal X.Auth.Principal X-Auth-Tenant x_auth_tenant X-Auth-Attributes
      x_auth.attributes X-Auth-Scopes x_auth_scopes X-Auth-Client X.Auth.Client X-Auth-Signature x_auth_signature X.AUTH.SIGNATURE`),
  )('is not changed by a client that sends %s', async (name) => {
    const { told } = await through([BEARER, [name, 'admin'], [name, 'admin']])
    expect(told.status).toBe(200)
    expect(told.body).toMatchObject(withoutOutcome(ALLOW))
  })

  it('is needed: a gateway that does not sign, or by another secret, is rejected', async () => {
    const server = await startGuarded(fromUpstream(SIGNED))
    for (const options of [{}, { sign: { secret: NEXT_SECRET } }]) {
      const port = await startGateway(server.port, options)
      expect((await ask(port, [BEARER])).status).toBe(403)
      expect(server.decision()).toMatchObject({ reason: 'forbidden', detail: 'proof' })
    }
  })

  it('is signed by the first secret of a list', async () => {
    const server = await startGuarded(fromUpstream(SIGNED))
    const port = await startGateway(server.port, { sign: { secret: [SECRET, NEXT_SECRET] } })
    expect((await ask(port, [BEARER])).status).toBe(200)
  })
})

describe('a stolen signature', () => {
  const SIGNED_AT = Date.parse('2026-11-26T20:00:00Z')

  async function replay(ageMs: number, fields: Fields, target = {}) {
    vi.useFakeTimers({ toFake: ['Date'], now: SIGNED_AT })
    const server = await startGuarded({
      ...fromUpstream(SIGNED),
      cache: memoryCache({ staleIfErrorMs: 60_000 }),
    })
    const signed = await sign({ path: '/x', ...target })
    vi.setSystemTime(SIGNED_AT + ageMs)
    return { told: await server.ask([...signed, ...fields], { path: '/x' }), server }
  }

  it.each([
    [-6000, 403],
    [-5000, 200],
    [59_000, 200],
    [60_000, 403],
    [61_000, 403],
  ])('is, after %d ms, worth a %d', async (ageMs, status) => {
    const { told, server } = await replay(ageMs, [['X-Auth-Principal', 'alice']])
    expect(told.status).toBe(status)
    const isGood = status === 200
    expect(told.body.expiresAt).toBe(isGood ? SIGNED_AT + 60_000 : undefined)
    expect(server.decision()?.detail).toBe(isGood ? undefined : 'proof')
  })

  it('is worth nothing after its time, not even from the cache', async () => {
    const { told, server } = await replay(59_000, [['X-Auth-Principal', 'alice']])
    expect(told.status).toBe(200)
    const again: Fields = [
      ...(await sign({ path: '/x' }, SIGNED_AT)),
      ['X-Auth-Principal', 'alice'],
    ]
    expect((await server.ask(again, { path: '/x' })).status).toBe(200)
    expect(server.decision()).toMatchObject({ cache: 'hit' })
    vi.setSystemTime(SIGNED_AT + 61_000)
    expect((await server.ask(again, { path: '/x' })).status).toBe(403)
  })

  it.each<[string, Record<string, string>, object?]>([
    ['another principal', { 'X-Auth-Principal': 'admin' }],
    ['another method', {}, { method: 'DELETE' }],
    ['another path', {}, { path: '/y' }],
    ['a tenant', { 'X-Auth-Tenant': 'evil' }],
    ['attributes', { 'X-Auth-Attributes': '{"roles":["a"]}' }],
    ['scopes', { 'X-Auth-Scopes': 'admin' }],
    ['a client', { 'X-Auth-Client': 'admin-app' }],
    ['a second signature', { 'X-Auth-Signature': 't=1,v1=00' }],
  ])('is worth nothing with %s', async (_, fields, target) => {
    const sent = Object.entries({ 'X-Auth-Principal': 'alice', ...fields })
    expect((await replay(0, sent, target)).told.status).toBe(403)
  })
})

describe('a gateway behind another proxy', () => {
  it('forwards nothing of what its own guard reads, in any spelling', async () => {
    const seen: IncomingHttpHeaders[] = []
    const { port } = await run(
      createServer(({ headers }, response) => {
        seen.push(headers)
        response.end('{}')
      }),
    )
    const front = fromUpstream({
      principalHeader: 'x-user',
      tenantHeader: 'x-org',
      attributesHeader: 'x-facts',
      attributeHeaders: { 'x-groups': 'teams' },
      proof: { header: 'x-proxy-secret', secret: SECRET },
    })
    const read: Fields = [
      ['X-User', 'alice'],
      ['X-Org', 'acme'],
      ['X-Facts', '{"roles":["dev"]}'],
      ['X-Groups', 'red'],
      ['X-Proxy-Secret', SECRET],
    ]
    const spelled = read.map(([name]) => [name.replaceAll('-', '_'), SECRET] as const)
    for (const forwardAuthorization of [false, true]) {
      const options = { forwardAuthorization }
      const gateway = await startGateway(port, options, { ...front, public: ['/public/*'] })
      for (const path of ['/x', '/public/x']) {
        expect((await ask(gateway, [...read, ...spelled, ['X-Other', 'o']], { path })).status).toBe(
          200,
        )
        const told = JSON.stringify(seen.at(-1)).toLowerCase()
        expect(told).toContain('x-other')
        expect(told).not.toMatch(/x[-_.](?:user|org|facts|groups|proxy)|0123456789/)
        expect(told.includes('"x-auth-principal":"alice"')).toBe(path === '/x')
      }
    }
  })
})

function withoutOutcome(verdict: Verdict): object {
  const { outcome: _, ...identity } = verdict
  return identity
}

async function sign(of: Partial<Statement>, at: number = Date.now()): Promise<Fields> {
  const caller = { principal: 'alice', tenant: '', attributes: '', scopes: '', client: '' }
  const statement = { method: 'GET', path: '/x', ...caller, ...of }
  return [['X-Auth-Signature', await createSigner(SECRET, () => at)(statement)]]
}
