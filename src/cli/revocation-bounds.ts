import type { ResolvedConfig } from '../core/config/parse.ts'

/**
 * How long a revoked key may still be allowed, in milliseconds. A cached decision ages from the moment of the call (jitter only
 * shortens its life), and lives longer while the endpoint is unavailable. A call that began before the revocation may still
 * allow the key until its timeout.
 */
export function revocationBounds({ cache, timeoutMs, store }: Revocable): RevocationBounds {
  if (cache === false) return { revokedKeyWorksForMs: timeoutMs }
  const unannouncedMs = Math.max(cache.allowTtlMs + cache.staleIfErrorMs, timeoutMs)
  if (store === undefined) return { revokedKeyWorksForMs: unannouncedMs }
  return {
    revokedKeyWorksForMs: Math.min(store.revocationMs, unannouncedMs),
    revokedKeyWorksWithoutStoreMs: Math.min(store.lostPushTtlMs, unannouncedMs),
    revokedKeyWorksUnannouncedMs: unannouncedMs,
  }
}

type Revocable = Pick<ResolvedConfig, 'cache' | 'timeoutMs' | 'store'>

/** How long a revoked key may work: with a store, while it can be reached, while it cannot, and if nobody announces it. */
export interface RevocationBounds {
  readonly revokedKeyWorksForMs: number
  readonly revokedKeyWorksWithoutStoreMs?: number
  readonly revokedKeyWorksUnannouncedMs?: number
}

/** The promise to the operator. Rounded up, so that it is never too short. */
export function describeRevocation(config: Revocable): string {
  const {
    revokedKeyWorksForMs: forMs,
    revokedKeyWorksWithoutStoreMs: lostMs,
    revokedKeyWorksUnannouncedMs: longestMs,
  } = revocationBounds(config)
  const told = `a revoked key works for at most ${inSeconds(forMs)}`
  if (lostMs === undefined || longestMs === undefined) return told
  const lost =
    lostMs === forMs ? '' : `, and ${inSeconds(lostMs)} while the store cannot be reached`
  return `${told}${lost}; ${inSeconds(longestMs)} if nobody announces it`
}

function inSeconds(ms: number): string {
  return `${Math.ceil(ms / 100) / 10} s`
}
