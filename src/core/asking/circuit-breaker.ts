import { AuthUnavailableError } from '../errors.ts'
import { isOutage, OUTAGE_WINDOW_MS } from './outage.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { RecentOutage } from './outage.ts'
import type { CircuitBreakerConfig } from '../auth-config.ts'
import type { TimedAsk, Ask } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'
import type { CircuitEvent } from '../types.ts'

export interface CircuitBreakerHooks {
  readonly onState: (state: CircuitEvent['state'], tokens: CircuitEvent['tokens']) => void
  /** Whether the end of a check shows that the endpoint fails. */
  readonly isFailure: RecentOutage['isShownBy']
}

export type CircuitBreaker = ReturnType<typeof createCircuitBreaker>

/** `half_open`: one probe is under way, and counts as lost after its deadline. */
type Circuit =
  | { readonly state: 'closed' }
  | { readonly state: 'open' | 'half_open'; readonly until: number }

// So many checks in the window, of which that part failed, open a circuit: a single failure does not.
const MIN_CHECKS = 10
const FAILURE_RATIO = 0.5

// Without an answer to another token for so long, one token may open the circuit of known ones.
const LONELY_MS = 30_000
const LEAST_TOKENS = 3
const MOST_TOKENS = 16
// So many failures of one token count.
const MOST_OF_ONE_TOKEN = Math.ceil(MIN_CHECKS / LEAST_TOKENS)

/** Has a circuit for known tokens and one for the rest, which cannot open the first. */
export function createCircuitBreaker(
  options: Required<CircuitBreakerConfig>,
  clock: Pick<Clock, 'now'>,
  { onState, isFailure }: CircuitBreakerHooks,
) {
  const known = createCircuit(options, clock, (state) => onState(state, 'known'), true)
  const unknown = createCircuit(options, clock, (state) => onState(state, 'unknown'))
  const circuitFor = ({ isKnown }: Check) => (isKnown ? known : unknown)
  return {
    /** Counts how checks end, and starts no call while the circuit is open. */
    watch:
      (next: TimedAsk): TimedAsk =>
      async (check, deadline, signal) => {
        const { stateForCall, settle } = circuitFor(check)
        const during = stateForCall(check, deadline)
        try {
          const verdict = await next(check, deadline, signal)
          settle(during, check, false)
          // With its first allow a token becomes known.
          if (check.isKnown || verdict.outcome === 'allow') known.noteAnswer(check)
          return verdict
        } catch (error) {
          const isProbe = during.state === 'half_open'
          settle(during, check, isProbe ? isUnanswered(error) : isFailure(error, check))
          throw error
        }
      },
    areClosed: (): boolean => known.isClosed() && unknown.isClosed(),
    /** The error for a check while its circuit is open. */
    refusalOf: (check: Check): AuthUnavailableError | undefined => circuitFor(check).refusal(check),
    /** Throws at once while the circuit is open, before anything that a call needs is started. */
    rejectWhileOpen:
      (next: Ask): Ask =>
      (check, deadline) => {
        const refusal = circuitFor(check).refusal(check)
        if (refusal !== undefined) throw refusal
        return next(check, deadline)
      },
  }
}

/**
 * Stops asking an endpoint that fails. Only outages count: no other response to strange tokens can open the circuit for
 * everyone. While it is open, checks are rejected at once as `circuit_open`; then one probe at a time decides. It reads the
 * clock and sets no timer, which Workers forbid outside of requests.
 *
 * @param byToken Whether a token alone may be to blame, whose requests break the connection of the endpoint. Then three tokens must
 * fail, or one while no other was answered for 30 seconds.
 */
function createCircuit(
  { openMs }: Required<CircuitBreakerConfig>,
  { now }: Pick<Clock, 'now'>,
  onState: (state: CircuitEvent['state']) => void,
  byToken = false,
) {
  const tokens = new TokenOutcomes()
  const checks = new SlidingWindow(OUTAGE_WINDOW_MS)
  const failures = new SlidingWindow(OUTAGE_WINDOW_MS)
  let circuit: Circuit = { state: 'closed' }
  let rejection: AuthUnavailableError | undefined
  let failedLast: string | undefined
  let doOthersWait = false

  const change = (changed: Circuit): Circuit => {
    circuit = changed
    checks.clear()
    failures.clear()
    tokens.clearFailures()
    doOthersWait = false
    onState(changed.state)
    return changed
  }
  // One error for all rejections of the same second, since capturing a stack costs more than the rest.
  const refusal = ({ token }: Pick<Check, 'token'>): AuthUnavailableError | undefined => {
    if (circuit.state === 'closed') return undefined
    const failedAsLast = token === failedLast
    // The probe is for a token that may fare better. If none comes back in time, for any.
    const extraMs = failedAsLast && doOthersWait ? openMs : 0
    const remainingMs = circuit.until + extraMs - now()
    if (remainingMs <= 0) return undefined
    doOthersWait ||= !failedAsLast
    const retryAfterMs = Math.ceil(remainingMs / 1000) * 1000
    if (rejection?.retryAfterMs !== retryAfterMs) {
      rejection = new AuthUnavailableError('circuit_open', { retryAfterMs })
    }
    return rejection
  }
  const stateForCall = (check: Check, deadline: number): Circuit => {
    const refused = refusal(check)
    if (refused !== undefined) throw refused
    if (circuit.state === 'closed') return circuit
    return change({ state: 'half_open', until: deadline })
  }
  const isTripped = (token: string): boolean => {
    const isLonely = !byToken || now() - tokens.otherAnsweredAt(token) >= LONELY_MS
    const { size, surplus } = isLonely ? { size: Infinity, surplus: 0 } : tokens.failing(now())
    const total = checks.total(now()) - surplus
    const failed = failures.total(now()) - surplus
    return size >= LEAST_TOKENS && total >= MIN_CHECKS && failed >= total * FAILURE_RATIO
  }
  const settle = (during: Circuit, { token }: Check, failed: boolean): void => {
    // A call that was started in an earlier state says nothing about this one: only the probe ends `half_open`.
    if (circuit !== during) return
    if (circuit.state === 'half_open' && !failed) change({ state: 'closed' })
    checks.add(now())
    if (!failed) return
    failedLast = token
    failures.add(now())
    tokens.noteFailure(token, now())
    if (circuit.state === 'half_open' || isTripped(token)) {
      change({ state: 'open', until: now() + openMs })
    }
  }

  const isClosed = (): boolean => circuit.state === 'closed'

  const noteAnswer = ({ token }: Check): void => tokens.noteAnswer(token, now())

  return { isClosed, refusal, stateForCall, settle, noteAnswer }
}

// A probe that ends in a bug has learned nothing about the endpoint.
function isUnanswered(error: unknown): boolean {
  return !(error instanceof AuthUnavailableError) || isOutage(error)
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
