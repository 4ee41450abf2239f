import { createUnreachable } from '../core/endpoint/send.ts'
import { orAborted, orLost, within } from '../core/async.ts'
import { adoptUnavailable, AuthUnavailableError } from '../core/errors.ts'
import type { VerifierRun } from '../core/verifier.ts'
import type { Clock } from '../core/runtime.ts'

/** Makes one try. Throws `AuthUnavailableError` if there is nothing to use, and is given up when the signal aborts. */
export type Attempt<Value> = (signal: AbortSignal, run: VerifierRun) => Promise<Value>

export type TriesClock = Pick<Clock, 'now' | 'wallNow'>

/** When a try began, by both clocks. */
export interface Moment {
  /** Tries are numbered, since two may begin at one time by a clock that is coarse. */
  readonly number: number
  readonly now: number
  readonly wall: number
}

export interface TriesOptions<Value> {
  readonly attempt: Attempt<Value>
  /** The time of one try. */
  readonly timeoutMs: number
  /** Gets the value of a good try with the time at which it began, before the try ends. */
  readonly onGood: (value: Value, askedAt: Moment, run: VerifierRun) => void
  readonly onFailure: (error: AuthUnavailableError, run: VerifierRun) => void
}

export type Outcome<Value> = Value | AuthUnavailableError

/** One try. On Workers it is lost with the request that started it, and never ends. */
export interface Try<Value> {
  readonly startedAt: number
  readonly ended: Promise<Outcome<Value>>
}

interface Begun {
  readonly at: Moment
  readonly run: VerifierRun
}

const FIRST_PAUSE_MS = 1000
const MAX_PAUSE_MS = 30_000
// Until the issuer has started, no caller gets in.
const MAX_FIRST_PAUSE_MS = 5000

/**
 * Tries to fetch keys or metadata: shared by requests, and after failures with pauses of 1, 2, 4 … 30 s between them, or of 5 s at most
 * while no try was ever good. Pauses are times and no timers, since the timers of a Worker end with their request.
 */
export class Tries<Value> {
  readonly #options: TriesOptions<Value>
  readonly #clock: TriesClock
  #newest: Try<Value> | undefined
  #count = 0
  #lastGood = 0
  /** The last try of those whose failure has been counted. */
  #counted = 0
  #failures = 0
  #failedAt = 0
  #nextAt = -Infinity
  #lastError: AuthUnavailableError | undefined

  constructor(options: TriesOptions<Value>, clock: TriesClock) {
    this.#options = options
    this.#clock = clock
  }

  /** Why the last try failed. `undefined` after a good one. */
  get lastError(): AuthUnavailableError | undefined {
    return this.#lastError
  }

  /** Whether a try has failed a short while ago, and none was good since. */
  get isOutage(): boolean {
    const sinceMs = this.#clock.now() - this.#failedAt
    return this.#failures > 0 && sinceMs < MAX_PAUSE_MS + this.#options.timeoutMs
  }

  /** How many tries have begun, whatever became of them. */
  get count(): number {
    return this.#count
  }

  /** Whether the next try must wait, since the last ones have failed. */
  get isPaused(): boolean {
    return this.#clock.now() < this.#nextAt
  }

  /** The try that other requests may wait for. */
  underWay(): Try<Value> | undefined {
    const { timeoutMs } = this.#options
    const isLost = (one: Try<Value>): boolean => this.#clock.now() - one.startedAt >= timeoutMs
    return this.#newest === undefined || isLost(this.#newest) ? undefined : this.#newest
  }

  /** Starts a try, or returns `undefined` in a pause. */
  start(run: VerifierRun): Try<Value> | undefined {
    if (this.isPaused) return undefined
    const now = this.#clock.now()
    this.#count += 1
    const begun = { at: { number: this.#count, now, wall: this.#clock.wallNow() }, run }
    const ended = this.#attempt(begun).finally(() => {
      if (this.#newest?.ended === ended) this.#newest = undefined
    })
    this.#newest = { startedAt: now, ended }
    run.waitUntil?.(ended)
    return this.#newest
  }

  /** Waits for a try that another request may have started: for `part` of its time at most, since it may be lost. */
  waitFor({ ended }: Try<Value>, part: number): Promise<Outcome<Value> | undefined> {
    return within(part * this.#options.timeoutMs, orLost(ended))
  }

  async #attempt(begun: Begun): Promise<Outcome<Value>> {
    const { attempt, timeoutMs } = this.#options
    // Of its own, so that no caller who leaves ends it for others.
    const abort = new AbortController()
    const timer = setTimeout(() => abort.abort(), timeoutMs)
    try {
      const value = await orAborted(attempt(abort.signal, begun.run), abort.signal)
      this.#succeed(value, begun)
      return value
    } catch (error) {
      const known = adoptUnavailable(error)
      const failure = known instanceof AuthUnavailableError ? known : createUnreachable(error)
      this.#fail(failure, begun)
      return failure
    } finally {
      clearTimeout(timer)
    }
  }

  #succeed(value: Value, { at, run }: Begun): void {
    const { number } = at
    // A try that began later has succeeded, and its keys may be newer.
    if (number < this.#lastGood) return
    this.#lastGood = number
    this.#failures = 0
    this.#nextAt = -Infinity
    this.#lastError = undefined
    this.#options.onGood(value, at, run)
  }

  #fail(error: AuthUnavailableError, { at: { number }, run }: Begun): void {
    if (number < this.#lastGood) return
    this.#lastError = error
    this.#options.onFailure(error, run)
    // Tries that were under way at once count as one.
    if (number <= this.#counted) return
    this.#counted = this.#count
    this.#failedAt = this.#clock.now()
    const pauseMs = Math.max(FIRST_PAUSE_MS * 2 ** this.#failures, error.retryAfterMs ?? 0)
    const longestMs = this.#lastGood === 0 ? MAX_FIRST_PAUSE_MS : MAX_PAUSE_MS
    this.#nextAt = this.#failedAt + Math.min(pauseMs, longestMs)
    this.#failures += 1
  }
}
