import { AuthUnavailableError } from '../errors.ts'
import { isOutage } from './outage.ts'
import { createSlidingWindow } from './sliding-window.ts'
import type { TimedVerifier, Verifier } from '../endpoint/verdict.ts'
import type { RecentOutage } from './outage.ts'
import type { CircuitBreakerConfig } from '../auth-config.ts'

export interface CircuitBreakerContext {
  readonly now: () => number
  readonly onState: (state: Circuit['state'], tokens: 'known' | 'unknown') => void
  /** Whether the end of a check shows that the endpoint fails. */
  readonly isFailure: RecentOutage['isShownBy']
}

export interface CircuitBreaker {
  /** Counts how checks end, and lets none through while the circuit is open. */
  readonly watch: (next: TimedVerifier) => TimedVerifier
  /** Refuses at once what could not get through. Outside of all that a call needs. Throws instead of rejecting. */
  readonly refuse: (next: Verifier) => Verifier
}

type Circuit =
  | { readonly state: 'closed' }
  | { readonly state: 'open'; readonly until: number }
  /** One probe is out; after its deadline it is taken for lost. */
  | { readonly state: 'half_open'; readonly until: number }

/**
 * Has one circuit for checks of known tokens and one for the rest: whatever strangers ask cannot open the circuit for
 * callers that the endpoint allowed lately.
 */
export function createCircuitBreaker(
  options: Required<CircuitBreakerConfig>,
  context: CircuitBreakerContext,
): CircuitBreaker {
  const known = createCircuit(options, context, 'known')
  const unknown = createCircuit(options, context, 'unknown')
  return {
    watch: (next) => {
      const [ofKnown, ofUnknown] = [known.watch(next), unknown.watch(next)]
      return (check, deadline, signal) =>
        (check.isKnown ? ofKnown : ofUnknown)(check, deadline, signal)
    },
    refuse: (next) => {
      const [ofKnown, ofUnknown] = [known.refuse(next), unknown.refuse(next)]
      return (check, deadline) => (check.isKnown ? ofKnown : ofUnknown)(check, deadline)
    },
  }
}

/**
 * Stops asking an endpoint that does not answer. It counts checks that got no answer, or 502, 503 or 504: whatever else
 * the endpoint says to odd tokens cannot open the circuit for everybody. While it is open, checks are refused at once
 * as `circuit_open`; then one probe at a time decides. It reads the clock and sets no timer, which Workers forbid
 * outside of requests.
 */
function createCircuit(
  { minChecks, failureRatio, windowMs, openMs }: Required<CircuitBreakerConfig>,
  { now, onState, isFailure }: CircuitBreakerContext,
  tokens: 'known' | 'unknown',
): CircuitBreaker {
  const checks = createSlidingWindow(windowMs)
  const failures = createSlidingWindow(windowMs)
  let circuit: Circuit = { state: 'closed' }

  const enter = (entered: Circuit): Circuit => {
    circuit = entered
    checks.clear()
    failures.clear()
    onState(entered.state, tokens)
    return entered
  }
  let refusal: AuthUnavailableError | undefined
  // One for all in the same second, which is what clients are told: to capture a stack costs more than all else.
  const refusalFor = (remainingMs: number): AuthUnavailableError => {
    const retryAfterMs = Math.ceil(remainingMs / 1000) * 1000
    if (refusal?.retryAfterMs !== retryAfterMs) {
      refusal = new AuthUnavailableError('circuit_open', { retryAfterMs })
    }
    return refusal
  }
  const refuseWhileOpen = (): void => {
    if (circuit.state === 'closed') return
    const remainingMs = circuit.until - now()
    if (remainingMs > 0) throw refusalFor(remainingMs)
  }
  const admit = (deadline: number): Circuit => {
    refuseWhileOpen()
    if (circuit.state === 'closed') return circuit
    return enter({ state: 'half_open', until: deadline })
  }
  const tripped = (): boolean => {
    const total = checks.total(now())
    return total >= minChecks && failures.total(now()) >= total * failureRatio
  }
  const settle = (during: Circuit, failed: boolean): void => {
    // What was asked in an earlier state says nothing about this one: only the probe ends `half_open`.
    if (circuit !== during) return
    if (circuit.state === 'half_open' && !failed) enter({ state: 'closed' })
    checks.add(now())
    if (failed) failures.add(now())
    if (failed && (circuit.state === 'half_open' || tripped())) {
      enter({ state: 'open', until: now() + openMs })
    }
  }

  return {
    watch: (next) => async (check, deadline, signal) => {
      const during = admit(deadline)
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
    refuse: (next) => (check, deadline) => {
      refuseWhileOpen()
      return next(check, deadline)
    },
  }
}

// A probe that ends in a bug has learned nothing about the endpoint.
function isUnanswered(error: unknown): boolean {
  return !(error instanceof AuthUnavailableError) || isOutage(error)
}
