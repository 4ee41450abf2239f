import { describe, expect, it } from 'vitest'
import { memoryCache } from '../src/index.ts'
import { jwt } from '../src/jwt.ts'
import { firstOf } from '../src/verifiers.ts'
import {
  ask,
  AUDIENCE,
  detailOf,
  encode,
  goodClaims,
  ISSUER,
  keyOf,
  sign,
  startIssuer,
} from './support/issuer.ts'
import { guardWith } from './support/guarded-verifier.ts'
import { usePassingTime } from './support/passing-time.ts'
import type { AuthConfig } from '../src/index.ts'
import type { JwtOptions } from '../src/jwt.ts'
import { words } from './support/words.ts'

const SECOND = 1000
const pass = usePassingTime()

const OUTAGE = { outcome: 'deny', reason: 'service_error' }

describe('jwt', () => {
  it.each(words('RS256 RS384 RS512 PS256 PS384 PS512 ES256 ES384 ES512 EdDSA Ed25519'))(
    'allows a token of %s',
    async (alg) => {
      const key = await keyOf(alg, 'a', 'each algorithm')
      const { options } = await startIssuer(key)
      expect(await detailOf(jwt(options), await sign(key))).toBe('allow')
    },
  )

  it('gives the handler who is calling, what the token is for, and when it ends', async () => {
    const key = await keyOf('ES256', 'a')
    const { options } = await startIssuer(key)
    const verifier = jwt({
      ...options,
      principal: 'user.name',
      attributes: {
        'realm_access.roles': 'roles',
        'https://example\\.com/team': 'teams',
        team: 'teams',
      },
      tenant: 'org',
      exposeClaims: ['email', 'amr'],
    })
    const exp = Math.floor(Date.now() / 1000) + 60
    const claims = {
      exp,
      user: { name: 'alice admin' },
      realm_access: { roles: ['reader', 'writer'] },
      'https://example.com/team': 'red blue',
      team: ['green'],
      org: ['acme'],
      scope: 'read write',
      scp: ['other'],
      azp: 'app',
      email: 'alice@example.com',
      amr: ['pwd'],
    }
    const { auth } = await guardWith(verifier).ask(await sign(key, goodClaims(claims)))
    expect(auth).toEqual({
      principal: 'alice admin',
      attributes: { roles: ['reader', 'writer'], teams: ['red blue', 'green'] },
      scopes: ['read', 'write'],
      clientId: 'app',
      tenant: 'acme',
      claims: { email: 'alice@example.com', amr: ['pwd'] },
      expiresAt: exp * 1000,
    })
  })

  it('keeps the client apart from the caller, even if it calls itself like one (RFC 9068 §5)', async () => {
    const key = await keyOf('ES256', 'a')
    const { options } = await startIssuer(key)
    const token = await sign(key, goodClaims({ sub: 'alice', client_id: 'bob' }))
    expect(await ask(jwt(options), token)).toMatchObject({ principal: 'alice', clientId: 'bob' })
  })

  it('works without a guard, which tells it nothing', async () => {
    const key = await keyOf('ES256', 'a')
    const { options, answerWith } = await startIssuer(key)
    const token = await sign(key)
    answerWith(() => ({ status: 404 }))
    await expect(ask(jwt(options), token)).rejects.toMatchObject({ status: 404 })
    // It would warn of two keys with one id, and of a key that cannot be used.
    const twin = await keyOf('ES256', 'a', 'twin')
    for (const keys of [[key.jwk, twin.jwk], [{ ...key.jwk, x: 'AAAA' }]]) {
      answerWith(() => ({ json: { keys } }))
      expect(await detailOf(jwt(options), token)).toBe('unknown_key')
    }
  })
})

describe('accepts', () => {
  it('chooses by the issuer that a token names, and never throws', async () => {
    const key = await keyOf('ES256', 'a')
    const accepts = (token: string): unknown =>
      jwt({ issuer: ISSUER, audience: AUDIENCE }).accepts?.(token)
    expect(accepts(await sign(key))).toBe(true)
    expect(accepts(await sign(key, goodClaims({ exp: 1 })))).toBe(true)
    // Another spelling of the signature is denied here, and goes to no other verifier.
    expect(accepts((await sign(key)).replace(/.$/, '_'))).toBe(true)
    const others = [
      await sign(key, goodClaims({ iss: 'https://other.example.com' })),
      await sign(key, goodClaims({ iss: [ISSUER] })),
      await sign(key, '{'),
      await sign(key, 'null'),
      `${await sign(key)}.e30.e30`,
      'sk-key',
      '',
      `a.${encode({ iss: ISSUER }).slice(1)}.c`,
      'e30.AAAAA.e30',
    ]
    expect(others.map(accepts)).toEqual(others.map(() => false))
  })
})

it('firstOf never checks the token of one issuer with the keys of another', async () => {
  const [key, foreign] = [await keyOf('ES256', 'a'), await keyOf('ES256', 'b')]
  const [one, other] = [await startIssuer(key), await startIssuer(foreign)]
  const [own, their] = [ISSUER, 'https://other.example.com/']
  const both = firstOf([jwt(one.options), jwt({ ...other.options, issuer: their })])
  expect(await detailOf(both, await sign(key))).toBe('allow')
  expect(await detailOf(both, await sign(foreign, goodClaims({ iss: their })))).toBe('allow')
  expect(await detailOf(both, await sign(foreign, goodClaims({ iss: own })))).toBe('unknown_key')
  expect(await detailOf(both, await sign(foreign, goodClaims({ iss: 'x' })))).toBe('no_verifier')
  // The issuer of the third token is asked whether it has a new key.
  expect([one.calls.length, other.calls.length]).toEqual([2, 1])
})

describe('behind a guard', () => {
  async function start(more: Partial<JwtOptions> = {}, config: AuthConfig = {}) {
    const key = await keyOf('ES256', 'a')
    const issuer = await startIssuer(key)
    return { key, issuer, ...guardWith(jwt({ ...issuer.options, ...more }), config) }
  }

  it('no outage makes a token work after its end', async () => {
    const cache = memoryCache({ allowTtlMs: 500 * SECOND, staleIfErrorMs: 300 * SECOND })
    const { key, issuer, ask: call } = await start({ keysMaxStaleMs: 0 }, { cache })
    const now = Math.floor(Date.now() / 1000)
    const token = await sign(key, goodClaims({ exp: now + 630 }))
    expect(await call(token)).toMatchObject({ outcome: 'allow' })
    issuer.fail(503)
    pass(610 * SECOND)
    expect(await call(token)).toMatchObject({ outcome: 'allow', cache: 'stale' })
    pass(21 * SECOND)
    expect(await call(token)).toMatchObject(OUTAGE)
  })

  it('callers with made-up tokens in an outage open no circuit, and stop no other caller', async () => {
    const { key, issuer, ask: call, events } = await start()
    const good = await sign(key)
    expect(await call(good)).toMatchObject({ outcome: 'allow' })
    issuer.fail(503)
    pass(60 * SECOND)
    for (let index = 0; index < 50; index += 1) {
      const unknown = await sign(key, goodClaims(), { kid: `made-up-${index}` })
      expect(await call(unknown)).toMatchObject({ reason: 'unreachable' })
    }
    expect(await call(good)).toMatchObject({ outcome: 'allow' })
    expect(events.filter(({ type }) => type === 'circuit')).toEqual([])
    expect(issuer.calls).toHaveLength(2)
  })

  it('a key server that hangs does not cost a caller the time of the guard', async () => {
    const { key, issuer, ask: call } = await start({ timeoutMs: 2000 }, { timeoutMs: 1600 })
    expect(await call(await sign(key))).toMatchObject({ outcome: 'allow' })
    issuer.answerWith(() => undefined)
    pass(601 * SECOND)
    expect(await call(await sign(key))).toMatchObject({ outcome: 'allow' })
  })

  it('an outage does not count as a denial', async () => {
    const { key, issuer, ask: call } = await start()
    const other = await sign(key, goodClaims({ aud: 'other' }))
    const denied = { reason: 'denied', detail: 'audience', verifier: 'jwt', status: 401 }
    expect(await call(other)).toMatchObject(denied)
    issuer.fail(503)
    pass(4_300 * SECOND)
    const outage = await call(await sign(key))
    expect(outage).toMatchObject({ ...OUTAGE, attempts: 1 })
    // The key server sent the status, and it was not asked about this token.
    expect(outage).not.toHaveProperty('endpointStatus')
  })

  it('events and warnings of the keys reach the observer', async () => {
    const { key, issuer, ask: call, events } = await start()
    await call(await sign(key))
    issuer.fail(404)
    pass(601 * SECOND)
    await call(await sign(key))
    await call(await sign(key))
    issuer.answerWith((_call, response) => void response.destroy())
    pass(60 * SECOND)
    await call(await sign(key))
    const host = new URL(issuer.jwksUri).host
    const failed = { type: 'keys', result: 'failed', verifier: 'jwt' }
    const ageMs = (seconds: number): unknown => expect.closeTo(seconds * SECOND, -4)
    expect(events.filter(({ type }) => type !== 'decision')).toEqual([
      { type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' },
      { type: 'warning', message: `${host} answered 404: check "jwksUri"` },
      { ...failed, reason: 'service_error', cause: `${host} answered 404`, ageMs: ageMs(601) },
      {
        type: 'warning',
        message: expect.stringMatching(/^Keys of .* cannot be fetched \(service_error 404\)/),
      },
      { ...failed, reason: 'unreachable', cause: 'UND_ERR_SOCKET', ageMs: ageMs(661) },
    ])
  })
})
