import { AuthUnavailableError, isDenyDetail, isUnavailableReason, thrownBehind } from '../errors.ts'
import { findErrorCode, kindOf, ShowableError, shownReason, shownText } from '../redaction.ts'
import type { DenialReason, DenyDetail } from '../types.ts'

/** Why a request is rejected, and what is known about that. */
export interface Failure {
  readonly reason: DenialReason
  readonly retryAfterMs?: number | undefined
  /** The status that the endpoint sent instead of a verdict. */
  readonly status?: number | undefined
  /** A code that holds no secret. */
  readonly cause?: string | undefined
  /** The problem in words for the operator, which hold no secret. */
  readonly explanation?: string | undefined
  /** The rule that forbade the request. */
  readonly rule?: number | undefined
  /** `true` for a failure of `authorize`. */
  readonly isAuthorizing?: boolean | undefined
  /** Why a verifier denied, or what is wrong with the token. */
  readonly detail?: DenyDetail | undefined
  /** The request has two different tokens. */
  readonly isConflict?: true | undefined
  /** The thrown value, for `internal_error` and `unreachable`. Only for the observer. */
  readonly error?: unknown
}

/** Describes why a check failed. A bug is an `internal_error`, and so is any other thrown value. Never throws. */
export function failureOf(error: unknown, token: string | undefined): Failure {
  try {
    const known = readFailure(error, token)
    if (known !== undefined) return known
  } catch {
    // A subclass of the error may have getters that throw.
  }
  const message = ShowableError.messageOf(error)
  const mistake = message === undefined ? kindOf(error) : `${kindOf(error)}: ${message}`
  return { reason: 'internal_error', error, explanation: shownText(mistake, [token]) }
}

function readFailure(error: unknown, token: string | undefined): Failure | undefined {
  if (!(error instanceof AuthUnavailableError)) return undefined
  const { reason, retryAfterMs, status } = error
  if (!isUnavailableReason(reason)) return undefined
  // Most have no error behind them, and an outage makes many.
  const code = error.cause === undefined ? undefined : findErrorCode(error.cause)
  const cause = code === undefined ? undefined : shownText(code, [token])
  const detail = isDenyDetail(error.detail) ? error.detail : undefined
  const { explanation: said } = error
  const explanation = typeof said === 'string' ? shownReason(said, [token]) : undefined
  return { reason, retryAfterMs, status, detail, cause, explanation, error: thrownBehind(error) }
}
