import { AuthUnavailableError } from '../../errors.ts'
import { OUTAGE_WINDOW_MS } from '../outage.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { CircuitEvent } from '../../types.ts'

/** Hears of each change of a circuit. */
export type OnCircuit = (
  state: CircuitEvent['state'],
  tokens: CircuitEvent['tokens'],
  now: number,
) => void

/** The call of a token. */
interface Candidate {
  readonly token: string
  /** Whether the endpoint allowed it lately. */
  readonly isKnown: boolean
}

/** `half_open`: one probe is under way, and counts as lost after its deadline. */
export type CircuitState =
  | { readonly name: 'closed' }
  | { readonly name: 'open' | 'half_open'; readonly until: number }

// So many checks in the window, of which that part failed, open a circuit: a single failure does not.
const MIN_CHECKS = 10
const FAILURE_RATIO = 0.5

// Without an answer to another token for so long, one token may open the circuit of known ones.
const LONELY_MS = 30_000
const LEAST_TOKENS = 3
const MOST_TOKENS = 16
// At most so many failures of one token count.
const MOST_OF_ONE_TOKEN = Math.ceil(MIN_CHECKS / LEAST_TOKENS)

/** Has a circuit for known tokens and one for the rest, which cannot open the first. */
export class CircuitBreaker {
  readonly #known: Circuit
  readonly #unknown: Circuit

  constructor(openMs: number, onCircuit: OnCircuit) {
    this.#known = new Circuit('known', openMs, onCircuit)
    this.#unknown = new Circuit('unknown', openMs, onCircuit)
  }

  get isClosed(): boolean {
    return this.#known.isClosed && this.#unknown.isClosed
  }

  /** The error for a check while its circuit is open. */
  refusalOf(call: Candidate, now: number): AuthUnavailableError | undefined {
    return this.#circuitOf(call).refusalOf(call.token, now)
  }

  /** Begins a call. Throws while the circuit is open. The end of the call counts only in the state that is returned. */
  begin(call: Candidate & { readonly deadline: number }, now: number): CircuitState {
    return this.#circuitOf(call).begin(call.token, call.deadline, now)
  }

  noteAnswer(call: Candidate, during: CircuitState, isAllow: boolean, now: number): void {
    this.#circuitOf(call).end(during, call.token, false, now)
    // With its first allow a token becomes known.
    if (call.isKnown || isAllow) this.#known.noteAnswer(call.token, now)
  }

  noteFailure(call: Candidate, during: CircuitState, isOutage: boolean, now: number): void {
    this.#circuitOf(call).end(during, call.token, isOutage, now)
  }

  #circuitOf({ isKnown }: Candidate): Circuit {
    return isKnown ? this.#known : this.#unknown
  }
}

/**
 * Stops asking an endpoint that fails. Only outages count: no other response to strange tokens can open the circuit for
 * everyone. While it is open, checks are rejected at once as `circuit_open`; then one probe at a time decides. It sets no timer,
 * which Workers forbid outside of requests.
 */
class Circuit {
  readonly #tokenKind: CircuitEvent['tokens']
  readonly #openMs: number
  readonly #onCircuit: OnCircuit
  readonly #tokens = new TokenOutcomes()
  readonly #checks = new SlidingWindow(OUTAGE_WINDOW_MS)
  readonly #failures = new SlidingWindow(OUTAGE_WINDOW_MS)
  #state: CircuitState = { name: 'closed' }
  #rejection: AuthUnavailableError | undefined
  #failedLast: string | undefined
  #doOthersWait = false

  constructor(of: CircuitEvent['tokens'], openMs: number, onCircuit: OnCircuit) {
    this.#tokenKind = of
    this.#openMs = openMs
    this.#onCircuit = onCircuit
  }

  get isClosed(): boolean {
    return this.#state.name === 'closed'
  }

  refusalOf(token: string, now: number): AuthUnavailableError | undefined {
    if (this.#state.name === 'closed') return undefined
    const failedAsLast = token === this.#failedLast
    // The probe is for a token that may fare better. If none comes back in time, for any.
    const extraMs = failedAsLast && this.#doOthersWait ? this.#openMs : 0
    const remainingMs = this.#state.until + extraMs - now
    if (remainingMs <= 0) return undefined
    this.#doOthersWait ||= !failedAsLast
    // One error for all rejections of the same second, since capturing a stack costs more than the rest.
    const retryAfterMs = Math.ceil(remainingMs / 1000) * 1000
    if (this.#rejection?.retryAfterMs !== retryAfterMs) {
      this.#rejection = new AuthUnavailableError('circuit_open', { retryAfterMs })
    }
    return this.#rejection
  }

  begin(token: string, deadline: number, now: number): CircuitState {
    const refusal = this.refusalOf(token, now)
    if (refusal !== undefined) throw refusal
    if (this.#state.name !== 'closed') this.#change({ name: 'half_open', until: deadline }, now)
    return this.#state
  }

  /** A call that began in an earlier state says nothing about this one: only the probe ends `half_open`. */
  end(during: CircuitState, token: string, isFailure: boolean, now: number): void {
    if (this.#state !== during) return
    if (during.name === 'half_open' && !isFailure) this.#change({ name: 'closed' }, now)
    this.#checks.add(now)
    if (!isFailure) return
    this.#failedLast = token
    this.#failures.add(now)
    this.#tokens.noteFailure(token, now)
    if (during.name === 'half_open' || this.#isTripped(token, now)) {
      this.#change({ name: 'open', until: now + this.#openMs }, now)
    }
  }

  noteAnswer(token: string, now: number): void {
    this.#tokens.noteAnswer(token, now)
  }

  #change(state: CircuitState, now: number): void {
    this.#state = state
    this.#checks.clear()
    this.#failures.clear()
    this.#tokens.clearFailures()
    this.#doOthersWait = false
    this.#onCircuit(state.name, this.#tokenKind, now)
  }

  /**
   * Whether enough checks failed. One known token may be to blame, whose requests break the connection of the endpoint: so three of
   * them must fail, or one while no other was answered for 30 seconds.
   */
  #isTripped(token: string, now: number): boolean {
    const isLonely =
      this.#tokenKind === 'unknown' || now - this.#tokens.otherAnsweredAt(token) >= LONELY_MS
    const { size, surplus } = isLonely ? { size: Infinity, surplus: 0 } : this.#tokens.failing(now)
    const total = this.#checks.total(now) - surplus
    const failed = this.#failures.total(now) - surplus
    return size >= LEAST_TOKENS && total >= MIN_CHECKS && failed >= total * FAILURE_RATIO
  }
}

/** The tokens that failed last, and when another one was answered. */
class TokenOutcomes {
  // By token, the one that failed last at the end.
  readonly #failures = new Map<string, SlidingWindow>()
  #answered: string | undefined
  #answeredAt = -Infinity
  #otherAnsweredAt = -Infinity

  noteAnswer(token: string, now: number): void {
    if (token !== this.#answered) this.#otherAnsweredAt = this.#answeredAt
    this.#answered = token
    this.#answeredAt = now
  }

  noteFailure(token: string, now: number): void {
    const failures = this.#failures.get(token) ?? new SlidingWindow(OUTAGE_WINDOW_MS)
    failures.add(now)
    this.#failures.delete(token)
    this.#failures.set(token, failures)
    for (const oldest of this.#failures.keys()) {
      if (this.#failures.size <= MOST_TOKENS) return
      this.#failures.delete(oldest)
    }
  }

  clearFailures(): void {
    this.#failures.clear()
  }

  /** When a token other than this one was answered last. */
  otherAnsweredAt(token: string): number {
    return token === this.#answered ? this.#otherAnsweredAt : this.#answeredAt
  }

  /** How many tokens failed within the window, and how many of their failures do not count. */
  failing(now: number): { readonly size: number; readonly surplus: number } {
    let surplus = 0
    for (const [token, failures] of this.#failures) {
      const total = failures.total(now)
      if (total === 0) this.#failures.delete(token)
      surplus += Math.max(0, total - MOST_OF_ONE_TOKEN)
    }
    return { size: this.#failures.size, surplus }
  }
}
