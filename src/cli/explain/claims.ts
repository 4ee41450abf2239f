import { isRecord, readName, readPath } from '../../core/endpoint/claim-path.ts'
import { checkClaims } from '../../jwt/token-claims.ts'
import { HeaderReader, normaliseType, readUnverifiedPart } from '../../jwt/token-header.ts'
import { showFact, showTime } from './shown-fact.ts'
import type { DenyDetail } from '../../core/types.ts'

/** A claim of a token, or a member of its header, beside what the config wants. */
export interface ClaimRow {
  readonly claim: string
  readonly says: string
  readonly wants: string
  /** Absent if nothing depends on it, or if it was not looked at. */
  readonly ok?: boolean
}

/** The rules of a provider, as the file has them or by default. */
interface Rules {
  readonly issuer: string | undefined
  readonly audience: readonly string[]
  readonly algorithms: readonly string[]
  readonly types: readonly string[] | undefined
  readonly clockToleranceSeconds: number
  readonly principal: string
}

const MOST_NAMED = 3
/** Why a provider denied a token, or `allow`. */
type Judged = DenyDetail | 'allow'

const IN_AN_HOUR_S = 3600
/** The signature is checked before the claims, and after the header. */
const BEFORE_SIGNATURE: ReadonlySet<Judged> = new Set<Judged>(['malformed', 'algorithm', 'type'])

/**
 * Compares a JSON Web Token with the rules of a provider, claim by claim. `undefined` for another text.
 *
 * @param shown The options of the provider, as `with-auth config` prints them.
 * @param detail Why the provider denied the token. `allow` if it did not, and `undefined` if it was not asked.
 */
export function compareClaims(
  token: string,
  shown: unknown,
  detail: Judged | undefined,
): readonly ClaimRow[] | undefined {
  const header = readUnverifiedPart(token, 'header')
  const claims = readUnverifiedPart(token, 'claims')
  if (!isRecord(header) || !isRecord(claims)) return undefined
  const rules = rulesOf(shown)
  return [
    ...rowsOfHeader(header, rules),
    rowOfSignature(header, detail),
    ...rowsOfClaims(claims, rules),
  ]
}

function rulesOf(shown: unknown): Rules {
  const text = (name: string): string | undefined => {
    const value = readName(shown, name)
    return typeof value === 'string' ? value : undefined
  }
  const list = (name: string): readonly string[] | undefined => {
    const value = readName(shown, name)
    return Array.isArray(value) ? value.map(String) : undefined
  }
  return {
    issuer: text('issuer'),
    audience: list('audience') ?? [],
    algorithms: list('algorithms') ?? [],
    types: list('types'),
    clockToleranceSeconds: Number(readName(shown, 'clock_tolerance_seconds') ?? 0),
    principal: text('principal') ?? 'sub',
  }
}

/** Each member is judged by the verifier's own code, beside members that are good. */
function rowsOfHeader(header: object, rules: Rules): readonly ClaimRow[] {
  const { algorithms, types } = rules
  const reader = new HeaderReader({
    algorithms,
    types: (types ?? ['JWT', 'at+jwt']).map(normaliseType),
    mayLackType: types === undefined,
  })
  const good = { alg: algorithms[0], typ: types?.[0] }
  const isGood = (name: string): boolean => {
    const one = { ...good, [name]: readName(header, name) }
    const encoded = Buffer.from(JSON.stringify(one)).toString('base64url')
    return typeof reader.read(`${encoded}.e30.`) !== 'string'
  }
  const row = (claim: string, wants: string): ClaimRow => {
    return { claim, says: showFact(readName(header, claim)), wants, ok: isGood(claim) }
  }
  return [
    row('alg', oneOf(algorithms)),
    row('typ', types === undefined ? 'JWT or at+jwt or none' : oneOf(types)),
  ]
}

function rowOfSignature(header: object, detail: Judged | undefined): ClaimRow {
  const says = showFact(readName(header, 'kid'))
  const row = { claim: 'kid', says, wants: 'the key that signed it' }
  if (detail === 'unknown_key' || detail === 'signature') return { ...row, ok: false }
  if (detail === undefined || BEFORE_SIGNATURE.has(detail)) {
    return { ...row, wants: `${row.wants} (not checked)` }
  }
  return { ...row, ok: true }
}

function rowsOfClaims(
  claims: Readonly<Record<string, unknown>>,
  rules: Rules,
): readonly ClaimRow[] {
  const { issuer, audience, principal } = rules
  const now = Date.now()
  const expected = { ...rules, maxTokenAgeSeconds: undefined, requiredClaims: [] }
  const good = { iss: issuer, aud: audience[0], exp: now / 1000 + IN_AN_HOUR_S }
  const isGood = (name: string): boolean => {
    const one = Object.fromEntries(
      Object.entries({ ...good, [name]: claims[name] }).filter(([, value]) => value !== undefined),
    )
    const found = checkClaims(one, expected, now)
    return typeof found !== 'string' && 'claims' in found
  }
  const row = (claim: string, wants: string): ClaimRow => {
    return { claim, says: showFact(claims[claim]), wants, ok: isGood(claim) }
  }
  const timed = (claim: string, wants: string): ClaimRow => {
    const value = claims[claim]
    const says = typeof value === 'number' ? showTime(value * 1000, now) : showFact(value)
    return { ...row(claim, wants), says }
  }
  const named = readPath(claims, principal)
  return [
    row('iss', issuer === undefined ? 'any' : showFact(issuer)),
    row('aud', oneOf(audience)),
    ...(claims['azp'] === undefined
      ? []
      : [{ claim: 'azp', says: showFact(claims['azp']), wants: 'any' }]),
    timed('exp', 'in the future'),
    timed('nbf', 'in the past, or none'),
    ...['typ', 'token_use']
      .filter((name) => claims[name] !== undefined)
      .map((name) => ({ ...row(name, 'that of an access token'), claim: `${name} (claim)` })),
    row('cnf', 'none, since it is a Bearer token'),
    {
      claim: principal,
      says: showFact(named),
      wants: 'the name of the caller',
      ok: typeof named === 'string' && named !== '',
    },
  ]
}

function oneOf(texts: readonly string[]): string {
  const shown = texts.slice(0, MOST_NAMED).map((text) => showFact(text))
  const left = texts.length - shown.length
  return [...shown, ...(left > 0 ? [`${left} others`] : [])].join(' or ')
}
