import { createCustomVerifier } from './custom-verifier.ts'
import { createEndpoint } from './endpoint.ts'
import { createCache } from './policies/cache.ts'
import { circuitBreaker } from './policies/circuit-breaker.ts'
import { coalesce } from './policies/coalesce.ts'
import { deadline } from './policies/deadline.ts'
import { limit } from './policies/limit.ts'
import { retry } from './policies/retry.ts'
import type { TimedVerifier, Verifier } from './check.ts'
import type { ResolvedConfig } from './config.ts'
import type { Report } from './events.ts'

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
 * side of the shared flight: one that reads, and one that keeps what the flight brought.
 */
export function createVerifier(
  config: ResolvedConfig,
  endpoint: string | undefined,
  report: Report | undefined,
): ComposedVerifier {
  let timed = createSource(config, endpoint)
  if (config.retry !== false) timed = retry(timed, config.retry, clock)
  if (config.circuitBreaker !== false) {
    const onState = (state: 'open' | 'half_open' | 'closed'): void =>
      report?.({ type: 'circuit', state })
    timed = circuitBreaker(timed, config.circuitBreaker, { ...clock, onState })
  }
  const bounded = deadline(limit(timed, config.concurrency, clock), config, clock)
  if (config.cache === false) {
    const { verify, forget } = coalesce(bounded, config, clock)
    return { verify: questioned(verify), forget }
  }
  const cache = createCache(config.cache, clock)
  const flights = coalesce(cache.fill(bounded), config, clock)
  return {
    verify: cache.read(questioned(flights.verify)),
    forget: (token) => {
      cache.forget(token)
      flights.forget(token)
    },
  }
}

// The question is put together at the moment of its key: the headers of a request that waits may be changed by others.
function questioned(next: Verifier): Verifier {
  return (check) => {
    check.prepare()
    return next(check)
  }
}

function createSource(config: ResolvedConfig, endpoint: string | undefined): TimedVerifier {
  const { verifier, identity, endpointHeaders, transport } = config
  if (verifier !== undefined) return createCustomVerifier(verifier, identity)
  if (endpoint === undefined) throw new TypeError('There is neither an endpoint nor a verifier')
  return createEndpoint({ url: endpoint, headers: endpointHeaders, identity, transport })
}
