import type { Auth, DecisionEvent, NoticeEvent, StoreEvent } from './types.ts'

/** The state before a question is sent. The decision about it carries this stamp. */
export interface Stamp {
  /** Whether no revocation has arrived since. */
  isCurrent(): boolean
  /** Whether one would have arrived too, by both clocks, so that an allow may still be used. */
  isGood(now: number, wallNow: number): boolean
}

/** Decisions to revoke: those about a token, about the token with this SHA-256 in hexadecimal, or all. */
export type Revocation = { readonly token: string } | { readonly sha256: string } | 'all'

/** A question whose decision several instances may share. */
export interface SharedQuestion {
  readonly token: string
  /** Everything else that gives the decision its meaning. */
  readonly told: string
}

/** An allow that an instance got from the endpoint. */
export interface SharedAllow {
  readonly auth: Auth
  /** The time of day at which the endpoint was asked. */
  readonly askedAt: number
  readonly ttlMs: number
  /** It must not stand in after it has expired. */
  readonly mustRevalidate?: true
}

/** The answer of the store to a question. Empty if it cannot be asked. */
export interface Recalled {
  readonly allow?: SharedAllow
  /** Lets other instances take this allow, unless a revocation came since the store was asked. Never throws. */
  readonly share?: (allow: SharedAllow) => void
}

/** Decisions that instances share. */
export interface SharedDecisions {
  /** Keeps decisions apart that have another meaning for a reason that only the operator knows. */
  readonly scope: string | undefined
  /** Never rejects, and takes at most `withinMs`. */
  readonly recall: (question: SharedQuestion, withinMs: number) => Promise<Recalled>
}

/** Connects instances, so that a revocation reaches all of them. `redisStore` of `with-auth/redis` makes one. */
export interface DecisionStore {
  /** The longest time that a revoked token works, in milliseconds, while the store can be reached. */
  readonly revocationMs: number
  /** The longest time that a decision is used while the store cannot be reached, in milliseconds from the call. */
  readonly lostPushTtlMs: number
  readonly shared: SharedDecisions | undefined
  /** Called with each question, and before each revocation. A listener with the same key is replaced. */
  readonly start: (key: unknown, listener: (event: StoreEvent | NoticeEvent) => void) => void
  readonly stamp: (token: string, now: number, wallNow: number) => Stamp
  /** Resolves once no instance uses an older decision for longer than `revocationMs`. Rejects after `withinMs`. */
  readonly invalidate: (revocation: Revocation, withinMs: number) => Promise<void>
  /** Closes its connections, and rejects revocations that wait. It cannot be started again. May be called more than once. */
  readonly stop: () => void
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
   * older decision for longer than `revocationMs`. It is tried again until then, and rejects after `allowTtlMs`, or after the
   * `lostPushTtlMs` of the store if that is longer.
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
  /** Stops its `store`, if it has one, also for other caches with the same store: closes the connections, and rejects revocations
   * that wait. */
  readonly stop: () => void
}

/** Everything that gives a decision its meaning, beside the question. */
export interface Scope {
  /** Equal in all instances whose guards decide alike. */
  readonly common: string
  /** Tells apart what only this process can, such as two functions. Empty if there is nothing of the kind. */
  readonly own: string
}

/** A cache as guards use it. One of another copy of the package has another class. */
export abstract class PartitionedCache implements DecisionCache {
  abstract readonly invalidate: DecisionCache['invalidate']
  abstract readonly invalidateBy: DecisionCache['invalidateBy']
  abstract readonly clear: DecisionCache['clear']
  abstract readonly describe: DecisionCache['describe']
  abstract readonly stop: DecisionCache['stop']
  abstract readonly store: DecisionStore | undefined

  /** Opens the partition of a scope. */
  abstract open(scope: Scope): object
}

/** The span of one check. `observe` of `with-auth/otel` makes it. */
export interface CheckSpan {
  /** The id of its trace: 32 hexadecimal digits. */
  readonly traceId: string | undefined
  /** For the call to the endpoint, in place of the trace context of the request. */
  readonly context: () => Readonly<Record<string, string>> | undefined
  /** Calls a function, with what it starts, in the span. */
  readonly run: <Value>(call: () => Value) => Value
  /** Ends it with what was decided. */
  readonly end: (event: DecisionEvent) => void
}

/** Begins the span of a check that began at this time of `performance`. */
export type BeginSpan = (startedAt: number) => CheckSpan | undefined

/** Why a known caller may not do what it asks for. */
export type ForbiddenReason = 'insufficient_scope' | 'forbidden'

/** Whether a scope that was granted includes another that is needed. */
export type Implies = ((granted: string, needed: string) => boolean) | undefined

/** This server as an OAuth 2.0 protected resource (RFC 9728). `protectedResource` of `with-auth/mcp` makes it. */
export interface ProtectedResource {
  /** The URL of the resource, as clients know it. */
  readonly identifier: string
  /** The URL of its metadata, which challenges name. */
  readonly metadataUrl: string
  /** Returns its options, with their defaults. */
  readonly describe: () => object
}

/** A verifier, as far as its options can be read. */
export interface DescribedVerifier {
  readonly describe?: () => object
}

/** A protected resource as guards use it. One of another copy of the package has another class. */
export abstract class GuardedResource implements ProtectedResource {
  abstract readonly identifier: string
  abstract readonly metadataUrl: string
  abstract readonly describe: () => object
  /** Scopes that every request needs. */
  abstract readonly require: readonly string[]
  /** Answers a request for its metadata. Returns `undefined` for every other path. */
  abstract answer(request: Request, path: string): Response | undefined
  /** Warnings for the operator about it together with this verifier. */
  abstract warnings(verifier: DescribedVerifier | undefined): readonly string[]
  /** Why a caller may not proceed, whatever it asks for. */
  abstract refusal(auth: Auth, implies: Implies): ForbiddenReason | undefined
}
