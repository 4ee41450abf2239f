import { vi } from 'vitest'
import { AuthUnavailableError } from '../../src/core/errors.ts'
import { Cache } from '../../src/core/policies/cache/cache.ts'
import { checkOf, verifyWith } from './checks.ts'
import { permitsStale } from '../../src/core/policies/outage.ts'
import type { CacheConfig } from '../../src/core/auth-config.ts'
import type { AllowVerdict, DenyVerdict, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'
import type { Check } from '../../src/core/request/check.ts'

export const DEADLINE = 1_000_000
const OPTIONS: Required<CacheConfig> = {
  allowTtlMs: 1000,
  denyTtlMs: 100,
  staleIfErrorMs: 0,
  maxEntries: 100,
  maxBytes: 1_000_000,
}

export const state = { now: 0, wall: 0, random: 0, isFailing: false }
export const outage = { isRecent: () => state.isFailing, hasNoted: () => false }
export const asked = vi.fn<(check: Check) => ParsedVerdict | Promise<ParsedVerdict>>()

export const allow = (extra: Partial<AllowVerdict> = {}): AllowVerdict => ({
  outcome: 'allow',
  auth: { principal: 'alice', attributes: {} },
  ...extra,
})
export const deny = (extra: Partial<DenyVerdict> = {}): DenyVerdict => ({
  outcome: 'deny',
  isLasting: true,
  ...extra,
})
export const fail = (reason: AuthUnavailableError['reason'], status?: number) => (): never => {
  throw new AuthUnavailableError(reason, { status })
}

export function pass(ms: number): void {
  state.now += ms
  state.wall += ms
}

/** A cache before an endpoint, with the cache outcome of each check. */
export function cached(options: Partial<CacheConfig> = {}) {
  const cache = new Cache(
    { ...OPTIONS, ...options },
    { now: () => state.now, wallNow: () => state.wall, random: () => state.random },
  )
  const fill = cache.fill((check) => asked(check))
  const orStale = cache.orStale(fill, (error) => permitsStale(error, outage))
  const verify = verifyWith({
    lookUp: (token, told) => cache.lookUp(token, told),
    ask: (check) => orStale(check, DEADLINE),
  })
  return {
    cache,
    ask: (token = 't', told = 'a') => verify(checkOf(token, told)),
    /** The decision or error of a check, and its cache facts. */
    outcome: async (token = 't', told = 'a'): Promise<string> => {
      const check = checkOf(token, told)
      try {
        const { outcome } = await verify(check)
        return [outcome, check.cache, check.skipped].filter(Boolean).join(' ')
      } catch (error) {
        return [error instanceof AuthUnavailableError ? error.reason : 'bug', check.cache].join(' ')
      }
    },
  }
}

/** For `beforeEach` of each file: a hook of this module would run only in the first file of a process. */
export function resetCachedEndpoint(): void {
  Object.assign(state, { now: 10_000, wall: 1_700_000_000_000, random: 0, isFailing: false })
  asked.mockReset()
}
