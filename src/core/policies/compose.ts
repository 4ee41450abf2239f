import { createCustomVerifier, createEndpoint } from '../endpoint/endpoint.ts'
import { adoptUnavailable } from '../errors.ts'
import { createKnownTokens, recognise } from './known-tokens.ts'
import { createRecentOutage } from './outage.ts'
import { Cache } from './cache/cache.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { enforceDeadline } from './deadline.ts'
import { SharedCalls } from './shared-calls.ts'
import { systemClock as clock } from '../runtime.ts'
import { limit } from './limit.ts'
import { retry } from './retry.ts'
import type { Check } from '../request/check.ts'
import type { CheckedVerdict, TimedVerifier, Verifier } from '../endpoint/verdict.ts'
import type { ResolvedConfig } from '../config/parse.ts'
import type { RecentOutage } from './outage.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { CachedDecision } from './cache/cache.ts'
import type { CircuitBreaker } from './circuit-breaker.ts'
import type { Channel } from '../events.ts'

/** The endpoint, or the verifier in its place, with all policies around it. */
export interface ComposedVerifier {
  /** The cached decision for a token and what the endpoint is told, if there is one. */
  readonly lookUp: (token: string, told: string) => CachedDecision | undefined
  /** Asks, without a look at the cache. */
  readonly ask: (check: Check) => CheckedVerdict | Promise<CheckedVerdict>
  /** Forgets what is kept or under way for a token, or for all. */
  readonly forget: (token?: string) => void
  readonly memory: Memory
}

/** Cached decisions and known tokens. A verifier that asks the same endpoint the same question may take them over. */
export interface Memory {
  readonly cache: Cache | undefined
  readonly tokens: KnownTokens
}

/**
 * Composes `cache( sharedCalls( recognise( enforceDeadline( limit( circuitBreaker( retry( endpoint )))))))`. The cache has a part on
 * either side of the shared flight: one that reads, and one that keeps what the flight brought. The breaker has one inside
 * of all that, and one that refuses before any of it is begun.
 */
export function createVerifier(
  config: ResolvedConfig,
  endpoint: string | undefined,
  channel: Channel,
  memory: Memory = createMemory(config),
): ComposedVerifier {
  const { cache, tokens } = memory
  const outage = createOutage(config)
  let timed = adopting(createSource(config, endpoint, channel))
  if (config.retry !== false) timed = retry(timed, config.retry, clock)
  const breaker = createBreaker(config, outage, channel)
  if (breaker !== undefined) timed = breaker.watch(timed)
  const limited = limit(timed, config.concurrency, { ...clock, hasKnown: () => !tokens.isEmpty() })
  const call = questioned(enforceDeadline(limited, clock))
  const bounded = recognise(breaker === undefined ? call : breaker.refuse(call), tokens, outage)
  const filled = cache === undefined ? bounded : cache.fill(bounded)
  const calls = new SharedCalls(filled, config, clock)
  const share: Verifier = (check, deadline) => calls.ask(check, deadline)
  const ask = cache === undefined ? share : cache.orStale(share, outage)
  return {
    lookUp: (token, told) => cache?.lookUp(token, told),
    ask: (check) => ask(check, clock.now() + config.timeoutMs),
    forget: (token) => {
      if (token === undefined) tokens.clear()
      else tokens.delete(tokens.markOf(token))
      cache?.forget(token)
      calls.forget(token)
    },
    memory,
  }
}

function createMemory({ cache }: ResolvedConfig): Memory {
  return {
    cache: cache === false ? undefined : new Cache(cache, clock),
    tokens: createKnownTokens(clock),
  }
}

function createOutage({ circuitBreaker }: ResolvedConfig): RecentOutage {
  return createRecentOutage(circuitBreaker === false ? 10_000 : circuitBreaker.windowMs, clock.now)
}

function createBreaker(
  { circuitBreaker }: ResolvedConfig,
  outage: RecentOutage,
  { report }: Channel,
): CircuitBreaker | undefined {
  if (circuitBreaker === false) return undefined
  return createCircuitBreaker(circuitBreaker, {
    ...clock,
    isFailure: outage.isShownBy,
    onState: (state, tokens) => {
      // However long it is open: the endpoint failed until it closes.
      outage.note()
      report?.({ type: 'circuit', state, tokens })
    },
  })
}

// The question is put together at the moment of its key: the headers of a request that waits may be changed by others.
function questioned(next: Verifier): Verifier {
  return (check, deadline) => {
    check.prepare()
    return next(check, deadline)
  }
}

// Outermost where code of the user's may throw, so that each policy sees errors of our class.
function adopting(next: TimedVerifier): TimedVerifier {
  return async (check, deadline, signal) => {
    try {
      return await next(check, deadline, signal)
    } catch (error) {
      throw adoptUnavailable(error)
    }
  }
}

function createSource(
  config: ResolvedConfig,
  endpoint: string | undefined,
  { notify }: Channel,
): TimedVerifier {
  const { verifier, identity, endpointHeaders, fetch } = config
  if (verifier !== undefined) return createCustomVerifier(verifier, identity)
  if (endpoint === undefined) throw new TypeError('There is neither an endpoint nor a verifier')
  return createEndpoint({ url: endpoint, headers: endpointHeaders, identity, fetch, notify })
}
