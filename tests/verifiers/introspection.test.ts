import { createServer } from 'node:https'
import { describe, expect, it } from 'vitest'
import { memoryCache } from '../../src/index.ts'
import { nodeTransport } from '../../src/node.ts'
import { introspection } from '../../src/verifiers.ts'
import { createRandomKey } from '../../src/verifiers/random-key.ts'
import { decide } from '../support/decide.ts'
import { guardWith } from '../support/guarded-verifier.ts'
import { get } from '../support/requests.ts'
import { SELF_SIGNED } from '../support/self-signed-certificate.ts'
import { run } from '../support/tcp-endpoint.ts'
import { TOKEN } from '../support/token.ts'
import { startService } from '../support/verifier-service.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { IntrospectionClient, IntrospectionOptions } from '../../src/verifiers.ts'
import { usePassingTime } from '../support/passing-time.ts'

const pass = usePassingTime()

/** The questions to an introspection endpoint, and the decisions on its statuses. */

const ACTIVE = { active: true, sub: 'alice' }
const SECRET = 'a:b%c+d ü/=&'

function guard(options: Partial<IntrospectionOptions> & { url: string }, config: AuthConfig = {}) {
  return guardWith(introspection({ client: 'none', ...options }), config)
}

describe('the request', () => {
  async function callOf(client: IntrospectionClient, token = TOKEN) {
    const { url, calls } = await startService(() => ({ json: ACTIVE }))
    await guard({ url, client }).ask(token)
    const [call] = calls
    if (call === undefined) throw new Error('Expected a call')
    return { ...call, fields: new URLSearchParams(call.body) }
  }

  it('is a form with the token, and nothing of the request of the caller', async () => {
    const token = `${TOKEN}&active=true+%41`
    const { method, headers, body } = await callOf('none', token)
    expect(method).toBe('POST')
    expect(headers['content-type']).toBe('application/x-www-form-urlencoded')
    expect(headers.authorization).toBeUndefined()
    expect(Object.fromEntries(new URLSearchParams(body))).toEqual({ token })
  })

  it('has id and secret in `Authorization`, encoded (RFC 6749 §2.3.1)', async () => {
    const { headers, fields } = await callOf({ id: 'my:api', secret: SECRET })
    const basic = Buffer.from(String(headers.authorization).replace('Basic ', ''), 'base64')
    const [id = '', secret = '', ...rest] = basic.toString('latin1').split(':')
    expect(rest).toEqual([])
    // As a server decodes a form, and as one does that knows no `+`.
    const asForm = new URLSearchParams(`id=${id}&secret=${secret}`)
    expect(Object.fromEntries(asForm)).toEqual({ id: 'my:api', secret: SECRET })
    expect([id, secret].map((part) => decodeURIComponent(part))).toEqual(['my:api', SECRET])
    expect([...fields.keys()]).toEqual(['token'])
  })

  it('has id and secret in its body with `post`', async () => {
    const { headers, fields } = await callOf({ id: 'my:api', secret: SECRET, method: 'post' })
    expect(headers.authorization).toBeUndefined()
    expect(Object.fromEntries(fields)).toEqual({
      token: TOKEN,
      client_id: 'my:api',
      client_secret: SECRET,
    })
  })

  it('has a token of this server', async () => {
    const { headers } = await callOf({ bearer: 'ory_pat_x' })
    expect(headers.authorization).toBe('Bearer ory_pat_x')
  })
})

describe('a status about this server', () => {
  it.each([
    [400, 'client'],
    [401, 'client'],
    [403, 'client'],
    [404, 'url'],
    [302, 'url'],
    [204, 'url'],
  ])('is an outage and no denial: %s, with a warning', async (status, option) => {
    const { url } = await startService(() => ({ status }))
    const { ask, warnings } = guard({ url, client: { id: 'a', secret: SECRET } })
    const expected = { outcome: 'deny', reason: 'service_error', status: 401 }
    expect(await ask()).toMatchObject({ ...expected, endpointStatus: status })
    await ask()
    expect(warnings()).toEqual([`The introspection endpoint answered ${status}: check "${option}"`])
  })

  it('is no reason for the client to drop its token', async () => {
    const { url } = await startService(() => ({ status: 401 }))
    const verifier = introspection({ url, client: 'none' })
    const { response } = await decide({ verifier }, get('/', TOKEN))
    expect(response?.headers.get('www-authenticate')).not.toContain('invalid_token')
  })

  it('does not count for the circuit breaker, as 503 does', async () => {
    const { url, calls, answerWith } = await startService(() => ({ status: 401 }))
    const { ask, warnings } = guard({ url })
    for (let count = 0; count < 30; count += 1) await ask(`${TOKEN}${count}`)
    expect(calls).toHaveLength(30)
    expect(await ask()).toMatchObject({ reason: 'service_error' })
    answerWith(() => ({ status: 503 }))
    for (let count = 0; count < 60; count += 1) await ask(`${TOKEN}${count}`)
    expect(await ask()).toMatchObject({ reason: 'circuit_open' })
    expect(calls.length).toBeLessThan(80)
    expect(warnings()).toHaveLength(1)
  })
})

describe('a cached decision', () => {
  it('ends with the token, for a denial too', async () => {
    const { url, calls } = await startService(() => ({ json: { active: false } }))
    const { ask } = guard({ url }, { cache: memoryCache() })
    expect(await ask()).toMatchObject({ cache: 'miss', detail: 'inactive' })
    expect(await ask()).toMatchObject({ cache: 'hit', detail: 'inactive' })
    expect(calls).toHaveLength(1)
  })

  it.each([
    ['Keycloak', 'no-cache'],
    ['Hydra', 'private, no-cache, no-store, must-revalidate'],
    ['a proxy', 'max-age=0'],
  ])('stays when its answer forbids it, as each of %s does: %s', async (_, value) => {
    const headers = { 'cache-control': value }
    const { url, calls, answerWith } = await startService(() => ({ json: ACTIVE, headers }))
    const cache = memoryCache({ allowTtlMs: 200, staleIfErrorMs: 60_000 })
    const { ask, warnings } = guard({ url }, { cache })
    await ask()
    expect(await ask()).toMatchObject({ outcome: 'allow', cache: 'hit' })
    expect(calls).toHaveLength(1)
    answerWith(() => ({ status: 503 }))
    pass(250)
    expect(await ask()).toMatchObject({ outcome: 'allow', cache: 'stale' })
    expect(warnings()).toEqual([])
  })

  it('is none for a token that is not valid yet: it heals by itself', async () => {
    const nbf = Date.now() / 1000 + 60
    const { url, calls } = await startService(() => ({ json: { ...ACTIVE, nbf } }))
    const { ask } = guard({ url }, { cache: memoryCache() })
    await ask()
    await ask()
    expect(calls).toHaveLength(2)
  })
})

it('a server whose certificate nobody vouches for is not told the token (ogx-ai/ogx#5698)', async () => {
  let asked = 0
  const server = createServer(SELF_SIGNED, (_, response) => {
    asked += 1
    response.setHeader('content-type', 'application/json').end(JSON.stringify(ACTIVE))
  })
  const { port } = await run(server)
  const { ask } = guard({ url: `https://localhost:${port}/` })
  expect(await ask()).toMatchObject({ outcome: 'deny', reason: 'unreachable' })
  expect(asked).toBe(0)
})

describe('the first ten answers', () => {
  const TEXT =
    'The first 10 answers of the introspection endpoint are all "inactive". If good tokens were among them, check that they name the client of "client" in "aud", and that "url" has the host name of the tokens\' issuer'

  it('are a mistake of the set-up if all are inactive, and one warning says so', async () => {
    const { url } = await startService(() => ({ json: { active: false } }))
    const { ask, warnings } = guard({ url })
    // The gateway asks about these.
    for (let count = 0; count < 10; count += 1) await ask(createRandomKey())
    // The tokens of a service may begin as these do.
    for (let count = 0; count < 9; count += 1) await ask(`random_${count}`)
    expect(warnings()).toEqual([])
    for (let count = 9; count < 30; count += 1) await ask(`random_${count}`)
    expect(warnings()).toEqual([TEXT])
  })

  it.each<[string, object, number]>([
    ['an allow', { json: ACTIVE }, 0],
    ['a denial of an active token', { json: { ...ACTIVE, exp: 1 } }, 0],
    ['an outage', { status: 503 }, 1],
  ])('are no reason for a warning with %s among them, but for an outage', async (_, one, count) => {
    const { url, answerWith } = await startService(() => ({ json: { active: false } }))
    const { ask, warnings } = guard({ url })
    for (let asked = 0; asked < 8; asked += 1) await ask(`${TOKEN}${asked}`)
    answerWith(() => one)
    await ask(`${TOKEN}other`)
    answerWith(() => ({ json: { active: false } }))
    for (let asked = 8; asked < 30; asked += 1) await ask(`${TOKEN}${asked}`)
    expect(warnings()).toHaveLength(count)
  })
})

const URL_TEXT = 'https://login.example.com/introspect?key=hunter2'
const WITH_SECRETS: IntrospectionOptions = {
  url: URL_TEXT,
  client: { id: 'api', secret: 'hunter2' },
}
const PLAIN = { ...WITH_SECRETS, url: 'https://login.example.com/introspect' }

it('warns of clear text', () => {
  expect(introspection(WITH_SECRETS).warnings).toEqual([])
  const insecure = introspection({
    ...WITH_SECRETS,
    url: 'http://login.example.com',
    allowInsecureHttp: true,
  })
  expect(insecure.warnings).toEqual([expect.stringContaining('clear text')])
})

describe('the verifier', () => {
  it('reads the token alone, and is named in events', () => {
    const verifier = introspection(WITH_SECRETS)
    expect(verifier.label).toBe('introspection')
    expect(verifier.reads).toMatchObject({ headers: [], params: 'none', path: false })
    expect(verifier.local).toBeUndefined()
    expect(verifier.accepts).toBeUndefined()
    const accepts = (): boolean => false
    expect(introspection({ ...WITH_SECRETS, accepts }).accepts).toBe(accepts)
  })

  it('describes its options with their defaults, and without secrets', () => {
    const shown = introspection({ ...WITH_SECRETS, audience: 'a' }).describe?.()
    expect(shown).toEqual({
      type: 'introspection',
      url: 'https://login.example.com/introspect?***',
      client: { id: 'api', secret: '[redacted]', method: 'basic' },
      audience: ['a'],
      allowMissingAudience: false,
      principal: ['sub'],
      attributes: {},
      exposeClaims: [],
      allowInsecureHttp: false,
    })
    expect(
      introspection({ ...WITH_SECRETS, client: { bearer: 'hunter2' } }).describe?.(),
    ).toMatchObject({
      client: { bearer: '[redacted]' },
    })
  })

  it('has an id that differs with each option that decides', () => {
    const others: Partial<IntrospectionOptions>[] = [
      {},
      { url: 'https://other.example.com/' },
      { client: 'none' },
      { client: { id: 'other', secret: 'x' } },
      { audience: 'a' },
      { audience: 'a', allowMissingAudience: true },
      { issuer: 'a' },
      { principal: 'username' },
      { attributes: { groups: 'teams' } },
      { tenant: 'org' },
      { exposeClaims: ['acr'] },
    ]
    const ids = others.map((given) => introspection({ ...PLAIN, ...given }).id)
    expect(ids).not.toContain(undefined)
    expect(new Set(ids).size).toBe(others.length)
  })

  it('has another id for each client, each of its secrets and each way to send it, and shows none', () => {
    const clients: IntrospectionOptions['client'][] = [
      'none',
      ...['hunter2', 'hunter3'].flatMap((secret) => [
        { bearer: secret },
        { id: 'one', secret },
        { id: 'one', secret, method: 'post' as const },
        { id: 'two', secret },
      ]),
    ]
    const idsOf = (): unknown[] => clients.map((client) => introspection({ ...PLAIN, client }).id)
    expect(new Set(idsOf()).size).toBe(clients.length)
    expect(idsOf()).toEqual(idsOf())
    const byQuery = introspection({ ...PLAIN, url: URL_TEXT }).id
    expect(JSON.stringify([idsOf(), byQuery])).not.toContain('hunter')
  })

  it('has no id if its questions may depend on more than options', () => {
    const idWith = (given: Partial<IntrospectionOptions>) =>
      introspection({ ...PLAIN, ...given }).id
    expect(idWith({ fetch: nodeTransport() })).toBeDefined()
    expect(idWith({ fetch: () => Promise.reject(new Error('x')) })).toBeUndefined()
    expect(idWith({ accepts: () => true })).toBeUndefined()
  })
})
