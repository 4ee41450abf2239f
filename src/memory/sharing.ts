import { within } from '../core/async.ts'
import { ANY } from './parts.ts'
import type { Entries } from './entries.ts'
import type { SharedAllow, SharedDecisions } from '../core/seams.ts'
import type { Partition } from '../core/asking/partition.ts'
import type { AllowVerdict } from '../core/endpoint/verdict.ts'
import type { Check } from '../core/request/check.ts'
import type { Clock } from '../core/runtime.ts'

export interface SharingOptions {
  readonly allowTtlMs: number
  /** When the endpoint last answered. An older allow of another instance must not bring back what it has taken. */
  readonly asked: () => { readonly asked: Entries<number>; askedSince: number }
  /** Separates verdicts whose meaning differs for a reason that the endpoint is not told. */
  readonly scope: string
  readonly clock: Pick<Clock, 'now' | 'wallNow'>
}

// The clocks of two machines may differ by as much.
const MAX_SKEW_MS = 5000

/** Takes what another instance was allowed, or asks and lets the others take an allow. */
export function shareDecisions(
  { recall }: SharedDecisions,
  { allowTtlMs, asked, scope, clock }: SharingOptions,
): NonNullable<Partition['share']> {
  const lastAskedAt = ({ token, told }: Check): number => {
    const known = asked()
    const at = known.asked.get(token, told) ?? known.asked.get(token, ANY) ?? -Infinity
    return Math.max(at, known.askedSince)
  }
  const isUsable = (check: Check, { askedAt, ttlMs, auth }: SharedAllow): boolean => {
    const wallNow = clock.wallNow()
    const ageMs = wallNow - askedAt
    if (ageMs <= -MAX_SKEW_MS || ageMs >= Math.min(allowTtlMs, ttlMs)) return false
    return wallNow < (auth.expiresAt ?? Infinity) && askedAt >= lastAskedAt(check) + MAX_SKEW_MS
  }

  return async (start, ask) => {
    const { check, facts, deadline } = start
    const { token, told } = check
    const question = { token, told: scope + told }
    // The endpoint needs the other half if the store is silent, or does not end in time as it must.
    const halfMs = (deadline - start.now) / 2
    const { allow, share } = (await within(halfMs, recall(question, halfMs))) ?? {}
    if (allow !== undefined && isUsable(check, allow)) {
      facts.cache = 'remote'
      return fromShared(allow, clock.wallNow())
    }
    const askedAt = clock.wallNow()
    const verdict = await ask({ ...start, now: clock.now() })
    noteAsked(asked(), check, Math.max(askedAt, lastAskedAt(check)))
    const ttlMs = Math.min(allowTtlMs, verdict.maxAgeMs ?? Infinity)
    if (verdict.outcome === 'deny' || ttlMs <= 0 || share === undefined) return verdict
    return { ...verdict, share: () => share(toShared(verdict, askedAt, ttlMs)) }
  }
}

// A time that does not fit counts for all questions.
function noteAsked(
  known: ReturnType<SharingOptions['asked']>,
  { token, told }: Check,
  at: number,
): void {
  if (!known.asked.set(token, told, at, 0)) known.askedSince = Math.max(known.askedSince, at)
}

function toShared(
  { auth, mustRevalidate }: AllowVerdict,
  askedAt: number,
  ttlMs: number,
): SharedAllow {
  return {
    auth,
    askedAt,
    ttlMs,
    ...(mustRevalidate === undefined ? {} : { mustRevalidate }),
  }
}

function fromShared({ askedAt, ttlMs, ...rest }: SharedAllow, wallNow: number): AllowVerdict {
  return { outcome: 'allow', maxAgeMs: ttlMs, ageMs: Math.max(0, wallNow - askedAt), ...rest }
}
