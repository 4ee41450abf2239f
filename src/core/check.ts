import type { Question } from './types.ts'
import type { CheckedVerdict } from './verdict.ts'

/** One check of one request: what is asked, and what happened on the way to the verdict. */
export interface Check {
  readonly question: Question
  /** How often the endpoint was asked. */
  attempts: number
  /** The status of its last answer. */
  endpointStatus: number | undefined
}

/** Answers a check in bounded time. A verdict is returned; not getting one is thrown as `AuthUnavailableError`. */
export type Verifier = (check: Check) => Promise<CheckedVerdict>

/** Answers a check until the signal aborts. Only a deadline makes a {@link Verifier} of it. */
export type TimedVerifier = (
  check: Check,
  signal: AbortSignal,
) => CheckedVerdict | Promise<CheckedVerdict>
