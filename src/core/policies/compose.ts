import { Cache } from './cache/cache.ts'
import { createAsked, shareVerdicts } from './cache/share-verdicts.ts'
import { createCircuitBreaker } from './circuit-breaker.ts'
import { enforceDeadline } from './deadline.ts'
import { KnownTokens, recognise } from './known-tokens.ts'
import { limit } from './limit/limit.ts'
import { RecentOutage, permitsStale, permitsStaleOfLocal } from './outage.ts'
import { retry } from './retry.ts'
import { SharedCalls } from './shared-calls.ts'
import { createCustomVerifier } from '../endpoint/custom-verifier.ts'
import { createEndpoint } from '../endpoint/endpoint.ts'
import { fateOfBadTenant, requireTenant } from '../endpoint/tenancy.ts'
import { adoptUnavailable } from '../errors.ts'
import { systemClock as clock } from '../runtime.ts'
import type { CachedDecision } from './cache/cached-decision.ts'
import type { VerdictStore } from './cache/verdict-store.ts'
import type { CircuitBreaker, CircuitBreakerHooks } from './circuit-breaker.ts'
import type { CircuitBreakerConfig } from '../auth-config.ts'
import type { ResolvedConfig } from '../config/parse.ts'
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
  /** Forgets what is cached or under way for a token, or for all tokens. */
  readonly forget: (token?: string) => void
  readonly memory: Memory
}

/** Cached decisions and known tokens. A verifier that asks the same endpoint the same question may take them over. */
export interface Memory {
  readonly cache: Cache | undefined
  readonly tokens: KnownTokens
  /** For `shareVerdicts`. */
  readonly asked: VerdictStore<number> | undefined
}

/** How a source of verdicts is spared while it fails. */
export type Protection = Pick<ResolvedConfig, 'retry' | 'circuitBreaker' | 'concurrency'>

/** The memory of a source of verdicts, and the observer of its circuits. */
export interface Lately {
  readonly tokens: KnownTokens
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
 * Composes `cache( sharedCalls( shareVerdicts( recognise( enforceDeadline( limit( circuitBreaker( retry( endpoint ))))))))`. The cache has a
 * part on either side of the shared call: one looks a decision up, one stores what the call brings. The circuit breaker has
 * one inside of all that, and one that rejects a check before anything is started for it.
 */
export function createVerifier(
  config: ResolvedConfig,
  endpoint: string | undefined,
  channel: Channel,
  memory: Memory = createMemory(config),
): ComposedVerifier {
  const { cache, tokens } = memory
  const outage = createOutage(config)
  // A caller with a made-up token must not stop a verifier that answers from memory for all others.
  const protection = config.traits?.local === true ? undefined : config
  const known = protect(createSource(config, endpoint, channel), protection, {
    tokens,
    outage,
    onState: (state, of) => channel.report?.({ type: 'circuit', state, tokens: of }),
  })
  const shared = shareAcrossInstances(known.ask, config, memory)
  const calls = new SharedCalls(cache?.fill(shared) ?? shared, config, clock)
  const share: Ask = (check, deadline) => calls.ask(check, deadline)
  const permits =
    protection === undefined ? permitsStaleOfLocal : (error: unknown) => permitsStale(error, outage)
  const ask = cache?.orStale(share, permits) ?? share
  // Another instance, or an expired allow, may stand in.
  const mayStandIn = shared !== known.ask || (config.cache && config.cache.staleIfErrorMs > 0)
  return {
    lookUp: (token, told) => cache?.lookUp(token, told),
    refusalOf: (check) => {
      if (cache !== undefined) check.cache = 'miss'
      const refusal = mayStandIn ? undefined : known.refusalOf?.(check)
      return refusal === undefined || calls.canJoin(check) ? undefined : refusal
    },
    ask: (check) => ask(check, clock.now() + config.timeoutMs),
    forget: (token) => {
      tokens.forget(token === undefined ? undefined : tokens.markOf(token))
      cache?.forget(token)
      calls.forget(token)
    },
    memory,
  }
}

function shareAcrossInstances(
  next: Ask,
  { cache, store, endpointHeaders, traits }: ResolvedConfig,
  { asked }: Memory,
): Ask {
  if (cache === false || store?.shared === undefined || asked === undefined) return next
  // The headers may tell the endpoint whose keys it must look among.
  const scope = JSON.stringify([store.shared.scope, endpointHeaders, traits?.id])
  return shareVerdicts(next, store.shared, { allowTtlMs: cache.allowTtlMs, asked, scope, clock })
}

function createMemory({ cache, store }: ResolvedConfig): Memory {
  return {
    cache: cache === false ? undefined : new Cache(cache, clock, store),
    tokens: new KnownTokens(clock),
    asked: cache === false || store?.shared === undefined ? undefined : createAsked(cache),
  }
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
  if (protection === undefined) {
    return { ask: recognise(enforceDeadline(adopting(source), clock), tokens, outage) }
  }
  const { retry: retries, circuitBreaker, concurrency } = protection
  const breaker =
    circuitBreaker === false ? undefined : createBreaker(circuitBreaker, outage, onState)
  let timed = adopting(source)
  if (retries !== false) timed = retry(timed, retries, clock)
  if (breaker !== undefined) timed = breaker.watch(timed)
  const call = enforceDeadline(
    limit(timed, concurrency, clock, () => !tokens.isEmpty(), isFinal),
    clock,
  )
  if (breaker === undefined) return { ask: recognise(call, tokens, outage) }
  const refusalOf = (check: Check): AuthUnavailableError | undefined => {
    if (breaker.areClosed()) return undefined
    check.isKnown = tokens.has(tokens.markOf(check.token))
    return breaker.refusalOf(check)
  }
  return { ask: recognise(breaker.rejectWhileOpen(call), tokens, outage), refusalOf }
}

/** Remembers an outage for as long as the circuit breaker does. */
export function createOutage({ circuitBreaker }: Pick<Protection, 'circuitBreaker'>): RecentOutage {
  if (circuitBreaker === false) return new RecentOutage(10_000, clock.now)
  return new RecentOutage(circuitBreaker.windowMs, clock.now, true)
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

function createSource(
  config: ResolvedConfig,
  endpoint: string | undefined,
  channel: Channel,
): TimedAsk {
  const source = createBareSource(config, endpoint, channel)
  return config.tenant === false ? source : requireTenant(source, config.tenant)
}

function createBareSource(
  config: ResolvedConfig,
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
