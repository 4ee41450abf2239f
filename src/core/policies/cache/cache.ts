import { allowOf, denialOf } from './cached-decision.ts'
import { sizeOf, sizeOfText } from './identity-size.ts'
import { copyOf, VerdictStore } from './verdict-store.ts'
import { UnderWay } from '../under-way.ts'
import type { CachedDecision } from './cached-decision.ts'
import type { Call } from '../under-way.ts'
import type { CacheConfig } from '../../auth-config.ts'
import type { DecisionStore, Stamp } from '../../decision-store.ts'
import type { Ask, ParsedVerdict, PendingVerdict } from '../../endpoint/verdict.ts'
import type { Check } from '../../request/check.ts'
import type { Clock } from '../../runtime.ts'
import type { SkipReason } from '../../types.ts'

/** A call whose verdict may be cached. */
interface Fill extends Call {
  readonly startedAt: number
  readonly wallStartedAt: number
  /** The check has it too, for whoever joins its call. It may start another call later. */
  readonly stamp: Stamp | undefined
}

const MAX_ENTRIES_PER_TOKEN = 64
const JITTER = 0.1

/** Caches decisions, never failures. Denials have a store of their own, so that invalid tokens drop no allow. */
export class Cache {
  readonly #options: Required<CacheConfig>
  readonly #clock: Clock
  readonly #store: Pick<DecisionStore, 'stamp'> | undefined
  readonly #allows: VerdictStore<CachedDecision>
  readonly #denials: VerdictStore<CachedDecision>
  readonly #fills = new UnderWay<Fill>()
  readonly #madeAt: number
  readonly #wallMadeAt: number

  constructor(options: Required<CacheConfig>, clock: Clock, store?: Pick<DecisionStore, 'stamp'>) {
    const { maxEntries, maxBytes } = options
    const bounds = { maxEntries, maxEntriesPerToken: MAX_ENTRIES_PER_TOKEN }
    this.#options = options
    this.#clock = clock
    this.#store = store
    this.#allows = new VerdictStore({ ...bounds, maxBytes: maxBytes * 0.75 })
    this.#denials = new VerdictStore({ ...bounds, maxBytes: maxBytes * 0.25 })
    this.#madeAt = clock.now()
    this.#wallMadeAt = clock.wallNow()
  }

  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  lookUp(token: string, told: string): CachedDecision | undefined {
    return this.#unexpired(this.#allows, token, told) ?? this.#unexpired(this.#denials, token, told)
  }

  /** Asks on a miss. Outside of the shared call. During an outage an expired allow may stand in. */
  orStale(next: Ask, permits: (error: unknown) => boolean): Ask {
    const askOrStale = async (check: Check, deadline: number): Promise<ParsedVerdict> => {
      try {
        return await next(check, deadline)
      } catch (error) {
        // Looked up only now, after any other check's decision or an invalidation.
        const verdict = permits(error) ? (this.#hit(check) ?? this.#stale(check)) : undefined
        if (verdict === undefined) throw error
        return verdict
      }
    }
    return (check, deadline) => {
      check.cache = 'miss'
      return this.#options.staleIfErrorMs === 0
        ? next(check, deadline)
        : askOrStale(check, deadline)
    }
  }

  /** Stores what a call brings. Inside of the shared call: it happens once, and before any check is answered. */
  fill(next: Ask): Ask {
    return (check, deadline) => {
      const verdict = this.#hit(check)
      if (verdict !== undefined) return verdict
      const startedAt = this.#clock.now()
      const wallStartedAt = this.#clock.wallNow()
      const stamp = this.#store?.stamp(check.token, startedAt, wallStartedAt)
      check.stamp = stamp
      const fill: Fill = { check, deadline, startedAt, wallStartedAt, stamp, isOutdated: false }
      this.#fills.begin(fill, startedAt)
      try {
        return this.#storeWhenDone(fill, next(check, deadline))
      } catch (error) {
        this.#fills.end(fill)
        throw error
      }
    }
  }

  /** Drops all decisions about a token, or all decisions. Those under way will not be stored. */
  forget(token?: string): void {
    this.#allows.forget(token)
    this.#denials.forget(token)
    this.#fills.outdate(token)
  }

  #unexpired(
    store: VerdictStore<CachedDecision>,
    token: string,
    told: string,
  ): CachedDecision | undefined {
    const decision = store.get(token, told)
    return decision !== undefined && this.#isUsable(decision, 0) ? decision : undefined
  }

  // Both clocks must agree: one may stop while a machine is frozen, the other may be set back and forth.
  #isUsable(decision: CachedDecision, extraMs: number): boolean {
    const { ttlMs, askedAt, wallAskedAt, lifeMs, stamp, admission } = decision
    const wallNow = this.#clock.wallNow()
    const now = this.#clock.now()
    // A denial admits no request, so it may outlive the connection to the store.
    const isTrusted = admission === undefined ? stamp?.isCurrent() : stamp?.isGood(now, wallNow)
    if (isTrusted === false) return false
    const ageMs = now - this.#madeAt - askedAt
    const wallAgeMs = wallNow - this.#wallMadeAt - wallAskedAt
    const mostMs = Math.min(ttlMs + extraMs, lifeMs ?? Infinity)
    return ageMs < mostMs && wallAgeMs >= 0 && wallAgeMs < mostMs
  }

  #hit(check: Check): ParsedVerdict | undefined {
    const decision = this.lookUp(check.token, check.told)
    if (decision === undefined) return undefined
    check.cache = 'hit'
    check.verifier = decision.verifier
    const { admission, denial } = decision
    return admission === undefined ? denial : { outcome: 'allow', auth: admission.auth }
  }

  #stale(check: Check): ParsedVerdict | undefined {
    const decision = this.#allows.get(check.token, check.told)
    const auth = decision?.admission?.auth
    if (decision === undefined || auth === undefined || decision.mustRevalidate) return undefined
    if (!this.#isUsable(decision, this.#options.staleIfErrorMs)) return undefined
    check.cache = 'stale'
    check.verifier = decision.verifier
    return { outcome: 'allow', auth: Object.freeze({ __proto__: null, ...auth, stale: true }) }
  }

  async #storeWhenDone(fill: Fill, pending: PendingVerdict): Promise<ParsedVerdict> {
    try {
      const verdict = await pending
      this.#replace(fill, verdict)
      return verdict
    } finally {
      this.#fills.end(fill)
    }
  }

  #replace(fill: Fill, verdict: ParsedVerdict): void {
    const { check, stamp } = fill
    // After any denial an older allow must admit no request, not even as a stale one. With a store the cached allow may come
    // from an instance that asked earlier, as far as clocks can tell.
    const isAsked = stamp !== undefined && verdict.ageMs === undefined
    if (verdict.outcome === 'deny' || verdict.maxAgeMs === 0 || isAsked) {
      this.#allows.delete(check.token, check.told)
    }
    // Drop the older denial too: setting the clock back could revive it.
    this.#denials.delete(check.token, check.told)
    // A retry asks later than its call began, so the order of two calls is not known. If one of them is denied, neither is
    // cached.
    const isContested = verdict.outcome === 'deny' && this.#fills.outdateOthers(check.key, fill)
    if (verdict.outcome === 'deny' && verdict.error !== undefined) return
    const isOutdated = fill.isOutdated || isContested || stamp?.isCurrent() === false
    check.skipped = isOutdated ? 'outdated' : this.#keep(fill, verdict)
    if (!isOutdated && verdict.outcome === 'allow') verdict.share?.()
    if (check.skipped !== undefined) check.cache = 'skipped'
    this.#fills.outdateOlder(fill)
  }

  #keep(fill: Fill, verdict: ParsedVerdict): SkipReason | undefined {
    if (verdict.maxAgeMs === 0) return 'no_store'
    if (verdict.outcome === 'deny' && !verdict.isLasting) return 'status'
    const { allowTtlMs, denyTtlMs } = this.#options
    const longestMs = Math.min(
      verdict.outcome === 'allow' ? allowTtlMs : denyTtlMs,
      verdict.maxAgeMs ?? Infinity,
    )
    // Shorter by up to a tenth, so that decisions of the same moment do not expire together.
    const ttlMs = Math.floor(longestMs * (1 - JITTER * this.#clock.random()))
    if (ttlMs <= 0) return 'ttl'
    return this.#fits(fill, verdict, ttlMs) ? undefined : 'too_large'
  }

  #fits(fill: Fill, verdict: ParsedVerdict, ttlMs: number): boolean {
    const { token, told, verifier } = fill.check
    const { ageMs = 0 } = verdict
    const common = {
      verifier,
      ttlMs,
      askedAt: Math.floor(fill.startedAt - this.#madeAt - ageMs),
      wallAskedAt: Math.floor(fill.wallStartedAt - this.#wallMadeAt - ageMs),
      stamp: fill.stamp,
    }
    if (verdict.outcome === 'deny') {
      const { explanation } = verdict
      if (explanation === undefined) {
        return this.#denials.set(token, told, denialOf(verdict, common), 0)
      }
      const denial = denialOf({ ...verdict, explanation: copyOf(explanation) }, common)
      return this.#denials.set(token, told, denial, sizeOfText(explanation))
    }
    const lifeMs = (verdict.auth.expiresAt ?? Infinity) - (fill.wallStartedAt - ageMs)
    const isShort = lifeMs < ttlMs + this.#options.staleIfErrorMs
    const allow = allowOf(verdict, common, isShort ? Math.floor(lifeMs) : undefined)
    return this.#allows.set(token, told, allow, sizeOf(verdict.auth))
  }
}
