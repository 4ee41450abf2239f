import { describe, expect, it } from 'vitest'
import { memoryCache, withAuth } from '../../../src/index.ts'
import { fromUpstream } from '../../../src/verifiers/upstream/from-upstream.ts'
import { startGuarded } from '../../support/guarded-server.ts'
import { words } from '../../support/words.ts'
import type { AuthConfig } from '../../../src/index.ts'
import type { UpstreamOptions } from '../../../src/verifiers/upstream/options.ts'

const SECRET = 'a-secret-of-the-proxy'
const PROOF = ['X-Proxy-Secret', SECRET] as const
const ALICE = ['X-User', 'alice'] as const
const NAMES = {
  principalHeader: 'x-user',
  tenantHeader: 'x-org',
  attributesHeader: 'x-attributes',
  scopesHeader: 'x-scopes',
  clientHeader: 'x-app',
}
const BY_SECRET: UpstreamOptions = {
  ...NAMES,
  proof: { header: 'x-proxy-secret', secret: SECRET },
}

const clientAddress = (
  _request: Request,
  { incoming }: { incoming: { socket: { remoteAddress?: string } } },
): string | undefined => incoming.socket.remoteAddress

/** The characters as which a header carries a text in UTF-8. */
const latin1Of = (text: string): string => Buffer.from(text).toString('latin1')

/** A guarded server, and the config of it. */
function start(options: Partial<UpstreamOptions> = {}, config: AuthConfig = {}) {
  return startGuarded({ ...config, ...fromUpstream({ ...BY_SECRET, ...options }) })
}

describe('the identity', () => {
  it('is what the headers of the proxy say', async () => {
    const { ask, decision } = await start()
    const attributes = ['X-Attributes', '{"roles":["admin"],"team":"red"}'] as const
    const scopes = ['X-Scopes', 'notes:read  a%20b'] as const
    const more = [['X-Org', 'acme'], attributes, scopes, ['X-App', 'notes']] as const
    const { status, body } = await ask([ALICE, PROOF, ...more])
    expect(status).toBe(200)
    expect(body).toEqual({
      principal: 'alice',
      tenant: 'acme',
      attributes: { roles: ['admin'], team: ['red'] },
      scopes: ['notes:read', 'a%20b'],
      clientId: 'notes',
    })
    expect(decision()).toMatchObject({ outcome: 'allow', verifier: 'upstream', attempts: 1 })
  })

  it('is in events, since a name is not a secret', async () => {
    const { ask, decision } = await start({}, { requestIdHeader: 'x-request-id' })
    const id = ['X-Request-Id', 'of-alice'] as const
    await ask([ALICE, PROOF, id], { path: '/users/alice' })
    const shown = { principal: 'alice', path: '/users/alice', requestId: 'of-alice' }
    expect(decision()).toMatchObject(shown)
    await ask([ALICE, ALICE, PROOF], { path: '/users/alice' })
    expect(decision()).toMatchObject({ reason: 'denied', detail: 'malformed' })
  })

  it('is taken as it is: another proxy does not encode, so `a%20b` must not become `a b`', async () => {
    const { ask } = await start()
    for (const name of ['a%20b', 'admin%2C', '100%', '%C3%BC', '%61dmin']) {
      const { body } = await ask([['X-User', name], ['X-Org', name], PROOF])
      expect(body).toEqual({ principal: name, tenant: name, attributes: {} })
    }
  })

  it('may have only a principal', async () => {
    const { ask } = await start()
    const names = ['X-Org', 'X-Attributes', 'X-Scopes', 'X-App']
    for (const more of [[], names.map((name) => [name, ''] as const)]) {
      const { body } = await ask([ALICE, PROOF, ...more])
      expect(body).toEqual({ principal: 'alice', attributes: {} })
    }
  })

  it.each([
    ['Jürgen Müller', 'Jürgen Müller'],
    ['doe,john', 'doe,john'],
    ['🦊', '🦊'],
  ])('may have blanks, commas and UTF-8: %j', async (sent, principal) => {
    const { ask } = await start()
    const { body } = await ask([['X-User', latin1Of(sent)], PROOF])
    expect(body).toEqual({ principal, attributes: {} })
  })

  it.each([
    ['caf\u00e9', 'is not UTF-8'],
    ['alice\tadmin', 'has a control character'],
    ['root, alice', 'came twice, or has a comma with a blank behind it, which looks the same'],
  ])('that is %j is refused, and the operator is told why', async (name, why) => {
    const { ask, decision, events } = await start()
    const { status, body } = await ask([['X-User', name], PROOF])
    expect(status).toBe(401)
    expect(body.error).toMatchObject({ message: 'Authentication failed', code: 'denied' })
    const message = `The header "x-user" ${why}`
    expect(decision()).toMatchObject({ reason: 'denied', detail: 'malformed', cause: message })
    expect(events).toContainEqual({ type: 'warning', message })
  })

  it.each<[detail: string, name: string, values: string[]]>([
    ['malformed', 'X-Attributes', ['admin']],
    ['tenant', 'X-Org', ['acme', 'evil']],
    ['malformed', 'X-Scopes', ['notes:read', 'admin']],
    ['malformed', 'X-App', ['a,b']],
  ])('that is %s is denied: %s %j', async (detail, name, values) => {
    const { ask, decision } = await start()
    const { status, body } = await ask([ALICE, PROOF, ...values.map((one) => [name, one] as const)])
    expect(status).toBe(401)
    expect(body.error).toMatchObject({ message: 'Authentication failed' })
    expect(decision()).toMatchObject({ outcome: 'deny', reason: 'denied', detail })
  })

  it('is absent without its header, whatever the proof', async () => {
    const { ask, decision } = await start()
    for (const fields of [[], [PROOF], [['X-User', ''], PROOF]] as const) {
      expect((await ask(fields)).status).toBe(401)
      expect(decision()).toMatchObject({ reason: 'missing_credentials' })
    }
  })

  it('is never a token from elsewhere: the proxy sends its proof with every request', async () => {
    const { ask, decision, events } = await startGuarded({
      ...fromUpstream(BY_SECRET),
      credentials: 'bearer',
    })
    expect((await ask([['Authorization', 'Bearer admin'], PROOF])).status).toBe(401)
    const told = await ask([['Authorization', 'Bearer admin'], ALICE, PROOF], { path: '/admin' })
    expect(told.status).toBe(401)
    // It may be a secret, so no event shows it.
    expect(decision()).toMatchObject({ reason: 'denied', detail: 'malformed', path: '' })
    const message = '"credentials" must be { header: "x-user" }, as fromUpstream makes it'
    expect(events.filter(({ type }) => type === 'warning')).toEqual([{ type: 'warning', message }])
  })
})

describe('an attribute with a header of its own', () => {
  const JSON_FORM = { attribute: 'teams', json: true } as const

  it('is joined with the others', async () => {
    const list = { attribute: 'teams', separator: ',' }
    const attributeHeaders = { 'X-Groups': JSON_FORM, 'x-role': 'roles', 'x-list': list }
    // One that is not sent, and an empty one.
    const none = { 'x-none': 'nothing', 'x-blank': 'blanks' }
    const { ask } = await start({ attributeHeaders: { ...attributeHeaders, ...none } })
    const { body } = await ask([
      ALICE,
      PROOF,
      ['X-Attributes', '{"teams":["red"]}'],
      ['x-groups', '["blue","all"]'],
      ['x-role', latin1Of('Größe 7')],
      ['x-list', ' a b, c,,d ,'],
      ['x-blank', ' '],
    ])
    const teams = ['red', 'blue', 'all', 'a b', 'c', 'd']
    expect(body.attributes).toEqual({ teams, roles: ['Größe 7'] })
    const described = { 'x-groups': JSON_FORM, 'x-role': 'roles', 'x-list': list }
    const { verifier } = fromUpstream({ ...BY_SECRET, attributeHeaders })
    expect(verifier.describe?.()).toMatchObject({ attributeHeaders: described })
  })

  const NO_LIST =
    'has a comma: if it is a list, write { attribute, separator: "," } in place of the name of the attribute'
  const NO_JSON = 'is neither a JSON list of texts nor a JSON text'
  it.each([
    ['teams', 'dev,admin', NO_LIST],
    ['teams', 'caf\u00e9', 'is not UTF-8'],
    [JSON_FORM, 'admin', NO_JSON],
    [JSON_FORM, '[1]', NO_JSON],
  ])('and the form %j is refused if it is %j', async (form, sent, why) => {
    const { ask, decision, events } = await start({ attributeHeaders: { 'x-groups': form } })
    expect((await ask([ALICE, PROOF, ['x-groups', sent]])).status).toBe(401)
    const message = `The header "x-groups" ${why}`
    expect(decision()).toMatchObject({ detail: 'malformed', cause: message })
    expect(events).toContainEqual({ type: 'warning', message })
  })
})

describe('a proof by secret', () => {
  it.each([
    ['none', []],
    ['another', [['X-Proxy-Secret', 'another-secret-of-the-proxy']]],
    ['a part of it', [['X-Proxy-Secret', SECRET.slice(0, -1)]]],
    ['more than it', [['X-Proxy-Secret', `${SECRET}x`]]],
    ['an empty one', [['X-Proxy-Secret', '']]],
    ['the same twice', [PROOF, PROOF]],
    ['another case', [['X-Proxy-Secret', SECRET.toUpperCase()]]],
  ] as const)('rejects %s with a 403 that says nothing', async (_, proof) => {
    const { ask, decision } = await start()
    const { status, body } = await ask([ALICE, ...proof])
    expect(status).toBe(403)
    expect(body.error).toMatchObject({ message: 'Access denied', code: 'forbidden' })
    expect(decision()).toMatchObject({ outcome: 'deny', reason: 'forbidden', detail: 'proof' })
  })

  it.each(words('x_proxy_secret X.Proxy.Secret X-Proxy_Secret x-proxy-secret-2'))(
    'is not read from %s (CVE-2025-64484)',
    async (name) => {
      const { ask } = await start()
      expect((await ask([ALICE, [name, SECRET]])).status).toBe(403)
    },
  )

  it.each(words('x_user X.User X_User x-user-'))(
    'makes no identity of %s (CVE-2025-64484)',
    async (name) => {
      const { ask, decision } = await start()
      expect((await ask([[name, 'admin'], PROOF])).status).toBe(401)
      expect(decision()).toMatchObject({ reason: 'missing_credentials' })
      expect((await ask([ALICE, [name, 'admin'], PROOF])).body.principal).toBe('alice')
    },
  )

  it.each(words('x_org X.Org x_attributes X.Attributes'))(
    'adds nothing to an identity from %s',
    async (name) => {
      const { ask } = await start()
      const { body } = await ask([ALICE, [name, '{"roles":["admin"]}'], PROOF])
      expect(body).toEqual({ principal: 'alice', attributes: {} })
    },
  )

  it('is asked for each time: no wrong one is cached, and no right one is shared', async () => {
    const { ask, events } = await start({}, { cache: memoryCache() })
    for (const status of [403, 403]) expect((await ask([ALICE])).status).toBe(status)
    for (const status of [200, 200]) expect((await ask([ALICE, PROOF])).status).toBe(status)
    expect((await ask([ALICE])).status).toBe(403)
    const seen = events.map((event) => (event.type === 'decision' ? event.cache : ''))
    expect(seen).toEqual(['skipped', 'skipped', 'miss', 'hit', 'skipped'])
  })
})

describe('a proof by address', () => {
  it.each([
    ['127.0.0.1', 200],
    ['127.0.0.0/8', 200],
    ['::ffff:127.0.0.0/104', 200],
    ['127.0.0.2', 403],
    ['::/8', 403],
  ])('of %s makes of 127.0.0.1 a %d', async (address, status) => {
    const proof = { addresses: ['192.0.2.0/24', address] }
    const { ask, decision } = await start({ proof }, { context: { clientAddress } })
    // It is the address of the connection: no header counts.
    const told = await ask([
      ALICE,
      ['X-Forwarded-For', '192.0.2.1'],
      ['Forwarded', 'for=192.0.2.1'],
    ])
    expect(told.status).toBe(status)
    expect(JSON.stringify(told)).not.toContain('127.0.0')
    expect(decision()?.detail).toBe(status === 403 ? 'address' : undefined)
  })

  it.each([
    ['::ffff:192.0.2.7', 200],
    ['192.0.2.7', 200],
    ['fe80::1%eth0', 200],
    ['fe81::1', 403],
    ['192.0.2.7:80', 403],
    [undefined, 403],
  ])('takes the address %s: %d', async (address, status) => {
    const proof = { addresses: ['192.0.2.0/24', 'fe80::/16'] }
    const { ask } = await start({ proof }, { context: { clientAddress: () => address } })
    expect((await ask([ALICE])).status).toBe(status)
  })

  it('comes after the identity: without one it is a 401', async () => {
    const { ask, decision } = await start(
      { proof: { addresses: ['10.0.0.0/8'] } },
      { context: { clientAddress } },
    )
    expect((await ask([])).status).toBe(401)
    expect(decision()).toMatchObject({ reason: 'missing_credentials' })
  })

  it('needs `context.clientAddress` in the config', () => {
    const config = fromUpstream({ ...NAMES, proof: { addresses: ['10.0.0.0/8'] } })
    expect(() => withAuth(() => new Response(), config)).toThrow(
      expect.objectContaining({ option: 'context.clientAddress' }),
    )
  })
})

describe('trust in the network', () => {
  it('asks for no proof, and says so', async () => {
    const { ask, events } = await start({ proof: { network: true } })
    const warnings = events.filter(({ type }) => type === 'warning')
    expect(warnings).toEqual([
      { type: 'warning', message: expect.stringContaining('can name any caller') as string },
    ])
    expect((await ask([ALICE])).body.principal).toBe('alice')
  })
})

it('describes itself without its secret', () => {
  for (const proof of [
    { header: 'x-proxy-secret', secret: SECRET },
    { signature: 'x-auth-signature', secret: [SECRET] },
  ]) {
    const shown = fromUpstream({ ...NAMES, proof }).verifier.describe?.()
    expect(JSON.stringify(shown)).not.toContain(SECRET)
    const withoutSecret = { ...proof, secret: '[redacted]' }
    expect(shown).toMatchObject({ principalHeader: 'x-user', proof: withoutSecret })
  }
  const addresses = ['10.1.0.0/8', '::1']
  const { verifier } = fromUpstream({ ...NAMES, proof: { addresses } })
  expect(verifier.describe?.()).toMatchObject({ proof: { addresses } })
  const trusting = fromUpstream({ ...NAMES, proof: { network: true } })
  expect(trusting.verifier.describe?.()).toMatchObject({ proof: { network: true } })
})
