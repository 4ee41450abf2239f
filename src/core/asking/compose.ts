import { createCircuitBreaker } from './circuit-breaker.ts'
import { enforceDeadline } from './deadline.ts'
import { Generations, KnownTokens, recognise } from './known-tokens.ts'
import { limit } from './slots/limit.ts'
import { RecentOutage, permitsStale, permitsStaleOfLocal } from './outage.ts'
import { Partition } from './partition.ts'
import { retry } from './retry.ts'
import { SharedCalls } from './shared-calls.ts'
import { UnderWay } from './under-way.ts'
import { createCustomVerifier } from '../endpoint/checked-verifier.ts'
import { createEndpoint } from '../endpoint/endpoint.ts'
import { fateOfBadTenant, requireTenant } from '../endpoint/tenancy.ts'
import { adoptUnavailable } from '../errors.ts'
import { systemClock as clock } from '../runtime.ts'
import { scopeOf } from './scope.ts'
import type { DecidingOptions } from './scope.ts'
import type { SharedCall } from './shared-calls.ts'
import type { CachedDecision } from './partition.ts'
import type { PartitionedCache, Scope } from '../decision-store.ts'
import type { CircuitBreaker, CircuitBreakerHooks } from './circuit-breaker.ts'
import type { CircuitBreakerConfig, ConcurrencyConfig, RetryConfig } from '../auth-config.ts'
import type { PendingVerdict, TimedAsk, Ask } from '../endpoint/verdict.ts'
import type { AuthUnavailableError } from '../errors.ts'
import type { Channel } from '../response/events.ts'
import type { Check } from '../request/check.ts'

/** The endpoint, or the verifier in its place, with all policies around it. */
export interface ComposedVerifier {
  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  readonly lookUp: (token: string, told: string) => CachedDecision | undefined
  /** The error of an open circuit, if `ask` would throw it. A throw below a server costs as much as the rest of a rejection. */
  readonly refusalOf: (check: Check) => AuthUnavailableError | undefined
  /** Asks without a look at the cache. */
  readonly ask: (check: Check) => PendingVerdict
  /** Forgets what is cached, known or under way, for all guards that decide alike. */
  readonly forget: () => void
}

/** How a source of verdicts is spared while it fails. */
export interface Protection {
  readonly retry: false | Required<RetryConfig>
  readonly circuitBreaker: false | Required<CircuitBreakerConfig>
  readonly concurrency: Required<ConcurrencyConfig>
}

/** The options that decide about requests, with their defaults. */
interface Options extends DecidingOptions, Protection {
  readonly cache: false | PartitionedCache
  readonly timeoutMs: number
}

/** The memory of a source of verdicts, and the observer of its circuits. */
export interface Lately {
  readonly tokens: () => KnownTokens
  readonly outage: RecentOutage
  readonly onState: CircuitBreakerHooks['onState']
  /** `false` if another source may be asked after a denial. */
  readonly isFinal?: boolean
}

/** A source of verdicts with its policies. */
export interface Protected extends Partial<Pick<ComposedVerifier, 'refusalOf'>> {
  readonly ask: Ask
}

/**
 * Composes `cache( sharedCalls( cache( recognise( enforceDeadline( limit( circuitBreaker( retry( endpoint ))))))))`. The cache has a
 * part on either side of the shared call: one looks a decision up, one stores what the call brings. The circuit breaker has
 * one inside of all that, and one that rejects a check before anything is started for it.
 */
export function createVerifier(
  config: Options,
  endpoint: string | undefined,
  channel: Channel,
): ComposedVerifier {
  const partition =
    config.cache === false ? undefined : openPartition(config.cache, scopeOf(config, endpoint))
  const memory = partition ?? createMemory()
  const outage = createOutage(config)
  // A caller with a made-up token must not stop a verifier that answers from memory for all others.
  const protection = config.verifier?.local === true ? undefined : config
  const known = protect(createSource(config, endpoint, channel), protection, {
    tokens: () => memory.tokens,
    outage,
    onState: (state, of) => channel.report?.({ type: 'circuit', state, tokens: of }),
  })
  const next = partition?.fill(known.ask) ?? known.ask
  const calls = new SharedCalls(next, config, clock, () => memory.calls)
  const share: Ask = (check, deadline) => calls.ask(check, deadline)
  const permits =
    protection === undefined ? permitsStaleOfLocal : (error: unknown) => permitsStale(error, outage)
  const ask = partition?.orStale(share, permits) ?? share
  return {
    lookUp: (token, told) => partition?.lookUp(token, told),
    refusalOf: (check) => {
      if (partition !== undefined) check.cache = 'miss'
      const refusal = partition?.mayStandIn === true ? undefined : known.refusalOf?.(check)
      return refusal === undefined || calls.canJoin(check) ? undefined : refusal
    },
    ask: (check) => ask(check, clock.now() + config.timeoutMs),
    forget: () => memory.forget(),
  }
}

function openPartition(cache: PartitionedCache, scope: Scope): Partition {
  const partition = cache.open(scope)
  if (partition instanceof Partition) return partition
  throw new TypeError('The cache opened no partition')
}

/** The memory of a guard without a cache. */
function createMemory(): Pick<Partition, 'tokens' | 'calls' | 'forget'> {
  const tokens = new KnownTokens(new Generations(clock))
  const calls = new UnderWay<SharedCall>()
  const forget = (): void => {
    tokens.forget()
    calls.outdate()
  }
  return { tokens, calls, forget }
}

/**
 * Composes `recognise( enforceDeadline( limit( circuitBreaker( retry( source )))))` around one source of verdicts.
 *
 * @param protection `undefined` for a source that answers from memory: then only the deadline is enforced.
 */
export function protect(
  source: TimedAsk,
  protection: Protection | undefined,
  { tokens, outage, onState, isFinal }: Lately,
): Protected {
  // Nothing goes first there, so no token is remembered for it.
  if (protection === undefined) return { ask: enforceDeadline(adopting(source), clock) }
  const { retry: retries, circuitBreaker, concurrency } = protection
  const breaker =
    circuitBreaker === false ? undefined : createBreaker(circuitBreaker, outage, onState)
  let timed = adopting(source)
  if (retries !== false) timed = retry(timed, retries, clock)
  if (breaker !== undefined) timed = breaker.watch(timed)
  const call = enforceDeadline(
    limit(timed, concurrency, clock, () => !tokens().isEmpty(), isFinal),
    clock,
  )
  if (breaker === undefined) return { ask: recognise(call, tokens, outage) }
  const refusalOf = (check: Check): AuthUnavailableError | undefined => {
    if (breaker.areClosed()) return undefined
    check.isKnown = tokens().has(check.token)
    return breaker.refusalOf(check)
  }
  return { ask: recognise(breaker.rejectWhileOpen(call), tokens, outage), refusalOf }
}

/** Remembers an outage for as long as the circuit breaker does. */
export function createOutage({ circuitBreaker }: Pick<Protection, 'circuitBreaker'>): RecentOutage {
  return new RecentOutage(clock.now, circuitBreaker !== false)
}

function createBreaker(
  options: Required<CircuitBreakerConfig>,
  outage: RecentOutage,
  onState: CircuitBreakerHooks['onState'],
): CircuitBreaker {
  return createCircuitBreaker(options, clock, {
    isFailure: (error, check) => outage.isShownBy(error, check),
    onState: (state, tokens) => {
      // The endpoint counts as failing until the circuit closes, however long that takes. Made-up tokens must not cause it.
      if (tokens === 'known') outage.note()
      onState(state, tokens)
    },
  })
}

// Next to the code of the user that may throw, so that each policy sees errors of our class.
function adopting(next: TimedAsk): TimedAsk {
  return async (check, deadline, signal) => {
    try {
      return await next(check, deadline, signal)
    } catch (error) {
      throw adoptUnavailable(error)
    }
  }
}

function createSource(config: Options, endpoint: string | undefined, channel: Channel): TimedAsk {
  const source = createBareSource(config, endpoint, channel)
  return config.tenant === false ? source : requireTenant(source, config.tenant)
}

function createBareSource(
  config: Options,
  endpoint: string | undefined,
  channel: Channel,
): TimedAsk {
  const { verifier, identity, endpointHeaders: headers, fetch, tenantField, tenant } = config
  const badTenant = fateOfBadTenant(tenant, tenantField)
  if (verifier !== undefined) {
    return createCustomVerifier(verifier, identity, channel, badTenant === 'ignored')
  }
  if (endpoint === undefined) throw new TypeError('The config has no endpoint and no verifier')
  const { notify } = channel
  return createEndpoint({ url: endpoint, headers, identity, tenantField, badTenant, fetch, notify })
}
