import { AuthUnavailableError } from './errors.ts'

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
  readonly isRecent: () => boolean
}

export function createRecentOutage(windowMs: number, now: () => number): RecentOutage {
  let notedAt = -Infinity
  return {
    note: () => {
      notedAt = now()
    },
    isRecent: () => now() - notedAt < windowMs,
  }
}

/**
 * Whether a verdict that has expired may stand in: the endpoint did not answer, or was not asked. That too many checks
 * wait is no outage of the endpoint, unless it failed lately: callers could fill the queue themselves.
 */
export function permitsStale(error: unknown, { isRecent }: RecentOutage): boolean {
  if (isOutage(error)) return true
  if (!(error instanceof AuthUnavailableError)) return false
  return error.reason === 'circuit_open' || (error.reason === 'overloaded' && isRecent())
}
