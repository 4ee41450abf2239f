import { AuthUnavailableError } from '../errors.ts'
import type { Check } from '../request/check.ts'

// What a gateway says in place of an endpoint that does not answer it.
const GATEWAY_STATUSES: ReadonlySet<number | undefined> = new Set([502, 503, 504])

/** Whether the endpoint gave no answer, or a gateway answered in its place. A 500 or a 429 is an answer. */
export function isOutage(error: unknown): boolean {
  if (!(error instanceof AuthUnavailableError)) return false
  if (error.reason === 'timeout' || error.reason === 'unreachable') return true
  return error.reason === 'service_error' && GATEWAY_STATUSES.has(error.status)
}

/** Whether another attempt may help: the call gave no response at all, or a gateway's. */
export function isWorthRetrying(error: unknown): error is AuthUnavailableError {
  if (!(error instanceof AuthUnavailableError)) return false
  if (error.reason === 'unreachable') return error.status === undefined
  return error.reason === 'service_error' && GATEWAY_STATUSES.has(error.status)
}

/** Remembers for a while that the endpoint failed. */
export interface RecentOutage {
  readonly note: () => void
  /** The endpoint gave a verdict. */
  readonly noteAnswer: () => void
  readonly isRecent: () => boolean
  /**
   * Whether the end of a check shows that the endpoint fails. A check that waited for its call has less time for it. Its
   * timeout counts only if the endpoint answered no other check since it began to wait: a caller could fill the queue to cause
   * it.
   */
  readonly isShownBy: (error: unknown, check: Pick<Check, 'attempts' | 'waitedSince'>) => boolean
}

export function createRecentOutage(windowMs: number, now: () => number): RecentOutage {
  let notedAt = -Infinity
  let answeredAt = -Infinity
  return {
    note: () => {
      notedAt = now()
    },
    noteAnswer: () => {
      answeredAt = now()
    },
    isRecent: () => now() - notedAt < windowMs,
    isShownBy: (error, { attempts, waitedSince }) => {
      if (attempts === 0 || !isOutage(error)) return false
      return !isTimeout(error) || waitedSince === undefined || answeredAt < waitedSince
    },
  }
}

/**
 * Whether an expired decision may stand in: the endpoint failed lately. A caller must not be able to cause that alone, by
 * filling the queue, to be served a decision that was revoked.
 */
export function permitsStale(
  error: unknown,
  { isRecent }: Pick<RecentOutage, 'isRecent'>,
): boolean {
  if (!(error instanceof AuthUnavailableError)) return false
  if (error.reason === 'circuit_open') return true
  return (error.reason === 'overloaded' || isOutage(error)) && isRecent()
}

function isTimeout(error: unknown): boolean {
  return error instanceof AuthUnavailableError && error.reason === 'timeout'
}
