import type { Auth, NoticeEvent, StoreEvent } from './types.ts'

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
  /** Separates decisions that have another meaning, such as those of two verifiers. */
  readonly scope: string | undefined
  /** Never rejects, and takes at most `withinMs`. */
  readonly recall: (question: SharedQuestion, withinMs: number) => Promise<Recalled>
  /** Takes no allow that was asked for before now. For an endpoint that has allowed everything by mistake. */
  readonly forget: () => void
}

/** Connects instances, so that a revocation reaches all of them. `redisStore` of `with-auth/redis` makes one. */
export interface DecisionStore {
  /** The longest time that a revoked token works, in milliseconds, while the store can be reached. */
  readonly revocationMs: number
  /** The longest time that a decision is used while the store cannot be reached, in milliseconds from the call. */
  readonly lostPushTtlMs: number
  readonly shared: SharedDecisions | undefined
  /** Called with the first request, and before each revocation. A listener with the same key is replaced. */
  readonly start: (key: unknown, listener: (event: StoreEvent | NoticeEvent) => void) => void
  readonly stamp: (token: string, now: number, wallNow: number) => Stamp
  /** Resolves once no instance uses an older decision for longer than `revocationMs`. Rejects after `withinMs`. */
  readonly invalidate: (revocation: Revocation, withinMs: number) => Promise<void>
  /** Closes its connections, and rejects revocations that wait. It cannot be started again. May be called more than once. */
  readonly stop: () => void
}
