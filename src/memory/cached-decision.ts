import { sizeOf, sizeOfText } from './identity-size.ts'
import { copyOf } from '../core/runtime.ts'
import type { CachedDecision } from '../core/asking/partition.ts'
import type { Stamp } from '../core/seams.ts'
import type { DenyVerdict, ParsedVerdict } from '../core/endpoint/verdict.ts'

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

/** A call whose verdict is kept. */
interface Asked extends Pick<TimedDecision, 'verifier' | 'ttlMs' | 'stamp'> {
  readonly startedAt: number
  readonly wallStartedAt: number
}

/** Where times begin, and how long an expired decision may stand in. */
interface Since {
  readonly madeAt: number
  readonly wallMadeAt: number
  readonly bounds: { readonly staleIfErrorMs: number }
}

/** The decision of a verdict, and the bytes of what it holds beside its entry. */
export function timedDecision(
  verdict: ParsedVerdict,
  { verifier, ttlMs, stamp, startedAt, wallStartedAt }: Asked,
  { madeAt, wallMadeAt, bounds }: Since,
): { readonly decision: TimedDecision; readonly bytes: number } {
  const { ageMs = 0 } = verdict
  const askedAt = Math.floor(startedAt - madeAt - ageMs)
  const wallAskedAt = Math.floor(wallStartedAt - wallMadeAt - ageMs)
  if (verdict.outcome === 'deny') {
    const denial = ownDenial(verdict)
    const decision = {
      admitted: false,
      auth: undefined,
      denial,
      verifier,
      ttlMs,
      askedAt,
      wallAskedAt,
      stamp,
      lifeMs: undefined,
      mustRevalidate: false,
    } as const
    const { explanation } = denial
    return { decision, bytes: explanation === undefined ? 0 : sizeOfText(explanation) }
  }
  const lifeMs = (verdict.auth.expiresAt ?? Infinity) - (wallStartedAt - ageMs)
  const isShort = lifeMs < ttlMs + bounds.staleIfErrorMs
  const end = isShort ? Math.floor(lifeMs) : undefined
  const mustRevalidate = verdict.mustRevalidate === true
  // Both have the same properties in the same order, so that V8 gives them one shape; none is spread, so that all are within it.
  const decision = {
    admitted: true,
    auth: verdict.auth,
    denial: undefined,
    verifier,
    ttlMs,
    askedAt,
    wallAskedAt,
    stamp,
    lifeMs: end,
    mustRevalidate,
  } as const
  return { decision, bytes: sizeOf(verdict.auth) }
}

function ownDenial(denial: DenyVerdict): DenyVerdict {
  const { explanation } = denial
  return explanation === undefined ? denial : { ...denial, explanation: copyOf(explanation) }
}
