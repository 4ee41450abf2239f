import { findCause } from '../error-code.ts'
import { shownReason, shownText } from '../response/shown-facts.ts'
import type { Failure } from '../response/alarm.ts'
import type { DenialReason } from '../types.ts'
import {
  AuthUnavailableError,
  isDenyDetail,
  isUnavailableReason,
  showableMessage,
} from '../errors.ts'
import { kindOf } from '../response/events.ts'

/** The errors that `fetch` rejected with. They may hold the token, so they are not in the error, which programs log. */
const THROWN = new WeakMap<AuthUnavailableError, unknown>()

/**
 * Makes the error for a `fetch` that rejected. It holds only the code of the thrown error.
 *
 * @param explanation For another function than `fetch`.
 */
export function createUnreachable(thrown: unknown, explanation?: string): AuthUnavailableError {
  const code = findCause(thrown)
  const details = code === undefined ? {} : { cause: { code } }
  const error = new AuthUnavailableError('unreachable', { ...details, explanation })
  THROWN.set(error, thrown)
  return error
}

/** The error that `fetch` rejected with, for the observer only. */
export function thrownBehind(error: AuthUnavailableError): unknown {
  return THROWN.get(error)
}

type KnownFailure = Failure & { readonly reason: DenialReason }

/** Describes why a check failed. A bug is an `internal_error`, and so is any other thrown value. Never throws. */
export function failureOf(error: unknown, token: string | undefined): KnownFailure {
  try {
    const known = readFailure(error, token)
    if (known !== undefined) return known
  } catch {
    // A subclass of the error may have getters that throw.
  }
  const message = showableMessage(error)
  const mistake = message === undefined ? kindOf(error) : `${kindOf(error)}: ${message}`
  return { reason: 'internal_error', error, explanation: shownText(mistake, [token]) }
}

function readFailure(error: unknown, token: string | undefined): KnownFailure | undefined {
  if (!(error instanceof AuthUnavailableError)) return undefined
  const { reason, retryAfterMs, status } = error
  if (!isUnavailableReason(reason)) return undefined
  // Most have no error behind them, and an outage makes many.
  const code = error.cause === undefined ? undefined : findCause(error.cause)
  const cause = code === undefined ? undefined : shownText(code, [token])
  const detail = isDenyDetail(error.detail) ? error.detail : undefined
  const { explanation: said } = error
  const explanation = typeof said === 'string' ? shownReason(said, [token]) : undefined
  return { reason, retryAfterMs, status, detail, cause, explanation, error: thrownBehind(error) }
}
