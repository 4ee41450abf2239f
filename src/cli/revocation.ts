import type { ResolvedConfig } from '../core/config/parse.ts'

/**
 * How long a revoked key may still be let in, in milliseconds, by the configuration alone. A kept verdict counts from when
 * the endpoint was asked (jitter only shortens it), and serves longer while the endpoint does not answer. A call that was
 * under way when the key was revoked may let in those who wait for it.
 */
export function revokedKeyWorksForMs({
  cache,
  timeoutMs,
}: Pick<ResolvedConfig, 'cache' | 'timeoutMs'>): number {
  if (cache === false) return timeoutMs
  return Math.max(cache.allowTtlMs + cache.staleIfErrorMs, timeoutMs)
}

/** The sentence that an operator can rely on. Rounded up, so that it promises no more than is kept. */
export function describeRevocation(config: Pick<ResolvedConfig, 'cache' | 'timeoutMs'>): string {
  const seconds = Math.ceil(revokedKeyWorksForMs(config) / 100) / 10
  return `a revoked key works for at most ${seconds} s`
}
