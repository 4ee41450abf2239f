import { vi } from 'vitest'
import { AuthUnavailableError } from '../../src/core/errors.ts'
import { Memory, Parts } from '../../src/memory/parts.ts'
import { CachePartition } from '../../src/memory/partition.ts'
import { checkOf, verifyWith } from '../support/checks.ts'
import { orStale } from '../../src/core/asking/decision-source.ts'
import { RecentOutage } from '../../src/core/asking/outage.ts'
import { SharedCalls } from '../../src/core/asking/shared-calls.ts'
import { createFacts } from '../../src/core/request/check.ts'
import type { CacheBounds } from '../../src/core/seams.ts'
import type { DecisionStore } from '../../src/core/seams.ts'
import type { Clock } from '../../src/core/runtime.ts'
import type { AllowVerdict, DenyVerdict, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'
import type { Check } from '../../src/core/request/check.ts'

const TIMEOUT_MS = 1_000_000
const OPTIONS: CacheBounds = {
  allowTtlMs: 1000,
  denyTtlMs: 100,
  staleIfErrorMs: 0,
  maxEntries: 100,
}

export const state = { now: 0, wall: 0, random: 0, isFailing: false }
export const outage = Object.assign(new RecentOutage(true), { isRecent: () => state.isFailing })
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

/** A partition, which never has to open again. */
export function partitionOf(
  options: Partial<CacheBounds>,
  clock: Clock,
  store?: DecisionStore,
  own = '',
): { readonly cache: CachePartition; readonly parts: Parts } {
  const memory = new Memory({ ...OPTIONS, ...options }, clock, store)
  const parts = new Parts(memory)
  return { cache: new CachePartition(memory, { common: '', own }, () => parts), parts }
}

/** A cache before an endpoint, with the cache outcome of each check. */
export function cached(options: Partial<CacheBounds> = {}) {
  const clock = { now: () => state.now, wallNow: () => state.wall, random: () => state.random }
  const { cache, parts } = partitionOf(options, clock)
  // Each check is one of another guard, so that they share decisions and no calls.
  const start = (check: Check, facts = createFacts()) =>
    new SharedCalls({
      run: async (call) => asked(call.check),
      timeoutMs: TIMEOUT_MS,
      clock,
      memory: cache,
      partition: cache,
    }).ask(check, facts, state.now)
  const verify = verifyWith({
    lookUp: (token, told) => cache.lookUp(token, told),
    ask: (check) => {
      const facts = createFacts('miss')
      const pending = start(check, facts)
      const permits = (error: unknown): boolean => outage.permitsStale(error, state.now)
      return { facts, pending: orStale(pending, cache, check, facts, permits) }
    },
  })
  return {
    cache,
    parts,
    start,
    ask: (token = 't', told = 'a') => verify(checkOf(token, told)),
    /** The decision or error of a check, and its cache facts. */
    outcome: async (token = 't', told = 'a'): Promise<string> => {
      const facts = createFacts()
      try {
        const { outcome } = await verify(checkOf(token, told), facts)
        return [outcome, facts.cache, facts.skipped].filter(Boolean).join(' ')
      } catch (error) {
        return [error instanceof AuthUnavailableError ? error.reason : 'bug', facts.cache].join(' ')
      }
    },
  }
}

/** For `beforeEach` of each file: a hook of this module would run only in the first file of a process. */
export function resetCachedEndpoint(): void {
  Object.assign(state, { now: 10_000, wall: 1_700_000_000_000, random: 0, isFailing: false })
  asked.mockReset()
}
