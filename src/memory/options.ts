import { parseFields, readTable } from '../core/config/interpreter.ts'
import { invalidSecret, misusedOption } from '../core/config/option-checks.ts'
import { dotted, Problems } from '../core/config/problems.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Table } from '../core/config/form.ts'
import type { DecisionStore } from '../core/seams.ts'
import type { NoticeEvent, StoreEvent } from '../core/types.ts'

/** How long and how many decisions are cached. The endpoint may shorten the times with `Cache-Control`, never lengthen them. */
export interface MemoryCacheOptions {
  /** How long an allow is cached, in milliseconds from the call. A revoked token works for as long, plus
   * `staleIfErrorMs` during an outage, or for `timeoutMs` if that is longer.
   * @default 30000 */
  readonly allowTtlMs?: number
  /** How long a denial (401 or 403) is cached, in milliseconds. Other denials and failures are not cached.
   * @default 5000 */
  readonly denyTtlMs?: number
  /** How long an expired allow may still be used while the endpoint is unavailable, in milliseconds. A revoked token works
   * for `allowTtlMs` plus this time during an outage, or for `timeoutMs` if that is longer. For an `overloaded` check only if
   * the endpoint failed within the last 10 seconds.
   * @default 0 */
  readonly staleIfErrorMs?: number
  /** The most allows in the cache, and as many denials. At most 64 of each belong to one token. The cache takes at most 3,355 bytes
   * for each of `maxEntries`, estimated from its texts and lists, and at least 64 KiB; a quarter of it is for denials.
   * @default 10000 */
  readonly maxEntries?: number
  /** Tells all instances of a revocation within a second, with `redisStore()` of `with-auth/redis`. */
  readonly store?: DecisionStore
  /** Receives the events of the store. Without it the console gets them. */
  readonly onEvent?: (event: StoreEvent | NoticeEvent) => void
}

/** The options that a file can hold. */
export type CacheTimes = Omit<MemoryCacheOptions, 'store' | 'onEvent'>

/** The options of a cache that a file can hold. */
export const CACHE_TIMES: Table<Required<CacheTimes>> = {
  allowTtlMs: { kind: 'milliseconds', default: 30_000, min: 0, max: 3_600_000 },
  denyTtlMs: { kind: 'milliseconds', default: 5000, min: 0, max: 30_000 },
  staleIfErrorMs: { kind: 'milliseconds', default: 0, min: 0, max: 300_000 },
  maxEntries: { kind: 'integer', default: 10_000, min: 1, max: 1_000_000 },
}

interface ParsedOthers {
  readonly store: DecisionStore | undefined
  /** An observer of all events, as the core knows it. The cache has those of its store alone. */
  readonly onEvent: AuthConfig['onEvent']
}

export type ParsedCacheOptions = Required<CacheTimes> & ParsedOthers

const OTHERS: Table<ParsedOthers> = {
  store: { kind: 'code', is: 'store', read: parseStore },
  onEvent: { kind: 'function' },
}

/**
 * Throws `AuthConfigError` with all problems.
 *
 * @param path Leads to the times, where they stand in a file. A store has a place of its own there.
 */
export function parseCacheOptions(options: unknown, path: OptionPath): ParsedCacheOptions {
  const problems = new Problems()
  const given = readTable({ ...CACHE_TIMES, ...OTHERS }, options, path, problems)
  const times = parseFields(CACHE_TIMES, given, path, problems)
  const others = parseFields(OTHERS, given, [], problems)
  checkStore(others.store, times.allowTtlMs, path, problems)
  problems.throwIfAny()
  // Without a problem each option has been parsed by its form.
  return { ...(times as Required<CacheTimes>), ...(others as ParsedOthers) }
}

function parseStore(value: unknown, path: OptionPath): DecisionStore {
  if (isStore(value)) return value
  // A text may be the URL of a store, with its password.
  throw invalidSecret(path, 'a store, such as `redisStore()` of with-auth/redis makes')
}

function isStore(value: unknown): value is DecisionStore {
  return typeof value === 'object' && value !== null && 'stamp' in value && 'stop' in value
}

function checkStore(
  given: DecisionStore | undefined,
  allowTtlMs = Infinity,
  path: OptionPath,
  problems: Problems,
): void {
  const { lostPushTtlMs, revocationMs } = given ?? { lostPushTtlMs: 0, revocationMs: 0 }
  if (lostPushTtlMs <= Math.max(revocationMs, allowTtlMs)) return
  const name = dotted([...path, 'allowTtlMs'])
  problems.add(misusedOption(['store'], `one with a \`lostPushTtlMs\` of at most \`${name}\``))
}
