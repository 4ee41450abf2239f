import { AuthUnavailableError } from '../errors.ts'

/** How long a failure counts, for the circuit breaker and for decisions that stand in. */
export const OUTAGE_WINDOW_MS = 10_000

// A gateway sends these if the endpoint gives it no response.
const GATEWAY_STATUSES: ReadonlySet<number | undefined> = new Set([502, 503, 504])

/** Whether the endpoint gave no response, or a gateway responded in its place. A 500 or a 429 is a response. */
export function isOutage(error: unknown): error is AuthUnavailableError {
  return isUnavailable(error, 'timeout') || isUnavailable(error, 'unreachable') || isGateway(error)
}

/** Whether another attempt may help: the call gave no response at all, or a gateway's. */
export function isWorthRetrying(error: unknown): error is AuthUnavailableError {
  if (isUnavailable(error, 'unreachable')) return error.status === undefined
  return isGateway(error)
}

/**
 * Like `RecentOutage.permitsStale`, for `firstOf` and for a verifier that answers from memory. `overloaded` and `timeout` do not count: a full
 * queue, or one slow member, says nothing about the member that was asked.
 */
export function permitsStaleOfLocal(error: unknown): boolean {
  if (isAboutToken(error)) return false
  return (
    isUnavailable(error, 'circuit_open') || isUnavailable(error, 'unreachable') || isGateway(error)
  )
}

// An allow of a token whose key is unknown now came under a key that has been withdrawn since.
function isAboutToken(error: unknown): boolean {
  return error instanceof AuthUnavailableError && error.detail !== undefined
}

/** Remembers for a while that the endpoint failed. */
export class RecentOutage {
  readonly #hasCircuit: boolean
  readonly #noted = new WeakSet<AuthUnavailableError>()
  #notedAt = -Infinity
  #answeredAt = -Infinity

  /** @param hasCircuit Whether a circuit tells when checks fail for more than one token. Otherwise one failure is enough. */
  constructor(hasCircuit: boolean) {
    this.#hasCircuit = hasCircuit
  }

  note(now: number): void {
    this.#notedAt = now
  }

  /** Notes the error of a check by which an outage is shown. */
  noteFailure(error: AuthUnavailableError, now: number): void {
    this.#noted.add(error)
    if (!this.#hasCircuit) this.note(now)
  }

  /** Whether the error of a check showed an outage, to it or to the one whose call it shared. */
  hasNoted(error: unknown): boolean {
    return error instanceof AuthUnavailableError && this.#noted.has(error)
  }

  /** The endpoint gave a verdict. */
  noteAnswer(now: number): void {
    this.#answeredAt = now
  }

  isRecent(now: number): boolean {
    return now - this.#notedAt < OUTAGE_WINDOW_MS
  }

  /**
   * Whether an expired decision may stand in: the endpoint failed lately. A caller that fills the queue, or opens the circuit of unknown
   * tokens, must not cause it.
   */
  permitsStale(error: unknown, now: number): boolean {
    if (isAboutToken(error)) return false
    if (this.hasNoted(error)) return true
    const isRefused = isUnavailable(error, 'overloaded') || isUnavailable(error, 'circuit_open')
    return (isRefused || isOutage(error)) && this.isRecent(now)
  }

  /**
   * Whether the end of a check shows that the endpoint fails. A check that waited for its call had less time for it, and a
   * caller could cause that by filling the queue. Its timeout counts only if the endpoint has answered no check since then.
   */
  isShownBy(
    error: unknown,
    attempts: number,
    waitedSince: number | undefined,
  ): error is AuthUnavailableError {
    if (attempts === 0 || !isOutage(error)) return false
    if (waitedSince === undefined || !isUnavailable(error, 'timeout')) return true
    return this.#answeredAt < waitedSince
  }
}

export function isUnavailable(
  error: unknown,
  reason: AuthUnavailableError['reason'],
): error is AuthUnavailableError {
  return error instanceof AuthUnavailableError && error.reason === reason
}

function isGateway(error: unknown): error is AuthUnavailableError {
  return isUnavailable(error, 'service_error') && GATEWAY_STATUSES.has(error.status)
}
