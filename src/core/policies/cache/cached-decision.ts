import type { Stamp } from '../../decision-store.ts'
import type { AllowVerdict, DenyVerdict } from '../../endpoint/verdict.ts'
import type { KnownAdmission } from '../../response/admission.ts'

/** Times are whole milliseconds since the cache was made: V8 stores small integers without an object. */
interface Kept {
  /** The verifier that decided, by its label. */
  readonly verifier: string | undefined
  readonly ttlMs: number
  /** When the endpoint was asked. The token may be revoked before the answer comes. */
  readonly askedAt: number
  readonly wallAskedAt: number
  /** How long after `askedAt` the token ends, if that is before the decision ends. */
  readonly lifeMs: number | undefined
  readonly mustRevalidate: boolean
  /** With a store. */
  readonly stamp: Stamp | undefined
}

/** An allow, whose admission is made when it is stored, so that a hit allocates nothing. Or a denial. */
export type CachedDecision = Kept &
  (
    | { readonly admission: KnownAdmission; readonly denial: undefined }
    | { readonly admission: undefined; readonly denial: DenyVerdict }
  )

type Common = Pick<CachedDecision, 'verifier' | 'ttlMs' | 'askedAt' | 'wallAskedAt' | 'stamp'>

// Both have the same properties in the same order, so that V8 gives them one shape.
export function allowOf(
  verdict: AllowVerdict,
  common: Common,
  lifeMs: number | undefined,
): CachedDecision {
  const admission = { admitted: true, auth: verdict.auth } as const
  const mustRevalidate = verdict.mustRevalidate === true
  return { admission, denial: undefined, ...common, lifeMs, mustRevalidate }
}

export function denialOf(denial: DenyVerdict, common: Common): CachedDecision {
  const times = { lifeMs: undefined, mustRevalidate: false }
  return { admission: undefined, denial, ...common, ...times }
}
