import { isWorthRetrying } from '../outage.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { RetryConfig } from '../../auth-config.ts'

const MIN_DELAY_MS = 50
const MAX_DELAY_MS = 250
const WINDOW_MS = 10_000
const MAX_RATIO = 0.1
// A quiet instance must be able to retry too: the endpoint may have closed a keep-alive connection.
const ALWAYS_FREE = 10

/** Says when to ask again, after no response or a gateway's. At most ten retries in 10 s, or a tenth of the calls if that is more. */
export class Retries {
  readonly #attempts: number
  readonly #random: () => number
  readonly #calls = new SlidingWindow(WINDOW_MS)
  readonly #retries = new SlidingWindow(WINDOW_MS)

  constructor({ attempts }: Required<RetryConfig>, random: () => number) {
    this.#attempts = attempts
    this.#random = random
  }

  noteCall(now: number): void {
    this.#calls.add(now)
  }

  /** How long to wait before the call asks again. `undefined`: not at all. */
  delayBefore(error: unknown, attempts: number, deadline: number, now: number): number | undefined {
    if (attempts > this.#attempts || !isWorthRetrying(error)) return undefined
    const most = Math.max(ALWAYS_FREE, this.#calls.total(now) * MAX_RATIO)
    if (this.#retries.total(now) >= most) return undefined
    const jitteredMs = MIN_DELAY_MS + this.#random() * (MAX_DELAY_MS - MIN_DELAY_MS)
    const delayMs = Math.max(error.retryAfterMs ?? 0, jitteredMs)
    if (now + delayMs >= deadline) return undefined
    this.#retries.add(now)
    return delayMs
  }
}
