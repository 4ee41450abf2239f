import { timedDecision } from './cached-decision.ts'
import { shareDecisions } from './sharing.ts'
import type { TimedDecision } from './cached-decision.ts'
import type { Entries } from './entries.ts'
import type { Memory, Parts } from './parts.ts'
import { Partition } from '../core/asking/partition.ts'
import { usualField } from '../core/request/credentials.ts'
import type { KnownTokens } from '../core/asking/known-tokens.ts'
import type { CachedDecision } from '../core/asking/partition.ts'
import type { PendingCall, UnderWay } from '../core/asking/under-way.ts'
import type { Scope, Stamp } from '../core/seams.ts'
import type { ParsedVerdict } from '../core/endpoint/verdict.ts'
import type { KnownAdmission } from '../core/response/admission.ts'
import type { SkipReason } from '../core/types.ts'

const JITTER = 0.1

/** The partition of a scope, as its guards use it. Caches decisions, never failures. */
export class CachePartition extends Partition {
  readonly hasStale: boolean
  readonly share: Partition['share']
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
    this.hasStale = memory.bounds.staleIfErrorMs > 0
    this.share = this.#share()
  }

  get tokens(): KnownTokens {
    return this.#open().tokens
  }

  get calls(): UnderWay {
    return this.#open().calls
  }

  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  lookUp(token: string, told: string): CachedDecision | undefined {
    const { allows, denials } = this.#open()
    const field = usualField(token)
    return this.#unexpired(allows, field, told) ?? this.#unexpired(denials, field, told)
  }

  recall(field: string): KnownAdmission | undefined {
    const decision = this.#unexpired(this.#open().allows, field, '')
    return decision?.admitted === true ? decision : undefined
  }

  /** An allow that has expired, and may stand in during an outage. */
  lookUpStale(token: string, told: string): CachedDecision | undefined {
    const decision = this.#open().allows.get(usualField(token), told)
    if (decision?.admitted !== true || decision.mustRevalidate) return undefined
    if (!this.#isUsable(decision, this.#memory.bounds.staleIfErrorMs)) return undefined
    const stale = Object.freeze({ __proto__: null, ...decision.auth, stale: true })
    return { admitted: true, auth: stale, denial: undefined, verifier: decision.verifier }
  }

  stamp(token: string, now: number, wallNow: number): Stamp | undefined {
    this.#memory.start()
    return this.#memory.store?.stamp(token, now, wallNow)
  }

  store(call: PendingCall, verdict: ParsedVerdict, isContested: boolean): SkipReason | undefined {
    const { stamp, start } = call
    const { token, told } = start.check
    const { allows, denials } = this.#open()
    const field = usualField(token)
    // After any denial an older allow must admit no request, not even as a stale one. With a store the cached allow may come
    // from an instance that asked earlier, as far as clocks can tell.
    const isAsked = stamp !== undefined && verdict.ageMs === undefined
    if (verdict.outcome === 'deny' || verdict.maxAgeMs === 0 || isAsked) allows.delete(field, told)
    // Drop the older denial too: setting the clock back could revive it.
    denials.delete(field, told)
    if (verdict.error !== undefined) return undefined
    const isOutdated = call.isOutdated || call.isSuperseded || isContested
    if (isOutdated || stamp?.isCurrent() === false) return 'outdated'
    const skipped = this.#keep(call, verdict)
    if (verdict.outcome === 'allow') verdict.share?.()
    return skipped
  }

  /** Takes nothing from other instances either that was asked for before now. */
  forget(): void {
    this.#open().distrust()
  }

  // Decisions of guards that are not equal must not meet, so a closed partition is never used again.
  #open(): Parts {
    if (!this.#parts.isOpen) this.#parts = this.#reopen()
    this.#parts.isUsed = true
    return this.#parts
  }

  #share(): Partition['share'] {
    const { store, clock, bounds } = this.#memory
    // Other instances know what has no id as little as this one knows theirs.
    if (store?.shared === undefined || this.#scope.own !== '') return undefined
    const scope = JSON.stringify([store.shared.scope, this.#scope.common])
    const asked = (): Pick<Parts, 'asked' | 'askedSince'> => this.#open()
    return shareDecisions(store.shared, { allowTtlMs: bounds.allowTtlMs, asked, scope, clock })
  }

  #unexpired(
    entries: Entries<TimedDecision>,
    field: string,
    told: string,
  ): TimedDecision | undefined {
    const decision = entries.get(field, told)
    return decision !== undefined && this.#isUsable(decision, 0) ? decision : undefined
  }

  // Both clocks must agree: one may stop while a machine is frozen, the other may be set back and forth.
  #isUsable(decision: TimedDecision, extraMs: number): boolean {
    const { admitted, ttlMs, askedAt, wallAskedAt, lifeMs, stamp } = decision
    const { clock, madeAt, wallMadeAt } = this.#memory
    const wallNow = clock.wallNow()
    const now = clock.now()
    // A denial admits no request, so it may outlive the connection to the store.
    const isTrusted = admitted ? stamp?.isGood(now, wallNow) : stamp?.isCurrent()
    if (isTrusted === false) return false
    const ageMs = now - madeAt - askedAt
    const wallAgeMs = wallNow - wallMadeAt - wallAskedAt
    const mostMs = Math.min(ttlMs + extraMs, lifeMs ?? Infinity)
    return ageMs < mostMs && wallAgeMs >= 0 && wallAgeMs < mostMs
  }

  #keep(call: PendingCall, verdict: ParsedVerdict): SkipReason | undefined {
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
    return this.#fits(call, verdict, ttlMs) ? undefined : 'too_large'
  }

  #fits({ start, wallNow, stamp }: PendingCall, verdict: ParsedVerdict, ttlMs: number): boolean {
    const { check, facts, now } = start
    const { allows, denials } = this.#open()
    const asked = { verifier: facts.verifier, ttlMs, stamp, startedAt: now, wallStartedAt: wallNow }
    const { decision, bytes } = timedDecision(verdict, asked, this.#memory)
    const entries = verdict.outcome === 'allow' ? allows : denials
    return entries.set(usualField(check.token), check.told, decision, bytes)
  }
}
