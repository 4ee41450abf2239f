import fc from 'fast-check'
import { decodeProtectedHeader } from 'jose/decode/protected_header'
import { createLocalJWKSet } from 'jose/jwks/local'
import { jwtVerify } from 'jose/jwt/verify'
import { beforeEach, expect, it, vi } from 'vitest'
import { jwt } from '../../src/jwt.ts'
import { AUDIENCE, detailOf, ISSUER, keyOf, sign } from '../support/issuer.ts'
import { words } from '../support/words.ts'
import type { SigningKey } from '../support/issuer.ts'

/** Over mutated tokens, jwt() allows what jose allows by the same options, less what is stricter here, and nothing else. */

const NOW = 1_800_000_000
const RUNS = 10_000
const SLOW = { tags: ['slow'], timeout: 120_000 }

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW * 1000 }))

const TIMES = [-6, -5, -4, 0, 0.5, 4, 6, 600, 3600].map((seconds) => NOW + seconds)
const TEXTS = ['', 'alice', ISSUER, AUDIENCE, `${AUDIENCE}/`, String(NOW + 60)]
const LISTS = [[], [AUDIENCE], ['x', AUDIENCE], [[AUDIENCE]], [AUDIENCE, 1], {}, { a: 1 }]
const VALUES = [undefined, null, true, 0, -1, 1, 1e308, 4e9, ...TIMES, ...TEXTS, ...LISTS]
const HEADER_TEXTS = words(`
  JWT jwt at+jwt application/at+jwt dpop+jwt none HS256 RS256 RS384 PS256 ES256 ES384 EdDSA Ed25519 a b c`)
const NO_TEXTS = [undefined, null, 1, true, '', 'k'.repeat(257), [], ['b64'], ['x'], {}]
const HEADER_VALUES = [...HEADER_TEXTS, ...NO_TEXTS]
const CLAIM_NAMES = ['iss', 'aud', 'exp', 'nbf', 'iat', 'sub', 'cnf', 'jti']
const HEADER_NAMES = ['alg', 'kid', 'typ', 'crit', 'b64', 'jwk', 'jku', 'x5c', 'cty']

const members = (names: readonly string[], values: readonly unknown[]) =>
  fc.array(fc.tuple(fc.constantFrom(...names), fc.constantFrom(...values)), { maxLength: 2 })
/** A change of the text of a token: at a place, put a text over so many characters. */
const edit = fc.record({
  at: fc.double({ min: 0, max: 1, noNaN: true }),
  over: fc.nat({ max: 3 }),
  text: fc.constantFrom('', 'A', '.', '=', ' ', '+', '-', '_', 'é', '..', 'AAAA'),
})
const mutated = fc.record({
  key: fc.nat({ max: 3 }),
  claims: members(CLAIM_NAMES, VALUES),
  header: members(HEADER_NAMES, HEADER_VALUES),
  // Most tokens are not edited, so that their signature is good.
  edits: fc.array(edit, { maxLength: 2, size: '-1' }),
})

function edited(
  token: string,
  { at, over, text }: { at: number; over: number; text: string },
): string {
  const place = Math.floor(at * (token.length + 1))
  return token.slice(0, place) + text + token.slice(place + over)
}

/** Whether a rule that jose does not have rejects a token that jose accepts. */
function isStricter(
  token: string,
  header: Record<string, unknown>,
  claims: Record<string, unknown>,
): boolean {
  const { typ, kid, b64 } = header
  const { aud, sub, exp, nbf = 0, iat = 0 } = claims
  const types = ['jwt', 'at+jwt', 'application/jwt', 'application/at+jwt', undefined]
  const rules = [
    !/[^\w.-]/.test(token),
    types.includes(typeof typ === 'string' ? typ.toLowerCase() : (typ as undefined)),
    kid === undefined || (typeof kid === 'string' && kid.length <= 256),
    !('crit' in header) && (b64 === undefined || b64 === true),
    !('cnf' in claims) && typeof sub === 'string' && sub !== '',
    [aud].flat().every((one) => typeof one === 'string'),
    [exp, nbf, iat].every((time) => Number.isFinite(Number(time) * 1000)),
  ]
  return rules.includes(false)
}

it(`jwt() decides as jose does over ${RUNS} mutated tokens`, SLOW, async () => {
  const [rs, es] = [await keyOf('RS256', 'a'), await keyOf('ES256', 'b')]
  const ed = await keyOf('EdDSA', 'c')
  const foreign = await keyOf('ES256', 'b', 'foreign')
  const keys: readonly SigningKey[] = [rs, es, ed, foreign]
  const jwks = { keys: [rs.jwk, es.jwk, ed.jwk] }
  const verifier = jwt({ issuer: ISSUER, audience: AUDIENCE, keys: jwks })
  const byJose = createLocalJWKSet(jwks)
  const algorithms = words('RS256 RS384 PS256 ES256 ES384 EdDSA Ed25519')
  const options = {
    issuer: ISSUER,
    audience: AUDIENCE,
    algorithms,
    clockTolerance: 5,
    requiredClaims: ['exp'],
  }

  async function expected(token: string): Promise<'allow' | 'stricter' | 'deny'> {
    try {
      const { payload } = await jwtVerify(token, byJose, options)
      return isStricter(token, decodeProtectedHeader(token), payload) ? 'stricter' : 'allow'
    } catch {
      return 'deny'
    }
  }

  const counts = new Map<string, number>()
  await fc.assert(
    fc.asyncProperty(mutated, async ({ key: index, claims, header, edits }) => {
      const key = keys[index] ?? es
      const good = { iss: ISSUER, aud: AUDIENCE, sub: 'alice', exp: NOW + 600 }
      const payload = { ...good, ...Object.fromEntries(claims) }
      const token = edits.reduce(edited, await sign(key, payload, Object.fromEntries(header)))
      const [ours, theirs] = [await detailOf(verifier, token), await expected(token)]
      for (const kind of [theirs, String(ours)]) counts.set(kind, 1 + (counts.get(kind) ?? 0))
      expect(ours === 'allow' ? 'allow' : 'deny').toBe(theirs === 'allow' ? 'allow' : 'deny')
    }),
    { numRuns: RUNS },
  )
  // Each way to end is well covered.
  const all = words(`
    allow stricter malformed algorithm type unknown_key signature issuer audience expired not_yet_valid missing_claim`)
  expect(all.filter((kind) => (counts.get(kind) ?? 0) < 10)).toEqual([])
})
