import type { DenyVerdict, Ask } from '../endpoint/verdict.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { SharedCall } from './shared-calls.ts'
import type { UnderWay } from './under-way.ts'
import type { KnownAdmission } from '../response/admission.ts'

/** An allow, whose admission is made when it is stored, so that a hit allocates nothing. Or a denial. */
export type CachedDecision = {
  /** The verifier that decided, by its label. */
  readonly verifier: string | undefined
} & (
  | { readonly admission: KnownAdmission; readonly denial: undefined }
  | { readonly admission: undefined; readonly denial: DenyVerdict }
)

/** The part of a cache that belongs to the guards of one scope. */
export abstract class Partition {
  /** Whether something else than the endpoint may decide: an expired allow, or another instance. */
  abstract readonly mayStandIn: boolean
  abstract readonly tokens: KnownTokens
  /** The calls of all guards of the scope. */
  abstract readonly calls: UnderWay<SharedCall>
  /** The cached decision for a token and what else the endpoint is told, if there is one. */
  abstract lookUp(token: string, told: string): CachedDecision | undefined
  /** Stores what a call brings. Inside of the shared call: it happens once, and before any check is answered. */
  abstract fill(next: Ask): Ask
  /** Asks on a miss. Outside of the shared call. During an outage an expired allow may stand in. */
  abstract orStale(next: Ask, permits: (error: unknown) => boolean): Ask
  /** Drops its decisions and known tokens, and tells no store. */
  abstract forget(): void
}
