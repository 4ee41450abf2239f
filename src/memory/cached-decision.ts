import type { CachedDecision } from '../core/decision-cache.ts'
import type { Stamp } from '../core/decision-store.ts'
import type { AllowVerdict, DenyVerdict } from '../core/endpoint/verdict.ts'

/** Times are whole milliseconds since the first use of the cache: V8 stores small integers without an object. */
interface Times {
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

/** A decision, and until when it may be used. */
export type TimedDecision = CachedDecision & Times

type Common = Pick<TimedDecision, 'verifier' | 'ttlMs' | 'askedAt' | 'wallAskedAt' | 'stamp'>

// Both have the same properties in the same order, so that V8 gives them one shape.
export function allowOf(
  verdict: AllowVerdict,
  common: Common,
  lifeMs: number | undefined,
): TimedDecision {
  const admission = { admitted: true, auth: verdict.auth } as const
  const mustRevalidate = verdict.mustRevalidate === true
  return { admission, denial: undefined, ...common, lifeMs, mustRevalidate }
}

export function denialOf(denial: DenyVerdict, common: Common): TimedDecision {
  const times = { lifeMs: undefined, mustRevalidate: false }
  return { admission: undefined, denial, ...common, ...times }
}
