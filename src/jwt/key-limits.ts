import { orAborted } from '../core/async.ts'
import { AuthUnavailableError } from '../core/errors.ts'
import type { Clock } from '../core/runtime.ts'

const BURST = 5
const REFILL_MS = 6000
const MOST_WAITING = 256
// The place of a request is kept until a moment after its wait must have ended.
const GRACE_MS = 250

/**
 * No fetch is left for a key that is not among the fetched ones, or too many requests wait for one. One error for all, since
 * capturing a stack costs more than the rest.
 */
export const KEY_NOT_SEARCHED: AuthUnavailableError = new AuthUnavailableError('overloaded', {
  detail: 'unknown_key',
  retryAfterMs: REFILL_MS,
})
const CROWDED = new AuthUnavailableError('overloaded')

/**
 * The most that tokens may cost, however many keys they name: five fetches at once for unknown keys, and one more each six seconds; and 256
 * requests that wait for keys.
 */
export class KeyLimits {
  readonly #now: Clock['now']
  readonly #longestMs: number
  /** When each waiting request must have ended. */
  readonly #places = new Set<{ readonly until: number }>()
  /** When all fetches that have been taken are refilled. */
  #refilledAt = -Infinity

  constructor(now: Clock['now'], longestMs: number) {
    this.#now = now
    this.#longestMs = longestMs + GRACE_MS
  }

  /** Takes a fetch for an unknown key. Returns `false` if none is left. */
  takeFetch(): boolean {
    const now = this.#now()
    const refilledAt = Math.max(now, this.#refilledAt) + REFILL_MS
    if (refilledAt - now > BURST * REFILL_MS) return false
    this.#refilledAt = refilledAt
    return true
  }

  /** Whether one more request may wait. */
  hasRoom(): boolean {
    if (this.#places.size < MOST_WAITING) return true
    // On Workers a request can end without a trace.
    for (const place of this.#places) if (place.until <= this.#now()) this.#places.delete(place)
    return this.#places.size < MOST_WAITING
  }

  /** Waits for a promise, or until the signal aborts. Rejects as `overloaded` without room. */
  async wait<Value>(pending: Promise<Value>, signal: AbortSignal): Promise<Value> {
    if (!this.hasRoom()) throw CROWDED
    const place = { until: this.#now() + this.#longestMs }
    this.#places.add(place)
    try {
      return await orAborted(pending, signal)
    } finally {
      this.#places.delete(place)
    }
  }
}
