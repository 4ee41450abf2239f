import { beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import { ANY_ISSUER } from '../../src/verifiers/any-issuer.ts'
import { ask, AUDIENCE, detailOf, goodClaims, ISSUER, keyOf, sign } from '../support/issuer.ts'
import type { SigningKey } from '../support/issuer.ts'
import type { JwtOptions } from '../../src/jwt.ts'

/** Tokens with a good signature whose claims say that they are not for here, or not now. */

let rsa: SigningKey

beforeAll(async () => {
  rsa = await keyOf('RS256', 'rsa')
})

const NOW = 1_800_000_000

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 }))

function checked(token: string, more: Partial<JwtOptions> = {}): Promise<string | undefined> {
  const options = { issuer: ISSUER, audience: AUDIENCE, keys: { keys: [rsa.jwk] }, ...more }
  return detailOf(jwt(options), token)
}

/** The value of a claim in a token that is good otherwise. `undefined` leaves the claim out. */
const CLAIMS: readonly (readonly [claim: string, value: unknown, detail: string])[] = [
  ['iss', undefined, 'issuer'],
  ['iss', 'https://login.example.com', 'issuer'],
  ['iss', 'https://login.example.com/evil', 'issuer'],
  ['iss', 'HTTPS://login.example.com/', 'issuer'],
  ['iss', '', 'issuer'],
  ['iss', [ISSUER], 'malformed'],
  ['iss', null, 'malformed'],
  ['aud', undefined, 'audience'],
  ['aud', 'https://api.example.com/', 'audience'],
  ['aud', 'https://api', 'audience'],
  ['aud', [], 'audience'],
  ['aud', ['https://other.example.com'], 'audience'],
  ['aud', { [AUDIENCE]: true }, 'malformed'],
  ['aud', [[AUDIENCE]], 'malformed'],
  ['aud', [AUDIENCE, 1], 'malformed'],
  ['aud', null, 'malformed'],
  ['exp', undefined, 'missing_claim'],
  ['exp', NOW - 4, 'allow'],
  ['exp', NOW - 5, 'expired'],
  ['exp', NOW - 3600, 'expired'],
  ['exp', 0, 'expired'],
  ['exp', -1, 'expired'],
  ['exp', String(NOW + 600), 'malformed'],
  ['exp', null, 'malformed'],
  ['exp', true, 'malformed'],
  ['exp', [4102444800], 'malformed'],
  ['exp', 1e306, 'malformed'],
  ['nbf', 0, 'allow'],
  ['nbf', NOW + 5, 'allow'],
  ['nbf', NOW + 6, 'not_yet_valid'],
  ['nbf', 1e300, 'not_yet_valid'],
  ['nbf', '0', 'malformed'],
  ['nbf', null, 'malformed'],
  ['iat', 'now', 'malformed'],
  ['iat', null, 'malformed'],
  ['cnf', { jkt: 'abc' }, 'bound'],
  ['cnf', { 'x5t#S256': 'abc' }, 'bound'],
  ['cnf', {}, 'bound'],
  ['cnf', null, 'bound'],
  ['typ', 'ID', 'type'],
  ['typ', 'Refresh', 'type'],
  ['typ', 'Offline', 'type'],
  ['typ', 'Logout', 'type'],
  ['typ', ['ID'], 'type'],
  ['typ', 'Bearer', 'allow'],
  ['typ', 'DPoP', 'allow'],
  ['typ', { toString: 1 }, 'allow'],
  ['token_use', 'id', 'type'],
  ['token_use', 'ID_token', 'type'],
  ['token_use', 'access', 'allow'],
  ['token_type', 'refresh_token', 'type'],
  ['token_type', 'at+jwt', 'allow'],
  ['sub', undefined, 'missing_claim'],
  ['sub', '', 'missing_claim'],
  ['sub', 42, 'missing_claim'],
  ['sub', ['alice'], 'missing_claim'],
  ['sub', null, 'missing_claim'],
]

describe('a token with a good signature', () => {
  it.each(CLAIMS)('and %s = %j: %s', async (claim, value, detail) => {
    expect(await checked(await sign(rsa, goodClaims({ [claim]: value })))).toBe(detail)
  })

  it.each([
    ['exp', '1e999', 'malformed'],
    ['nbf', '1e999', 'malformed'],
    ['nbf', '-1e999', 'malformed'],
    ['exp', 'NaN', 'malformed'],
    ['iat', '1e999', 'malformed'],
  ])('and %s = %s, which only JSON can say, is denied as %s', async (claim, value, detail) => {
    const text = JSON.stringify(goodClaims({ [claim]: 'HERE' })).replace('"HERE"', value)
    expect(await checked(await sign(rsa, text))).toBe(detail)
  })

  it('is denied by its last of two claims with one name', async () => {
    const twice = (first: string, last: string): Promise<string> =>
      sign(
        rsa,
        JSON.stringify(goodClaims({ aud: 'HERE' })).replace(
          '"aud":"HERE"',
          `"aud":"${first}","aud":"${last}"`,
        ),
      )
    expect(await checked(await twice('other', AUDIENCE))).toBe('allow')
    expect(await checked(await twice(AUDIENCE, 'other'))).toBe('audience')
  })

  it('is denied if a claim that it needs is one of Object.prototype', async () => {
    const text = JSON.stringify(goodClaims({ sub: undefined })).replace(
      '{',
      '{"__proto__":{"sub":"root"},',
    )
    expect(await checked(await sign(rsa, text))).toBe('missing_claim')
    expect(await checked(await sign(rsa), { principal: 'constructor.name' })).toBe('missing_claim')
  })
})

it.each<readonly [Partial<JwtOptions>, claims: object, header: object, detail: string]>([
  [{ algorithms: ['ES256'] }, {}, {}, 'algorithm'],
  [{ types: ['at+jwt'] }, {}, { typ: undefined }, 'type'],
  [{ types: ['at+jwt'] }, {}, { typ: 'JWT' }, 'type'],
  [{ requiredClaims: ['jti'] }, {}, {}, 'missing_claim'],
  [{ requiredClaims: ['jti'] }, { jti: null }, {}, 'missing_claim'],
  [{ requiredClaims: ['a.b'] }, { a: { b: 1 } }, {}, 'missing_claim'],
  [{ requiredClaims: ['jti'] }, { jti: '' }, {}, 'allow'],
  [{ maxTokenAgeSeconds: 60 }, { iat: undefined }, {}, 'missing_claim'],
  [{ maxTokenAgeSeconds: 60 }, { iat: NOW - 65 }, {}, 'allow'],
  [{ maxTokenAgeSeconds: 60 }, { iat: NOW - 66 }, {}, 'expired'],
  [{ maxTokenAgeSeconds: 60 }, { iat: NOW + 5 }, {}, 'allow'],
  [{ maxTokenAgeSeconds: 60 }, { iat: NOW + 6 }, {}, 'not_yet_valid'],
  [{ clockToleranceSeconds: 0 }, { exp: NOW }, {}, 'expired'],
  [{}, {}, { typ: 'AT+JWT' }, 'allow'],
  [{ types: ['at+jwt'] }, {}, { typ: 'application/at+jwt' }, 'allow'],
  [{ types: ['application/AT+JWT'] }, {}, { typ: 'at+jwt' }, 'allow'],
  [{}, {}, { typ: undefined }, 'allow'],
  [{ audience: ['a', 'b'] }, { aud: ['x', 'b'] }, {}, 'allow'],
  [{ clockToleranceSeconds: 300 }, { exp: NOW - 200 }, {}, 'allow'],
  [{ clockToleranceSeconds: 300 }, { nbf: NOW + 200 }, {}, 'allow'],
  [{}, { iat: 4e9 }, {}, 'allow'],
  [{}, {}, { b64: true }, 'allow'],
])('with %j a token with the claims %j and the header %j: %s', async (...row) => {
  const [options, claims, header, detail] = row
  expect(await checked(await sign(rsa, goodClaims(claims), header), options)).toBe(detail)
})

it('claims over 8 KiB are not passed on', async () => {
  const token = await sign(rsa, goodClaims({ big: 'x'.repeat(8200) }))
  expect(await checked(token, { exposeClaims: ['big'] })).toBe('malformed')
})

it('an allow ends with the greatest age of its token', async () => {
  const options = { issuer: ISSUER, audience: AUDIENCE, keys: { keys: [rsa.jwk] } }
  const token = await sign(rsa)
  expect(await ask(jwt({ ...options, maxTokenAgeSeconds: 60 }), token)).toMatchObject({
    outcome: 'allow',
    expiresAt: (NOW + 60) * 1000,
  })
})

it('a denial has no end', async () => {
  const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, keys: { keys: [rsa.jwk] } })
  const verdict = await ask(verifier, await sign(rsa, goodClaims({ sub: 42 })))
  expect(verdict).toEqual({
    outcome: 'deny',
    detail: 'missing_claim',
    cause: 'the claim "sub" is not a text',
  })
})

it('any issuer will do if a file names none, and tokens of all issuers are for this verifier', async () => {
  const options = { issuer: ANY_ISSUER, audience: AUDIENCE, keys: { keys: [rsa.jwk] } }
  const verifier = jwt(options as never)
  for (const iss of [undefined, ISSUER, 'https://other.example.com']) {
    const token = await sign(rsa, goodClaims({ iss }))
    expect(await detailOf(verifier, token)).toBe('allow')
    expect(verifier.accepts?.(token)).toBe(true)
  }
  expect(verifier.accepts?.('sk-key')).toBe(false)
})
