import { permitsStale } from '../outage.ts'
import { createPendingFills } from './pending-fills.ts'
import { createVerdictStore } from './verdict-store.ts'
import { NOBODY } from '../../endpoint/verdict.ts'
import type { Check } from '../../request/check.ts'
import type { Verifier } from '../../endpoint/verdict.ts'
import type { RecentOutage } from '../outage.ts'
import type { PendingFill } from './pending-fills.ts'
import type { Auth, SkipReason } from '../../types.ts'
import type { AllowVerdict, CheckedVerdict, DenyVerdict } from '../../endpoint/verdict.ts'
import type { CacheConfig } from '../../auth-config.ts'

export interface CacheContext {
  /** A clock that never jumps. */
  readonly now: () => number
  /** The time of day, which goes on while a machine is frozen. */
  readonly wallNow: () => number
  readonly random: () => number
}

export interface Cache {
  /** The cached decision for a token and what the endpoint is told, if there is one. */
  readonly lookUp: (token: string, told: string) => CheckedVerdict | undefined
  /** Asks on a miss, outside of the shared call. An outage permits to use an expired allow. */
  readonly orStale: (next: Verifier, outage: Pick<RecentOutage, 'isRecent'>) => Verifier
  /** Keeps what a flight brings. Inside of what shares flights, so that it is done once and before anybody is told. */
  readonly fill: (next: Verifier) => Verifier
  /** Drops all of a token, or everything, and keeps nothing of what is on its way. */
  readonly forget: (token?: string) => void
}

/** In whole milliseconds, rounded down, since the cache was made: small integers are no objects of their own. */
interface Kept<Verdict> {
  readonly verdict: Verdict
  readonly ttlMs: number
  /** When it was asked for, and not when the answer came: a revocation in between must not live longer. */
  readonly askedAt: number
  readonly wallAskedAt: number
}

const MAX_ENTRIES_PER_TOKEN = 64
const JITTER = 0.1
const ATTRIBUTES_BYTES = 160
const LIST_BYTES = 72
const POINTER_BYTES = 8
const TEXT_BYTES = 16

/**
 * Keeps verdicts for a while. Allows and denials are kept apart, so that a flood of garbage tokens pushes out no good
 * one. Only what the endpoint decided is kept, and nothing that came of a failure.
 */
export function createCache(
  options: Required<CacheConfig>,
  { now, wallNow, random }: CacheContext,
): Cache {
  const { allowTtlMs, denyTtlMs, staleIfErrorMs, maxEntries, maxBytes } = options
  const bounds = { maxEntries, maxEntriesPerToken: MAX_ENTRIES_PER_TOKEN }
  const allows = createVerdictStore<Kept<AllowVerdict>>({ ...bounds, maxBytes: maxBytes * 0.75 })
  const denials = createVerdictStore<Kept<DenyVerdict>>({ ...bounds, maxBytes: maxBytes * 0.25 })
  const fills = createPendingFills({ now, wallNow })
  const madeAt = now()
  const wallMadeAt = wallNow()

  const unexpired = <Verdict extends CheckedVerdict>(
    kept: Kept<Verdict> | undefined,
  ): Verdict | undefined => {
    if (kept === undefined || hasEnded(kept.verdict)) return undefined
    return isWithin(kept, kept.ttlMs) ? kept.verdict : undefined
  }
  // Both clocks must agree: one stops while a machine is frozen, the other is set back and forth.
  const isWithin = ({ askedAt, wallAskedAt }: Kept<CheckedVerdict>, ms: number): boolean => {
    if (now() - madeAt - askedAt >= ms) return false
    const wallAge = wallNow() - wallMadeAt - wallAskedAt
    return wallAge >= 0 && wallAge < ms
  }
  const hasEnded = (verdict: CheckedVerdict): boolean =>
    verdict.outcome === 'allow' && verdict.endsAt !== undefined && wallNow() >= verdict.endsAt
  const lookUp = (token: string, told: string): CheckedVerdict | undefined =>
    unexpired(allows.get(token, told)) ?? unexpired(denials.get(token, told))
  const hit = (check: Check): CheckedVerdict | undefined => {
    const verdict = lookUp(check.token, check.told)
    if (verdict !== undefined) check.cache = 'hit'
    return verdict
  }

  const stale = (check: Check): CheckedVerdict | undefined => {
    const kept = allows.get(check.token, check.told)
    if (kept === undefined || kept.verdict.mustRevalidate === true) return undefined
    if (hasEnded(kept.verdict) || !isWithin(kept, kept.ttlMs + staleIfErrorMs)) return undefined
    check.cache = 'stale'
    return { outcome: 'allow', auth: Object.freeze({ ...kept.verdict.auth, stale: true }) }
  }
  const askOrStale = async (
    check: Check,
    deadline: number,
    next: Verifier,
    outage: Pick<RecentOutage, 'isRecent'>,
  ): Promise<CheckedVerdict> => {
    try {
      return await next(check, deadline)
    } catch (error) {
      // Looked for only now: another's verdict, a denial or an invalidation may have come in between.
      const verdict = permitsStale(error, outage) ? (hit(check) ?? stale(check)) : undefined
      if (verdict === undefined) throw error
      return verdict
    }
  }

  const keep = (fill: PendingFill, verdict: CheckedVerdict): void => {
    const { check } = fill
    // Whatever the status of a denial was, nobody gets in on an older allow, not even an expired one.
    if (verdict.outcome === 'deny' || verdict.maxAgeMs === 0) allows.delete(check.token, check.told)
    // Nor is anybody refused for an older denial, which could come into sight again when the clock is set: what is newer
    // takes its place, or the endpoint is asked.
    denials.delete(check.token, check.told)
    // A retry asks later than its flight began, so that nobody knows which of two was asked last. Where one of them is
    // a denial, neither is kept.
    const isContested = verdict.outcome === 'deny' && fills.outdateTwins(fill, 'all')
    check.skipped = fill.isOutdated || isContested ? 'outdated' : keepLatest(fill, verdict)
    if (check.skipped !== undefined) check.cache = 'skipped'
    // What began before an outdated one was outdated with it, so this is for the allow that counts.
    fills.outdateTwins(fill, 'older')
  }
  const keepLatest = (fill: PendingFill, verdict: CheckedVerdict): SkipReason | undefined => {
    if (verdict.maxAgeMs === 0) return 'no_store'
    if (verdict.outcome === 'deny' && !verdict.isLasting) return 'status'
    const configured = verdict.outcome === 'allow' ? allowTtlMs : denyTtlMs
    // Shorter by up to a tenth, so that what came together does not go together, and never longer than promised.
    const longest = Math.min(configured, verdict.maxAgeMs ?? Infinity)
    const ttlMs = Math.floor(longest * (1 - JITTER * random()))
    if (ttlMs <= 0) return 'ttl'
    const times = {
      ttlMs,
      askedAt: Math.floor(fill.startedAt - madeAt),
      wallAskedAt: Math.floor(fill.wallStartedAt - wallMadeAt),
    }
    const { token, told } = fill.check
    if (verdict.outcome === 'deny') {
      return denials.set(token, told, { verdict, ...times }, 0) ? undefined : 'too_large'
    }
    return allows.set(token, told, { verdict, ...times }, sizeOf(verdict.auth))
      ? undefined
      : 'too_large'
  }

  const bring = async (
    fill: PendingFill,
    pending: CheckedVerdict | Promise<CheckedVerdict>,
  ): Promise<CheckedVerdict> => {
    try {
      const verdict = await pending
      keep(fill, verdict)
      return verdict
    } finally {
      fills.end(fill)
    }
  }

  return {
    lookUp,
    orStale: (next, outage) => (check, deadline) => {
      check.cache = 'miss'
      if (staleIfErrorMs === 0) return next(check, deadline)
      return askOrStale(check, deadline, next, outage)
    },
    fill: (next) => (check, deadline) => {
      const cached = hit(check)
      if (cached !== undefined) return cached
      const fill = fills.begin(check, deadline)
      try {
        return bring(fill, next(check, deadline))
      } catch (error) {
        fills.end(fill)
        throw error
      }
    },
    forget: (token) => {
      allows.forget(token)
      denials.forget(token)
      fills.outdate(token)
    },
  }
}

/** Estimates the bytes of an identity, as measured on V8. The objects around short texts take most of them. */
function sizeOf({ principal = '', attributes }: Auth): number {
  let bytes = sizeOfText(principal)
  if (attributes === NOBODY.attributes) return bytes
  bytes += ATTRIBUTES_BYTES
  for (const [name, list] of Object.entries(attributes)) {
    bytes += LIST_BYTES + sizeOfText(name)
    for (const text of list) bytes += POINTER_BYTES + sizeOfText(text)
  }
  return bytes
}

function sizeOfText({ length }: string): number {
  return TEXT_BYTES + 2 * length
}
