import { AuthUnavailableError } from '../errors.ts'

/** The time of one call: one timer, and one signal. */
export class Deadline {
  /** A time of the clock that never jumps. */
  readonly at: number
  readonly #controller = new AbortController()
  readonly #expire: () => void
  // Not AbortSignal.timeout(): on Node it costs ten times as much, and it cannot be cleared.
  #timer: ReturnType<typeof setTimeout>

  /** @param expire Called a turn after the signal has aborted. */
  constructor(at: number, now: number, expire: () => void) {
    this.at = at
    this.#expire = expire
    this.#timer = setTimeout(() => this.#abort(), at - now)
  }

  get signal(): AbortSignal {
    return this.#controller.signal
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
    this.#timer = setTimeout(this.#expire, 0)
  }
}
