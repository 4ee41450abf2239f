import { CircuitBreaker } from './failures/circuit-breaker.ts'
import { createCall } from './call-state.ts'
import { isOutage, permitsStaleOfLocal, RecentOutage } from './outage.ts'
import { Retries } from './failures/retry.ts'
import { Slots } from './slots/slots.ts'
import { isForbidden } from '../endpoint/verdict.ts'
import { adoptUnavailable, AuthUnavailableError } from '../errors.ts'
import type { OnCircuit } from './failures/circuit-breaker.ts'
import type { Call, CallStart } from './call-state.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { CircuitBreakerConfig, ConcurrencyConfig, RetryConfig } from '../auth-config.ts'
import type { Ask, ParsedVerdict } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

/** The limits on the calls to a source of verdicts. */
export interface CallRules {
  readonly retry: false | Required<RetryConfig>
  readonly circuitBreaker: false | Required<CircuitBreakerConfig>
  readonly concurrency: Required<ConcurrencyConfig>
}

/** A source of verdicts, and what surrounds it. */
interface Source {
  /** `undefined` if it answers from memory: then nothing is learned about it, and only the deadline is enforced. */
  readonly rules: CallRules | undefined
  readonly memory: { readonly tokens: Pick<KnownTokens, 'has' | 'isEmpty' | 'add' | 'forget'> }
  /** Hears of each change of a circuit. Must not throw. */
  readonly onCircuit: OnCircuit
  readonly clock: Pick<Clock, 'now' | 'random'>
  /** `false` if another source may be asked after a denial. */
  readonly isFinal?: boolean
}

type CallEnd = { readonly verdict: ParsedVerdict } | { readonly error: unknown }

/** The calls to one source of verdicts, each from start to end: slot, circuit, attempts, and what is learned from the answer. */
export class Calls {
  readonly #source: Source
  readonly #clock: Source['clock']
  readonly #outage: RecentOutage
  readonly #slots: Slots | undefined
  readonly #breaker: CircuitBreaker | undefined
  readonly #retries: Retries | undefined

  constructor(source: Source) {
    const { rules, memory, onCircuit, clock } = source
    this.#source = source
    this.#clock = clock
    this.#outage = new RecentOutage(rules !== undefined && rules.circuitBreaker !== false)
    if (rules === undefined) return
    const { retry, circuitBreaker, concurrency } = rules
    this.#slots = new Slots(concurrency, (now) => !memory.tokens.isEmpty(now))
    this.#retries = retry === false ? undefined : new Retries(retry, clock.random)
    if (circuitBreaker === false) return
    this.#breaker = new CircuitBreaker(circuitBreaker.openMs, (state, of, now) => {
      // The endpoint counts as failing until the circuit closes, however long that takes. Made-up tokens must not cause it.
      if (of === 'known') this.#outage.note(now)
      onCircuit(state, of, now)
    })
  }

  /** The error for a check while its circuit is open. */
  refusalOf({ token }: Check, now: number): AuthUnavailableError | undefined {
    if (this.#breaker === undefined || this.#breaker.isClosed) return undefined
    return this.#breaker.refusalOf({ token, isKnown: this.#isKnown(token, now) }, now)
  }

  /** Whether an expired allow may stand in for the verdict of a check that ended so. */
  permitsStale(error: unknown): boolean {
    if (this.#isLocal) return permitsStaleOfLocal(error)
    return this.#outage.permitsStale(error, this.#clock.now())
  }

  /** Asks by the deadline. Rejects while the circuit is open, before anything that a call needs is started. */
  run(start: CallStart, ask: Ask): Promise<ParsedVerdict> {
    const { check, now } = start
    const isKnown = this.#isKnown(check.token, now)
    const refusal = this.refusalOf(check, now)
    if (refusal !== undefined && isKnown) this.#outage.noteFailure(refusal, now)
    if (refusal !== undefined) return Promise.reject(refusal)
    return new Promise((resolve, reject) => {
      const call = createCall(start, ask, isKnown, { resolve, reject }, () =>
        this.#end(call, { error: new AuthUnavailableError('timeout') }),
      )
      this.#start(call, now)
    })
  }

  /** It answers from memory, so nothing is learned about it. */
  get #isLocal(): boolean {
    return this.#source.rules === undefined
  }

  #isKnown(token: string, now: number): boolean {
    return !this.#isLocal && this.#source.memory.tokens.has(token, now)
  }

  #start(call: Call, now: number): void {
    call.slot = this.#slots?.take(call, now)
    if (this.#slots === undefined || call.slot !== undefined) void this.#ask(call, now)
    else void this.#askLater(call, this.#slots, now)
  }

  async #askLater(call: Call, slots: Slots, now: number): Promise<void> {
    call.waitedSince ??= now
    try {
      call.slot = await slots.wait(call, call.check.readAddress, now)
    } catch (error) {
      return this.#end(call, { error })
    }
    return this.#ask(call, this.#clock.now())
  }

  /** Asks, and again after some failures. */
  async #ask(call: Call, now: number): Promise<void> {
    this.#retries?.noteCall(now)
    let end: CallEnd
    do {
      try {
        // Also after a wait, in which the circuit may have opened.
        call.circuit ??= this.#breaker?.begin(call, now)
        end = { verdict: await this.#askOnce(call) }
      } catch (error) {
        // Here, so that the rest of the core sees errors of our class.
        end = { error: adoptUnavailable(error) }
      }
    } while ('error' in end && (await this.#waitToRetry(call, end.error)))
    this.#end(call, end)
  }

  #askOnce({ ask, check, facts, deadline, time }: Call): Promise<ParsedVerdict> {
    facts.attempts += 1
    facts.endpointStatus = undefined
    return ask(check, { deadline, signal: time.signal, facts })
  }

  /** Returns whether to ask again, once it is time. */
  async #waitToRetry({ facts, deadline, time }: Call, error: unknown): Promise<boolean> {
    const now = this.#clock.now()
    const delayMs = this.#retries?.delayBefore(error, facts.attempts, deadline, now)
    if (delayMs === undefined) return false
    await new Promise((resolve) => {
      setTimeout(resolve, delayMs)
    })
    return !time.signal.aborted
  }

  /** Ends a call at its deadline, also if its source ignores the signal, or before. Gives the slot back. */
  #end(call: Call, end: CallEnd): void {
    const now = this.#clock.now()
    try {
      if (!call.isSettled) this.#settle(call, end, now)
    } catch (error) {
      // A thrown value may throw again when it is read.
      call.settle.reject(error)
    }
    if (call.slot !== undefined) this.#slots?.give(call.slot, now)
  }

  #settle(call: Call, end: CallEnd, now: number): void {
    call.isSettled = true
    call.time.clear()
    if ('verdict' in end) {
      this.#learn(call, end.verdict, now)
      return call.settle.resolve(end.verdict)
    }
    const error = call.time.failureOf(end.error)
    this.#noteFailure(call, error, now)
    call.settle.reject(error)
  }

  #learn(call: Call, verdict: ParsedVerdict, now: number): void {
    if (this.#slots === undefined) return
    const { memory, isFinal = true } = this.#source
    const isAllow = verdict.outcome === 'allow'
    // It says nothing about the token, which is good for other requests.
    const isOfRequest = isForbidden(verdict, call.facts.endpointStatus)
    if (call.circuit !== undefined) this.#breaker?.noteAnswer(call, call.circuit, isAllow, now)
    if (call.slot !== undefined && isFinal && !isOfRequest) {
      this.#slots.learn(call.slot, verdict, now)
    }
    this.#outage.noteAnswer(now)
    if (isAllow) memory.tokens.add(call.token, now)
    else if (!isOfRequest) memory.tokens.forget(call.token)
  }

  #noteFailure(call: Call, error: unknown, now: number): void {
    if (this.#isLocal) return
    const showsOutage = this.#outage.isShownBy(error, call.facts.attempts, call.waitedSince)
    if (call.circuit !== undefined) {
      // A probe that ends in a bug has learned nothing about the endpoint.
      const isUnanswered = !(error instanceof AuthUnavailableError) || isOutage(error)
      const isFailed = call.circuit.name === 'half_open' ? isUnanswered : showsOutage
      this.#breaker?.noteFailure(call, call.circuit, isFailed, now)
    }
    if (showsOutage) this.#outage.noteFailure(error, now)
  }
}
