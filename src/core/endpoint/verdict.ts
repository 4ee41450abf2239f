import { faultMessage } from './identity-faults.ts'
import { isRecord, readName } from './claim-path.ts'
import { parseIdentity } from './identity.ts'
import { adoptUnavailable, isDenyDetail } from '../errors.ts'
import { shownReason, kindOf, ShowableError } from '../redaction.ts'
import type { OnFault } from './identity-faults.ts'
import type { BodyResult } from './response-body.ts'
import type { Check, CheckFacts } from '../request/check.ts'
import type { Auth, DenyDetail } from '../types.ts'

/** A verdict whose identity is checked and frozen. */
export type ParsedVerdict = AllowVerdict | DenyVerdict

/** One attempt to get a verdict, as the source of verdicts sees it. */
export interface Attempt {
  /** A time of `Clock.now`. */
  readonly deadline: number
  /** Aborts at the deadline. */
  readonly signal: AbortSignal
  /** The source says with which status it was answered, and who decided. */
  readonly facts: Pick<CheckFacts, 'endpointStatus' | 'verifier'>
}

/** Asks for a verdict, until the signal aborts. Throws `AuthUnavailableError` without one. */
export type Ask = (check: Check, attempt: Attempt) => Promise<ParsedVerdict>

export interface AllowVerdict {
  readonly outcome: 'allow'
  readonly auth: Auth
  /** How long it may be cached; `0`: neither cached nor shared. */
  readonly maxAgeMs?: number
  /** It must not stand in after it has expired. */
  readonly mustRevalidate?: true
  /** How long ago the endpoint was asked, if another instance asked it, in milliseconds. */
  readonly ageMs?: number
  /** Lets other instances take it. Called once it is known that it may be cached. */
  readonly share?: () => void
  readonly error?: undefined
}

export interface DenyVerdict {
  readonly outcome: 'deny'
  /** Whether it may be cached at all: a 404 says that the endpoint is elsewhere, and nothing about the token. */
  readonly isLasting: boolean
  readonly reason?: 'forbidden'
  readonly detail?: DenyDetail | undefined
  /** The problem with the token, for the operator. */
  readonly explanation?: string | undefined
  readonly maxAgeMs?: number | undefined
  readonly ageMs?: undefined
  /** Rejects the request in place of the denial: another verifier, which might have allowed, threw it. */
  readonly error?: unknown
}

/** Whether a verdict rejects this request of a token that is good for others (RFC 9110 §15.5.4). */
export function isForbidden(verdict: ParsedVerdict, endpointStatus: number | undefined): boolean {
  return verdict.outcome === 'deny' && (verdict.reason === 'forbidden' || endpointStatus === 403)
}

const BODY_MUST_BE: Readonly<Record<BodyResult['state'], string>> = {
  complete: 'JSON',
  not_utf8: 'UTF-8',
  too_long: 'at most 64 KiB long',
  broken: 'complete, and it broke off',
  timeout: 'complete, and did not end within "timeoutMs"',
}

/** The value of a JSON text, or `undefined` if it is not JSON. */
export function parseJson(text: string): unknown {
  // Most endpoints send no body, and an error that is thrown and caught costs more than the rest of a check.
  if (text === '') return undefined
  try {
    return JSON.parse(text) as unknown
  } catch {
    return undefined
  }
}

/** The code of a 500 by which an endpoint says that the header `x-auth-secret` is missing or wrong. */
export const ENDPOINT_SECRET = 'endpoint_secret'

const LONGEST_REASON = 512

/** Whether the text of a 500 has that code. Nothing else of the text is used. */
export function asksForSecret(text: string): boolean {
  if (text.length > LONGEST_REASON) return false
  return readName(readName(parseJson(text), 'error'), 'code') === ENDPOINT_SECRET
}

/** The JSON of a 200, or `undefined`. A body that cannot be parsed is a fault only if its content type says JSON. */
export function parseBody(
  body: BodyResult,
  headers: { get(name: string): string | null },
  onFault: OnFault,
): unknown {
  if (body.state === 'complete' && body.text === '') return undefined
  const json = body.state === 'complete' ? parseJson(body.text) : undefined
  if (json === undefined && /[/+]json\b/i.test(String(headers.get('content-type')))) {
    onFault({ field: 'body', expected: BODY_MUST_BE[body.state] })
  }
  return json
}

/**
 * Parses what a custom verifier returned. Throws a `TypeError` if it is not a verdict.
 *
 * @param ignoresTenant Whether the tenant of the verdict may be anything.
 */
export function parseVerdict(value: unknown, token: string, ignoresTenant = false): ParsedVerdict {
  if (!isRecord(value)) throw mistake(`no verdict: ${describe(value)}. ${RETURN}`)
  const outcome = readName(value, 'outcome')
  const maxAgeMs = readName(value, 'maxAgeMs')
  if (maxAgeMs !== undefined && !(typeof maxAgeMs === 'number' && maxAgeMs >= 0)) {
    throw mistake('a verdict with a bad "maxAgeMs"')
  }
  const age = maxAgeMs === undefined ? {} : { maxAgeMs }
  if (outcome === 'deny') return { outcome, isLasting: true, ...parseDenial(value, token), ...age }
  if (outcome !== 'allow') throw mistake(`no known outcome. ${RETURN}`)
  const auth = parseIdentity(value, (fault) => {
    if (ignoresTenant && fault.field === 'tenant') return
    const wrong = faultMessage(fault, token)
    throw mistake(`a malformed identity: ${wrong}`)
  })
  return endBy({ outcome, auth, ...age, ...parseStaleness(value) })
}

const RETURN = "Return { outcome: 'allow' } or { outcome: 'deny' }"

function mistake(what: string): TypeError {
  return new ShowableError(`"verifier" returned ${what}`)
}

/** A text may be the token, so only its type is named. */
function describe(value: unknown): string {
  return typeof value === 'boolean' ? String(value) : kindOf(value)
}

function parseStaleness(value: Record<string, unknown>): Pick<AllowVerdict, 'mustRevalidate'> {
  const mustRevalidate = readName(value, 'mustRevalidate')
  if (mustRevalidate === undefined) return {}
  if (mustRevalidate === true) return { mustRevalidate }
  throw mistake('an allow with a bad "mustRevalidate"')
}

function parseDenial(
  value: Record<string, unknown>,
  token: string,
): Pick<DenyVerdict, 'reason' | 'detail' | 'explanation' | 'error'> {
  const cause = readName(value, 'cause')
  if (cause !== undefined && typeof cause !== 'string') {
    throw mistake('a denial with a bad "cause"')
  }
  const shown = cause === undefined ? undefined : shownReason(cause, [token])
  const error = readName(value, 'error')
  const reason = readName(value, 'reason')
  const detail = readName(value, 'detail')
  if (reason !== undefined && reason !== 'forbidden') {
    throw mistake('a denial with an unknown "reason"')
  }
  if (detail !== undefined && !isDenyDetail(detail)) {
    throw mistake('a denial with an unknown "detail"')
  }
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(detail === undefined ? {} : { detail }),
    ...(shown === undefined ? {} : { explanation: shown }),
    ...(error === undefined ? {} : { error: adoptUnavailable(error) }),
  }
}

/**
 * Lets a verdict be cached and shared until its token ends, and no longer. `expiresAt` is a time of day, and the time to cache
 * is measured by the other clock: either may be set or stand still.
 */
export function endBy(verdict: AllowVerdict): AllowVerdict {
  const { expiresAt } = verdict.auth
  if (expiresAt === undefined) return verdict
  const leftMs = Math.max(0, expiresAt - Date.now())
  return { ...verdict, maxAgeMs: Math.min(verdict.maxAgeMs ?? Infinity, leftMs) }
}
