import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { allowByClaims } from '../claims.ts'
import { isOtherKind } from '../token-kind.ts'
import type { DenyDetail } from '../../core/types.ts'
import type { Verdict } from '../../core/verifier.ts'
import type { Claims, ClaimsMapping } from '../claims.ts'

/** The rules for an answer beside `active`. */
export interface AnswerRules extends ClaimsMapping {
  /** One of these must be in `aud`. */
  readonly audience: readonly string[] | undefined
  readonly allowMissingAudience: boolean
  readonly issuer: string | undefined
}

const NOT_BEFORE_TOLERANCE_S = 5

/** The verdict of an introspection response (RFC 7662 §2.2). Throws `AuthUnavailableError` for one that is not to the standard. */
export function judgeAnswer(answer: unknown, rules: AnswerRules): Verdict {
  const active = readName(answer, 'active')
  if (active === false) return deny('inactive')
  // The text "false" is true to a program that does not look closely.
  if (active !== true || !isRecord(answer)) throw invalid('no "active" that is true or false')
  const exp = readTime(answer, 'exp')
  const nbf = readTime(answer, 'nbf')
  const now = Date.now() / 1000
  const detail = typeFault(answer) ?? issuerFault(answer, rules) ?? audienceFault(answer, rules)
  if (detail !== undefined) return deny(detail)
  if (exp !== undefined && exp <= now) return deny('expired')
  if (nbf !== undefined && nbf > now + NOT_BEFORE_TOLERANCE_S) {
    return { ...deny('not_yet_valid'), maxAgeMs: 0 }
  }
  const verdict = allowByClaims(answer, rules)
  if (verdict.outcome === 'deny' || exp === undefined) return verdict
  return { ...verdict, expiresAt: exp * 1000 }
}

function deny(detail: DenyDetail): Verdict {
  return { outcome: 'deny', detail }
}

function readTime(answer: Claims, name: 'exp' | 'nbf'): number | undefined {
  const value = readName(answer, name)
  if (value === undefined || (typeof value === 'number' && Number.isFinite(value * 1000)))
    return value
  throw invalid(`an "${name}" that is no number`)
}

function invalid(what: string): AuthUnavailableError {
  const explanation = `the introspection endpoint sent ${what}`
  return new AuthUnavailableError('invalid_response', { explanation })
}

function typeFault(answer: Claims): DenyDetail | undefined {
  if (isOtherKind(answer)) return 'type'
  // A bound token that comes as a Bearer token may be a stolen one (RFC 9449 §7.2, RFC 8705 §3). `cnf` says that it is bound (RFC
  // 9449 §6.2), while `token_type` (RFC 7662 §2.2) says only which scheme it was issued for.
  return readName(answer, 'cnf') === undefined ? undefined : 'bound'
}

function issuerFault(answer: Claims, { issuer }: AnswerRules): DenyDetail | undefined {
  const iss = readName(answer, 'iss')
  return issuer === undefined || iss === undefined || iss === issuer ? undefined : 'issuer'
}

function audienceFault(
  answer: Claims,
  { audience, allowMissingAudience }: AnswerRules,
): DenyDetail | undefined {
  if (audience === undefined) return undefined
  const aud = readName(answer, 'aud')
  const named: readonly unknown[] = Array.isArray(aud) ? aud : [aud]
  // Hydra writes "none" as an empty list.
  const isMissing = aud === undefined || named.length === 0
  if (isMissing && allowMissingAudience) return undefined
  return audience.some((one) => named.includes(one)) ? undefined : 'audience'
}
