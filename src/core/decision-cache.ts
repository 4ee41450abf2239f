import type { DenyVerdict, Ask } from './endpoint/verdict.ts'
import type { DecisionStore } from './decision-store.ts'
import type { KnownTokens } from './policies/known-tokens.ts'
import type { SharedCall } from './policies/shared-calls.ts'
import type { UnderWay } from './policies/under-way.ts'
import type { KnownAdmission } from './response/admission.ts'

/** Everything that gives a decision its meaning, beside the question. */
export interface Scope {
  /** Equal in all instances whose guards decide alike. */
  readonly common: string
  /** Tells apart what only this process can, such as two functions. Empty if there is nothing of the kind. */
  readonly own: string
}

/** An allow, whose admission is made when it is stored, so that a hit allocates nothing. Or a denial. */
export type CachedDecision = {
  /** The verifier that decided, by its label. */
  readonly verifier: string | undefined
} & (
  | { readonly admission: KnownAdmission; readonly denial: undefined }
  | { readonly admission: undefined; readonly denial: DenyVerdict }
)

/** The part of a cache that belongs to the guards of one scope. */
export interface Partition {
  /** Whether something else than the endpoint may decide: an expired allow, or another instance. */
  readonly mayStandIn: boolean
  readonly tokens: KnownTokens
  /** The calls of all guards of the scope. */
  readonly calls: UnderWay<SharedCall>
  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  readonly lookUp: (token: string, told: string) => CachedDecision | undefined
  /** Stores what a call brings. Inside of the shared call: it happens once, and before any check is answered. */
  readonly fill: (next: Ask) => Ask
  /** Asks on a miss. Outside of the shared call. During an outage an expired allow may stand in. */
  readonly orStale: (next: Ask, permits: (error: unknown) => boolean) => Ask
  /** Drops its decisions and known tokens, and tells no store. */
  readonly forget: () => void
}

/** The bounds of a cache, with their defaults. */
export interface CacheBounds {
  readonly allowTtlMs: number
  readonly denyTtlMs: number
  readonly staleIfErrorMs: number
  readonly maxEntries: number
  /** With a store. */
  readonly store?: { readonly revocationMs: number; readonly lostPushTtlMs: number } | undefined
}

/** A cache of decisions, which one or more guards share. `memoryCache` makes it. */
export interface DecisionCache {
  /**
   * Drops the cached decisions about a token. Decisions under way are not cached. The next request asks again. Change the
   * answer of the endpoint first.
   *
   * @returns Resolves at once without `store`. With it, resolves when the store has the revocation: no instance then uses an
   * older decision for longer than `revocationMs`. It is tried again until then, and rejects after `allowTtlMs`.
   * @throws TypeError if the token is not a string.
   */
  readonly invalidate: (token: string) => Promise<void>
  /**
   * Like `invalidate`, for the SHA-256 of a token in hexadecimal. Without `store` it drops all decisions of this instance,
   * since it cannot tell which of them the hash means.
   *
   * @throws TypeError if the hash is not 64 hexadecimal digits.
   */
  readonly invalidateBy: (by: { readonly sha256: string }) => Promise<void>
  /** Drops all cached decisions, with `store` those of all instances with the same `prefix`. Else like `invalidate`. */
  readonly clear: () => Promise<void>
  /** Returns its bounds, with their defaults. */
  readonly describe: () => CacheBounds
  /** Stops its `store`, if it has one: closes the connections, and rejects revocations that wait. */
  readonly stop: () => void
}

/** A cache as guards use it. */
export abstract class PartitionedCache implements DecisionCache {
  readonly #isOurs = true
  abstract readonly invalidate: DecisionCache['invalidate']
  abstract readonly invalidateBy: DecisionCache['invalidateBy']
  abstract readonly clear: DecisionCache['clear']
  abstract readonly describe: DecisionCache['describe']
  abstract readonly stop: DecisionCache['stop']
  abstract readonly store: DecisionStore | undefined

  /** Whether a value is a cache that this copy of the package has made. */
  static isOne(value: unknown): value is PartitionedCache {
    return typeof value === 'object' && value !== null && #isOurs in value && value.#isOurs
  }

  abstract open(scope: Scope): Partition
}
