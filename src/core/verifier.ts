import { createCustomVerifier } from './custom-verifier.ts'
import { createEndpoint } from './endpoint.ts'
import { adoptUnavailable } from './errors.ts'
import { createCache } from './policies/cache.ts'
import { createCircuitBreaker } from './policies/circuit-breaker.ts'
import { coalesce } from './policies/coalesce.ts'
import { deadline } from './policies/deadline.ts'
import { limit } from './policies/limit.ts'
import { retry } from './policies/retry.ts'
import type { TimedVerifier, Verifier } from './check.ts'
import type { ResolvedConfig } from './config.ts'
import type { CircuitBreaker } from './policies/circuit-breaker.ts'
import type { Channel, Report } from './events.ts'

/** The endpoint, or the verifier in its place, with all policies around it. */
export interface ComposedVerifier {
  readonly verify: Verifier
  /** Forgets what is kept or under way for a token, or for all. */
  readonly forget: (token?: string) => void
}

const clock = {
  now: () => performance.now(),
  wallNow: () => Date.now(),
  random: () => Math.random(),
}

/**
 * Composes `cache( coalesce( deadline( limit( circuitBreaker( retry( endpoint ))))))`. The cache has a part on either
 * side of the shared flight: one that reads, and one that keeps what the flight brought. The breaker has one inside of
 * all that, and one that refuses before any of it is begun.
 */
export function createVerifier(
  config: ResolvedConfig,
  endpoint: string | undefined,
  { report, notify }: Pick<Channel, 'report' | 'notify'>,
): ComposedVerifier {
  let timed = adopting(createSource(config, endpoint, notify))
  if (config.retry !== false) timed = retry(timed, config.retry, clock)
  const breaker = createBreaker(config, report)
  if (breaker !== undefined) timed = breaker.watch(timed)
  const call = questioned(deadline(limit(timed, config.concurrency, clock), config, clock))
  const bounded = breaker === undefined ? call : breaker.refuse(call)
  if (config.cache === false) return coalesce(bounded, config, clock)
  const cache = createCache(config.cache, clock)
  const flights = coalesce(cache.fill(bounded), config, clock)
  return {
    verify: cache.read(flights.verify),
    forget: (token) => {
      cache.forget(token)
      flights.forget(token)
    },
  }
}

function createBreaker(
  { circuitBreaker }: ResolvedConfig,
  report: Report | undefined,
): CircuitBreaker | undefined {
  if (circuitBreaker === false) return undefined
  const onState = (state: 'open' | 'half_open' | 'closed'): void =>
    report?.({ type: 'circuit', state })
  return createCircuitBreaker(circuitBreaker, { ...clock, onState })
}

// The question is put together at the moment of its key: the headers of a request that waits may be changed by others.
function questioned(next: Verifier): Verifier {
  return (check) => {
    check.prepare()
    return next(check)
  }
}

// Outermost where code of the user's may throw, so that each policy sees errors of our class.
function adopting(next: TimedVerifier): TimedVerifier {
  return async (check, signal) => {
    try {
      return await next(check, signal)
    } catch (error) {
      throw adoptUnavailable(error)
    }
  }
}

function createSource(
  config: ResolvedConfig,
  endpoint: string | undefined,
  notify: Channel['notify'],
): TimedVerifier {
  const { verifier, identity, endpointHeaders, transport } = config
  if (verifier !== undefined) return createCustomVerifier(verifier, identity)
  if (endpoint === undefined) throw new TypeError('There is neither an endpoint nor a verifier')
  return createEndpoint({ url: endpoint, headers: endpointHeaders, identity, transport, notify })
}
