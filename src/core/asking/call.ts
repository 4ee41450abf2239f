import { CircuitBreaker } from './failures/circuit-breaker.ts'
import { Deadline } from './deadline.ts'
import { isOutage } from './outage.ts'
import { Retries } from './failures/retry.ts'
import { Slots } from './slots/slots.ts'
import { isForbidden } from '../endpoint/verdict.ts'
import { AuthUnavailableError } from '../errors.ts'
import type { CircuitState, OnCircuit } from './failures/circuit-breaker.ts'
import type { CallEnd } from './deadline.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { RecentOutage } from './outage.ts'
import type { Slot } from './slots/slots.ts'
import type { CircuitBreakerConfig, ConcurrencyConfig, RetryConfig } from '../auth-config.ts'
import type { Ask, ParsedVerdict } from '../endpoint/verdict.ts'
import type { Check, CheckFacts } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

/** How a source of verdicts is spared while it fails. */
export interface CallRules {
  readonly retry: false | Required<RetryConfig>
  readonly circuitBreaker: false | Required<CircuitBreakerConfig>
  readonly concurrency: Required<ConcurrencyConfig>
}

/** What calls learn from each other, and who hears of their circuits. */
interface CallMemory {
  readonly tokens: () => Pick<KnownTokens, 'has' | 'isEmpty' | 'add' | 'forget'>
  readonly outage: RecentOutage
  readonly onCircuit: OnCircuit
  /** `false` if another source may be asked after a denial. */
  readonly isFinal?: boolean
}

/** The question of a call, and its time. */
export interface CallStart {
  readonly check: Check
  readonly facts: CheckFacts
  readonly deadline: number
  readonly now: number
  /** When its check began to wait for another call, so that it has less time for its own. */
  readonly waitedSince?: number | undefined
}

/** A call that has begun. */
interface CallProgress {
  readonly token: string
  readonly isKnown: boolean
  readonly deadline: number
  attempts: number
  waitedSince: number | undefined
  slot: Slot | undefined
  circuit: CircuitState | undefined
}

/** The calls to one source of verdicts, each from start to end: slot, circuit, attempts, and what is learned from the answer. */
export class Calls {
  readonly #memory: CallMemory
  readonly #clock: Pick<Clock, 'now'>
  readonly #slots: Slots
  readonly #breaker: CircuitBreaker | undefined
  readonly #retries: Retries | undefined

  constructor(
    { retry, circuitBreaker, concurrency }: CallRules,
    memory: CallMemory,
    clock: Pick<Clock, 'now' | 'random'>,
  ) {
    const { tokens, outage, onCircuit } = memory
    this.#memory = memory
    this.#clock = clock
    this.#slots = new Slots(concurrency, (now) => !tokens().isEmpty(now))
    this.#retries = retry === false ? undefined : new Retries(retry, clock.random)
    if (circuitBreaker === false) return
    this.#breaker = new CircuitBreaker(circuitBreaker.openMs, (state, of, now) => {
      // The endpoint counts as failing until the circuit closes, however long that takes. Made-up tokens must not cause it.
      if (of === 'known') outage.note(now)
      onCircuit(state, of, now)
    })
  }

  /** The error for a check while its circuit is open. */
  refusalOf({ token }: Check, now: number): AuthUnavailableError | undefined {
    if (this.#breaker === undefined || this.#breaker.isClosed) return undefined
    const isKnown = this.#memory.tokens().has(token, now)
    return this.#breaker.refusalOf({ token, isKnown }, now)
  }

  /** Asks by the deadline. Throws while the circuit is open, before anything that a call needs is started. */
  async run(start: CallStart, ask: Ask): Promise<ParsedVerdict> {
    const { check, facts, deadline } = start
    const call = this.#begin(start)
    const time = new Deadline(deadline, start.now)
    let now = start.now
    try {
      call.slot = this.#slots.take(call, now)
      if (call.slot === undefined) {
        call.waitedSince ??= now
        call.slot = await this.#slots.wait(call, check.readAddress, time.signal, now)
        now = this.#clock.now()
      }
      this.#retries?.noteCall(now)
      // Again: it may have opened while the check waited.
      call.circuit = this.#breaker?.begin(call, now)
      let end = await this.#attempt(call, time, start, ask)
      while ('error' in end && (await this.#waitToRetry(end.error, call, time))) {
        end = await this.#attempt(call, time, start, ask)
      }
      now = this.#clock.now()
      if ('error' in end) throw end.error
      return this.#learn(call, end.verdict, facts, now)
    } catch (thrown) {
      const error = time.failureOf(thrown)
      now = this.#clock.now()
      this.#noteFailure(call, error, now)
      throw error
    } finally {
      time.clear()
      this.#give(call, time, now)
    }
  }

  #begin({ check, deadline, now, waitedSince }: CallStart): CallProgress {
    const { token } = check
    const isKnown = this.#memory.tokens().has(token, now)
    const call = { token, isKnown, deadline, attempts: 0, waitedSince }
    const refusal = this.#breaker?.refusalOf(call, now)
    if (refusal !== undefined && isKnown) this.#memory.outage.noteFailure(refusal, now)
    if (refusal !== undefined) throw refusal
    return { ...call, slot: undefined, circuit: undefined }
  }

  /** Gives the slot back when the call has ended, at most a moment after its deadline. */
  #give({ slot }: CallProgress, { givenUp }: Deadline, now: number): void {
    if (slot === undefined) return
    if (givenUp === undefined) return this.#slots.give(slot, now)
    const give = (): void => this.#slots.give(slot, this.#clock.now())
    void givenUp.then(give, give)
  }

  #attempt(
    call: CallProgress,
    time: Deadline,
    { check, facts }: CallStart,
    ask: Ask,
  ): Promise<CallEnd> {
    call.attempts += 1
    return time.race(askOnce(ask, check, facts, time))
  }

  /** Returns whether to ask again, once it is time. */
  async #waitToRetry(error: unknown, call: CallProgress, time: Deadline): Promise<boolean> {
    const { attempts, deadline } = call
    const delayMs = this.#retries?.delayBefore(error, attempts, deadline, this.#clock.now())
    if (delayMs === undefined) return false
    await time.sleep(delayMs)
    return !time.signal.aborted
  }

  #learn(
    call: CallProgress,
    verdict: ParsedVerdict,
    { endpointStatus }: CheckFacts,
    now: number,
  ): ParsedVerdict {
    const { tokens, outage, isFinal = true } = this.#memory
    const isAllow = verdict.outcome === 'allow'
    // It says nothing about the token, which is good for other requests.
    const isOfRequest = isForbidden(verdict, endpointStatus)
    if (call.circuit !== undefined) this.#breaker?.noteAnswer(call, call.circuit, isAllow, now)
    if (call.slot !== undefined && isFinal && !isOfRequest) {
      this.#slots.learn(call.slot, verdict, now)
    }
    outage.noteAnswer(now)
    if (isAllow) tokens().add(call.token, now)
    else if (!isOfRequest) tokens().forget(call.token)
    return verdict
  }

  #noteFailure(call: CallProgress, error: unknown, now: number): void {
    const { outage } = this.#memory
    const showsOutage = outage.isShownBy(error, call)
    if (call.circuit !== undefined) {
      const isFailed = call.circuit.name === 'half_open' ? isUnanswered(error) : showsOutage
      this.#breaker?.noteFailure(call, call.circuit, isFailed, now)
    }
    if (showsOutage) outage.noteFailure(error, now)
  }
}

/** Asks a source that answers from memory. Nothing is learned about it, and only the deadline is enforced. */
export async function askByDeadline(
  { check, facts, deadline, now }: CallStart,
  ask: Ask,
): Promise<ParsedVerdict> {
  const time = new Deadline(deadline, now)
  try {
    const end = await time.race(askOnce(ask, check, facts, time))
    if ('verdict' in end) return end.verdict
    throw time.failureOf(end.error)
  } finally {
    time.clear()
  }
}

function askOnce(
  ask: Ask,
  check: Check,
  facts: CheckFacts,
  { at, signal }: Deadline,
): Promise<ParsedVerdict> {
  facts.attempts += 1
  facts.endpointStatus = undefined
  return ask(check, { deadline: at, signal, facts })
}

// A probe that ends in a bug has learned nothing about the endpoint.
function isUnanswered(error: unknown): boolean {
  return !(error instanceof AuthUnavailableError) || isOutage(error)
}
