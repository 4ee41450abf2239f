import { AuthUnavailableError } from '../errors.ts'
import { isOutage } from './outage.ts'
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

/** Has a circuit for known tokens and one for the rest, which cannot open the first. */
export function createCircuitBreaker(
  options: Required<CircuitBreakerConfig>,
  clock: Pick<Clock, 'now'>,
  { onState, isFailure }: CircuitBreakerHooks,
) {
  const known = createCircuit(options, clock, (state) => onState(state, 'known'))
  const unknown = createCircuit(options, clock, (state) => onState(state, 'unknown'))
  const circuitFor = ({ isKnown }: Check) => (isKnown ? known : unknown)
  return {
    /** Counts how checks end, and starts no call while the circuit is open. */
    watch:
      (next: TimedAsk): TimedAsk =>
      async (check, deadline, signal) => {
        const { stateForCall, settle } = circuitFor(check)
        const during = stateForCall(deadline)
        try {
          const verdict = await next(check, deadline, signal)
          settle(during, false)
          return verdict
        } catch (error) {
          const isProbe = during.state === 'half_open'
          settle(during, isProbe ? isUnanswered(error) : isFailure(error, check))
          throw error
        }
      },
    areClosed: (): boolean => known.isClosed() && unknown.isClosed(),
    /** The error for a check while its circuit is open. */
    refusalOf: (check: Check): AuthUnavailableError | undefined => circuitFor(check).refusal(),
    /** Throws at once while the circuit is open, before anything that a call needs is started. */
    rejectWhileOpen:
      (next: Ask): Ask =>
      (check, deadline) => {
        const refusal = circuitFor(check).refusal()
        if (refusal !== undefined) throw refusal
        return next(check, deadline)
      },
  }
}

/**
 * Stops asking an endpoint that fails. Only outages count: no other response to strange tokens can open the circuit for
 * everyone. While it is open, checks are rejected at once as `circuit_open`; then one probe at a time decides. It reads the
 * clock and sets no timer, which Workers forbid outside of requests.
 */
function createCircuit(
  { minChecks, failureRatio, windowMs, openMs }: Required<CircuitBreakerConfig>,
  { now }: Pick<Clock, 'now'>,
  onState: (state: CircuitEvent['state']) => void,
) {
  const checks = new SlidingWindow(windowMs)
  const failures = new SlidingWindow(windowMs)
  let circuit: Circuit = { state: 'closed' }
  let rejection: AuthUnavailableError | undefined

  const change = (changed: Circuit): Circuit => {
    circuit = changed
    checks.clear()
    failures.clear()
    onState(changed.state)
    return changed
  }
  // One error for all rejections of the same second, since capturing a stack costs more than the rest.
  const refusal = (): AuthUnavailableError | undefined => {
    if (circuit.state === 'closed') return undefined
    const remainingMs = circuit.until - now()
    if (remainingMs <= 0) return undefined
    const retryAfterMs = Math.ceil(remainingMs / 1000) * 1000
    if (rejection?.retryAfterMs !== retryAfterMs) {
      rejection = new AuthUnavailableError('circuit_open', { retryAfterMs })
    }
    return rejection
  }
  const stateForCall = (deadline: number): Circuit => {
    const refused = refusal()
    if (refused !== undefined) throw refused
    if (circuit.state === 'closed') return circuit
    return change({ state: 'half_open', until: deadline })
  }
  const isTripped = (): boolean => {
    const total = checks.total(now())
    return total >= minChecks && failures.total(now()) >= total * failureRatio
  }
  const settle = (during: Circuit, failed: boolean): void => {
    // A call that was started in an earlier state says nothing about this one: only the probe ends `half_open`.
    if (circuit !== during) return
    if (circuit.state === 'half_open' && !failed) change({ state: 'closed' })
    checks.add(now())
    if (failed) failures.add(now())
    if (failed && (circuit.state === 'half_open' || isTripped())) {
      change({ state: 'open', until: now() + openMs })
    }
  }

  const isClosed = (): boolean => circuit.state === 'closed'

  return { isClosed, refusal, stateForCall, settle }
}

// A probe that ends in a bug has learned nothing about the endpoint.
function isUnanswered(error: unknown): boolean {
  return !(error instanceof AuthUnavailableError) || isOutage(error)
}
