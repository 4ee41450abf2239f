import { AuthUnavailableError } from '../errors.ts'
import type { CircuitState } from './failures/circuit-breaker.ts'
import type { Slot } from './slots/slots.ts'
import type { Ask, ParsedVerdict } from '../endpoint/verdict.ts'
import type { Check, CheckFacts } from '../request/check.ts'

/** The question of a call, and its time. */
export interface CallStart {
  readonly check: Check
  readonly facts: CheckFacts
  /** A time of the clock that never jumps. */
  readonly deadline: number
  readonly now: number
  /** When its check began to wait for another call, so that it has less time for its own. */
  readonly waitedSince?: number | undefined
}

/** Settles the promise of a call. */
interface Settle {
  readonly resolve: (verdict: ParsedVerdict) => void
  readonly reject: (error: unknown) => void
}

/** The time of one call: one timer, and one signal. */
class Deadline {
  readonly #controller = new AbortController()
  readonly #expire: () => void
  // Not AbortSignal.timeout(): on Node it costs ten times as much, and it cannot be cleared.
  #timer: ReturnType<typeof setTimeout>

  /** @param expire Called a turn after the signal has aborted. */
  constructor(ms: number, expire: () => void) {
    this.#expire = expire
    this.#timer = setTimeout(() => this.#abort(), ms)
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

/** A call that has begun. */
export interface Call extends Omit<CallStart, 'now'> {
  readonly ask: Ask
  readonly token: string
  readonly isKnown: boolean
  readonly time: Deadline
  readonly settle: Settle
  waitedSince?: number | undefined
  slot: Slot | undefined
  circuit: CircuitState | undefined
  isSettled: boolean
}

/** Each property by name: on Node 20 a spread of the start costs half as much as the rest of a call. */
export function createCall(
  { check, facts, deadline, now, waitedSince }: CallStart,
  ask: Ask,
  isKnown: boolean,
  settle: Settle,
  expire: () => void,
): Call {
  const { token } = check
  const time = new Deadline(deadline - now, expire)
  return {
    check,
    facts,
    deadline,
    waitedSince,
    ask,
    token,
    isKnown,
    time,
    settle,
    slot: undefined,
    circuit: undefined,
    isSettled: false,
  }
}
