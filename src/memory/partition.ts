import { timedDecision } from './cached-decision.ts'
import { shareDecisions } from './sharing.ts'
import type { TimedDecision } from './cached-decision.ts'
import type { Entries } from './entries.ts'
import type { Fill, Memory, Parts } from './parts.ts'
import { Partition } from '../core/asking/partition.ts'
import type { CachedDecision } from '../core/asking/partition.ts'
import type { Scope } from '../core/decision-store.ts'
import type { Ask, ParsedVerdict, PendingVerdict } from '../core/endpoint/verdict.ts'
import type { KnownTokens } from '../core/asking/known-tokens.ts'
import type { SharedCall } from '../core/asking/shared-calls.ts'
import type { UnderWay } from '../core/asking/under-way.ts'
import type { Check } from '../core/request/check.ts'
import type { SkipReason } from '../core/types.ts'

const JITTER = 0.1

/** The partition of a scope, as its guards use it. Caches decisions, never failures. */
export class CachePartition extends Partition {
  readonly mayStandIn: boolean
  readonly #memory: Memory
  readonly #scope: Scope
  readonly #reopen: () => Parts
  #parts: Parts

  /** @param reopen Returns the open parts of the same scope. */
  constructor(memory: Memory, scope: Scope, reopen: () => Parts) {
    super()
    this.#memory = memory
    this.#scope = scope
    this.#reopen = reopen
    this.#parts = reopen()
    this.mayStandIn = memory.bounds.staleIfErrorMs > 0 || memory.store?.shared !== undefined
  }

  get tokens(): KnownTokens {
    return this.#open().tokens
  }

  get calls(): UnderWay<SharedCall> {
    return this.#open().calls
  }

  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  lookUp(token: string, told: string): CachedDecision | undefined {
    const { allows, denials } = this.#open()
    return this.#unexpired(allows, token, told) ?? this.#unexpired(denials, token, told)
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
      return this.#memory.bounds.staleIfErrorMs === 0
        ? next(check, deadline)
        : askOrStale(check, deadline)
    }
  }

  /** Stores what a call brings. Inside of the shared call: it happens once, and before any check is answered. */
  fill(next: Ask): Ask {
    const { clock, store } = this.#memory
    const ask = this.#share(next)
    return (check, deadline) => {
      const verdict = this.#hit(check)
      if (verdict !== undefined) return verdict
      const startedAt = clock.now()
      const wallStartedAt = clock.wallNow()
      const stamp = store?.stamp(check.token, startedAt, wallStartedAt)
      check.stamp = stamp
      const { fills: among } = this.#open()
      const times = { deadline, startedAt, wallStartedAt }
      const fill: Fill = { check, ...times, stamp, among, isOutdated: false }
      among.begin(fill, startedAt)
      try {
        return this.#storeWhenDone(fill, ask(check, deadline))
      } catch (error) {
        among.end(fill)
        throw error
      }
    }
  }

  /** Takes nothing from other instances either that was asked for before now. */
  forget(): void {
    this.#open().forget()
    this.#memory.store?.shared?.forget()
  }

  // Decisions of guards that are not equal must not meet, so a closed partition is never used again.
  #open(): Parts {
    if (!this.#parts.isOpen) this.#parts = this.#reopen()
    this.#parts.isUsed = true
    return this.#parts
  }

  #share(next: Ask): Ask {
    const { store, clock, bounds } = this.#memory
    if (store?.shared === undefined || !this.#memory.mayShare(this.#scope)) return next
    const scope = JSON.stringify([store.shared.scope, this.#scope.common])
    const asked = (): Pick<Parts, 'asked' | 'askedSince'> => this.#open()
    return shareDecisions(next, store.shared, {
      allowTtlMs: bounds.allowTtlMs,
      asked,
      scope,
      clock,
    })
  }

  #unexpired(
    entries: Entries<TimedDecision>,
    token: string,
    told: string,
  ): TimedDecision | undefined {
    const decision = entries.get(token, told)
    return decision !== undefined && this.#isUsable(decision, 0) ? decision : undefined
  }

  // Both clocks must agree: one may stop while a machine is frozen, the other may be set back and forth.
  #isUsable(decision: TimedDecision, extraMs: number): boolean {
    const { ttlMs, askedAt, wallAskedAt, lifeMs, stamp, admission } = decision
    const { clock, madeAt, wallMadeAt } = this.#memory
    const wallNow = clock.wallNow()
    const now = clock.now()
    // A denial admits no request, so it may outlive the connection to the store.
    const isTrusted = admission === undefined ? stamp?.isCurrent() : stamp?.isGood(now, wallNow)
    if (isTrusted === false) return false
    const ageMs = now - madeAt - askedAt
    const wallAgeMs = wallNow - wallMadeAt - wallAskedAt
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
    const decision = this.#open().allows.get(check.token, check.told)
    const auth = decision?.admission?.auth
    if (decision === undefined || auth === undefined || decision.mustRevalidate) return undefined
    if (!this.#isUsable(decision, this.#memory.bounds.staleIfErrorMs)) return undefined
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
      fill.among.end(fill)
    }
  }

  #replace(fill: Fill, verdict: ParsedVerdict): void {
    const { check, stamp } = fill
    const { allows, denials, fills } = this.#open()
    // After any denial an older allow must admit no request, not even as a stale one. With a store the cached allow may come
    // from an instance that asked earlier, as far as clocks can tell.
    const isAsked = stamp !== undefined && verdict.ageMs === undefined
    if (verdict.outcome === 'deny' || verdict.maxAgeMs === 0 || isAsked) {
      allows.delete(check.token, check.told)
    }
    // Drop the older denial too: setting the clock back could revive it.
    denials.delete(check.token, check.told)
    // A retry asks later than its call began, so the order of two calls is not known. If one of them is denied, neither is
    // cached.
    const isContested = verdict.outcome === 'deny' && fills.outdateOthers(check.key, fill)
    if (verdict.outcome === 'deny' && verdict.error !== undefined) return
    const isOutdated = fill.isOutdated || isContested || stamp?.isCurrent() === false
    check.skipped = isOutdated ? 'outdated' : this.#keep(fill, verdict)
    if (!isOutdated && verdict.outcome === 'allow') verdict.share?.()
    if (check.skipped !== undefined) check.cache = 'skipped'
    fill.among.outdateOlder(fill)
  }

  #keep(fill: Fill, verdict: ParsedVerdict): SkipReason | undefined {
    if (verdict.maxAgeMs === 0) return 'no_store'
    if (verdict.outcome === 'deny' && !verdict.isLasting) return 'status'
    const { bounds, clock } = this.#memory
    const { allowTtlMs, denyTtlMs } = bounds
    const longestMs = Math.min(
      verdict.outcome === 'allow' ? allowTtlMs : denyTtlMs,
      verdict.maxAgeMs ?? Infinity,
    )
    // Shorter by up to a tenth, so that decisions of the same moment do not expire together.
    const ttlMs = Math.floor(longestMs * (1 - JITTER * clock.random()))
    if (ttlMs <= 0) return 'ttl'
    return this.#fits(fill, verdict, ttlMs) ? undefined : 'too_large'
  }

  #fits({ check, ...fill }: Fill, verdict: ParsedVerdict, ttlMs: number): boolean {
    const { token, told, verifier } = check
    const { allows, denials } = this.#open()
    const { decision, bytes } = timedDecision(verdict, { ...fill, verifier, ttlMs }, this.#memory)
    const entries = verdict.outcome === 'allow' ? allows : denials
    return entries.set(token, told, decision, bytes)
  }
}
