import { isRecord, readName } from '../core/endpoint/claim-path.ts'
import { quote } from '../verifiers/ask.ts'
import { isOtherKind } from '../verifiers/token-kind.ts'
import type { DenyDetail } from '../core/types.ts'

interface ClaimRules {
  /** `undefined` if any will do. */
  readonly issuer: string | undefined
  /** One of them must be in `aud`. */
  readonly audience: readonly string[]
  readonly clockToleranceSeconds: number
  /** By `iat`. */
  readonly maxTokenAgeSeconds: number | undefined
  readonly requiredClaims: readonly string[]
}

/** Claims of a token that may be used, with the end of the token in milliseconds since 1970. */
interface GoodClaims {
  readonly claims: Readonly<Record<string, unknown>>
  readonly expiresAt: number
}

/** Why the token is denied, or the claim that it lacks. */
type Fault = DenyDetail | { readonly missing: string }

/** Checks the payload of a token whose signature is good, or says why the token is denied. */
export function checkClaims(payload: unknown, rules: ClaimRules, now: number): GoodClaims | Fault {
  if (!isRecord(payload)) return 'malformed'
  if (isOtherKind(payload)) return 'type'
  const detail = checkParties(payload, rules) ?? checkTimes(payload, rules, now / 1000)
  if (detail !== undefined) return detail
  // Only the holder of a key may use such a token (RFC 9449 §6, RFC 8705 §3.1). Accepting it as a bearer token undoes that.
  if (Object.hasOwn(payload, 'cnf')) return 'bound'
  const missing = rules.requiredClaims.find((name) => isAbsent(readName(payload, name)))
  if (missing !== undefined) return { missing }
  // The tolerance is for the check. The token is not used longer than it says.
  return { claims: payload, expiresAt: endOf(payload, rules) * 1000 }
}

/** The end of a token by `exp`, or by its greatest age if that is earlier. */
function endOf(payload: object, { maxTokenAgeSeconds }: ClaimRules): number {
  const exp = Number(readName(payload, 'exp'))
  if (maxTokenAgeSeconds === undefined) return exp
  return Math.min(exp, Number(readName(payload, 'iat')) + maxTokenAgeSeconds)
}

function checkParties(payload: object, { issuer, audience }: ClaimRules): DenyDetail | undefined {
  const iss = readName(payload, 'iss')
  const isOther = issuer !== undefined && iss !== issuer
  if (isOther) return typeof iss === 'string' || iss === undefined ? 'issuer' : 'malformed'
  const aud = readName(payload, 'aud')
  if (aud === undefined) return 'audience'
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  if (!named.every((one) => typeof one === 'string')) return 'malformed'
  return audience.some((one) => named.includes(one)) ? undefined : 'audience'
}

function checkTimes(payload: object, rules: ClaimRules, now: number): Fault | undefined {
  const { clockToleranceSeconds: tolerance, maxTokenAgeSeconds } = rules
  const [exp, nbf, iat] = ['exp', 'nbf', 'iat'].map((name) => readName(payload, name))
  if (exp === undefined) return { missing: 'exp' }
  if (!isTime(exp)) return 'malformed'
  if (exp <= now - tolerance) return 'expired'
  if (nbf !== undefined && !isTime(nbf)) return 'malformed'
  if (nbf !== undefined && nbf > now + tolerance) return 'not_yet_valid'
  if (iat !== undefined && !isTime(iat)) return 'malformed'
  if (maxTokenAgeSeconds === undefined) return undefined
  if (iat === undefined) return { missing: 'iat' }
  if (iat > now + tolerance) return 'not_yet_valid'
  return now - iat - tolerance > maxTokenAgeSeconds ? 'expired' : undefined
}

// JSON has no infinity, and `1e999` becomes one. In milliseconds it must be finite too.
function isTime(value: unknown): value is number {
  return typeof value === 'number' && Number.isFinite(value * 1000)
}

function isAbsent(value: unknown): boolean {
  return value === undefined || value === null
}

const MOST_NAMED = 3

/** Says which issuer or audience a token names instead of ours. Call it only after the signature was verified. */
export function explainMisfit(
  fault: DenyDetail,
  claims: unknown,
  { issuer, audience }: ClaimRules,
): string | undefined {
  if (fault === 'issuer')
    return `its "iss" is ${nameAll(readName(claims, 'iss'))}, "issuer" is ${nameAll(issuer)}`
  if (fault !== 'audience') return undefined
  return `its "aud" is ${nameAll(readName(claims, 'aud'))}, "audience" is ${nameAll(audience)}`
}

function nameAll(value: unknown): string {
  if (value === undefined) return 'missing'
  const all: readonly unknown[] = [value].flat()
  if (all.length === 0) return 'an empty list'
  const named = all.slice(0, MOST_NAMED).map(quote)
  const left = all.length - named.length
  return [...named, ...(left > 0 ? [`${left} more`] : [])].join(' or ')
}
