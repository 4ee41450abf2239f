import { sleep } from '../async.ts'
import { adoptUnavailable, AuthUnavailableError } from '../errors.ts'
import type { ParsedVerdict } from '../endpoint/verdict.ts'

/** How an attempt ended. */
export type CallEnd = { readonly verdict: ParsedVerdict } | { readonly error: unknown }

/** The time of one call: one timer, and one signal. */
export class Deadline {
  /** A time of the clock that never jumps. */
  readonly at: number
  readonly #controller = new AbortController()
  // Not AbortSignal.timeout(): on Node it costs ten times as much, and it cannot be cleared.
  #timer: ReturnType<typeof setTimeout>
  #expire: (() => void) | undefined
  /** The attempt that was given up. It may go on for a while. */
  givenUp: Promise<unknown> | undefined

  constructor(at: number, now: number) {
    this.at = at
    this.#timer = setTimeout(() => this.#abort(), at - now)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  /** How a promise ends, or a `timeout` a turn after the signal has aborted. Never rejects. */
  race(pending: Promise<ParsedVerdict>): Promise<CallEnd> {
    return new Promise((resolve) => {
      // Here, so that the rest of the core sees errors of our class.
      const fail = (error: unknown): void => resolve({ error: adoptUnavailable(error) })
      this.#expire = () => {
        this.givenUp = pending
        fail(new AuthUnavailableError('timeout'))
      }
      void pending.then((verdict) => resolve({ verdict }), fail)
    })
  }

  /** Waits, at most until the signal aborts. */
  sleep(ms: number): Promise<void> {
    return sleep(ms, this.signal)
  }

  /** The error of a call. After the deadline it is a `timeout`. */
  failureOf(error: unknown): unknown {
    // A response whose body did not end is still a response.
    const isResponse = error instanceof AuthUnavailableError && error.status !== undefined
    return this.signal.aborted && !isResponse ? new AuthUnavailableError('timeout') : error
  }

  clear(): void {
    clearTimeout(this.#timer)
  }

  #abort(): void {
    this.#controller.abort()
    // One more turn, for a verdict that only waits for a body that no longer matters.
    this.#timer = setTimeout(() => this.#expire?.(), 0)
  }
}
