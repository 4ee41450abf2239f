import { KeyFileError } from '../error.ts'
import { endOfKey, toRecord } from '../keyring.ts'
import { parseTimestamp } from '../times.ts'
import { addUp, DAY_MS, dayOf, SOON_MS } from './use.ts'
import type { KeyRecord, StoredKey } from '../record.ts'
import type { KeyRepository } from '../repository.ts'
import type { KeyUse } from './use.ts'

/** A reason to look at a key: it expires within 14 days, was never used, or not for 90 days. */
export type KeyAttention = 'expires_soon' | 'never_used' | 'unused'

/** How often a key passed a check. A request that a cache answers is not counted. Days are those of UTC. */
export interface KeyChecks {
  readonly today: number
  /** Today and the six days before. */
  readonly last7Days: number
  /** Today and the 29 days before. */
  readonly last30Days: number
  /** The last 30 days, the oldest first, also those without a check. */
  readonly days: readonly { readonly day: string; readonly checks: number }[]
}

/** A key, how it is used, and what needs attention. */
export interface KeyReport extends KeyRecord {
  /** The time of the last check that the key passed, precise to a minute. Absent: no check is known. */
  readonly lastUsed?: string
  /** Absent if checks are not counted here. */
  readonly checks?: KeyChecks
  /** Empty for a key that does not work. */
  readonly attention: readonly KeyAttention[]
}

/** The result of {@link reportKeys}. */
export interface KeyReports {
  readonly keys: readonly KeyReport[]
  /** Why the use of the keys is unknown. */
  readonly useError?: KeyFileError
}

const UNUSED_MS = 90 * DAY_MS
const DAYS = 30

/** Adds the use of keys. A use that cannot be read hides no key. */
export async function reportOf(
  { readUse }: KeyRepository,
  keys: readonly StoredKey[],
): Promise<KeyReports> {
  const now = Date.now()
  try {
    const uses = await readUse(keys.map(({ id }) => id))
    const byKey = uses && groupByKey(uses)
    return { keys: keys.map((key) => describe(key, byKey, now)) }
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return { keys: keys.map((key) => describe(key, undefined, now)), useError: error }
  }
}

function describe(key: StoredKey, uses: UsesOfKeys | undefined, now: number): KeyReport {
  const record = toRecord(key, now)
  const mine = uses && (uses.get(key.id) ?? [])
  const lastUsed = mine?.map((use) => use.lastUsed).reduce(latest, '') || undefined
  return {
    ...record,
    ...(lastUsed !== undefined && { lastUsed }),
    ...(mine && { checks: sumUp(mine, now) }),
    attention: record.status === 'active' ? attentionFor(key, mine && { lastUsed }, now) : [],
  }
}

type UsesOfKeys = ReadonlyMap<string, readonly KeyUse[]>

/** Groups what several processes have written. */
function groupByKey(uses: Iterable<KeyUse>): UsesOfKeys {
  const groups = new Map<string, KeyUse[]>()
  for (const use of addUp(uses)) {
    const group = groups.get(use.id)
    if (group === undefined) groups.set(use.id, [use])
    else group.push(use)
  }
  return groups
}

function sumUp(uses: readonly KeyUse[], now: number): KeyChecks {
  const counts = new Map(uses.map(({ day, checks }) => [day, checks]))
  const days = Array.from({ length: DAYS }, (_, index) => {
    const day = dayOf(now - (DAYS - 1 - index) * DAY_MS)
    return { day, checks: counts.get(day) ?? 0 }
  })
  const sumOf = (count: number): number =>
    days.slice(-count).reduce((sum, { checks }) => sum + checks, 0)
  return { today: sumOf(1), last7Days: sumOf(7), last30Days: sumOf(DAYS), days }
}

function attentionFor(
  key: StoredKey,
  use: { readonly lastUsed: string | undefined } | undefined,
  now: number,
): readonly KeyAttention[] {
  const found: KeyAttention[] = []
  if (endOfKey(key) - now <= SOON_MS) found.push('expires_soon')
  if (use === undefined) return found
  if (use.lastUsed === undefined) found.push('never_used')
  else if (now - (parseTimestamp(use.lastUsed) ?? 0) >= UNUSED_MS) found.push('unused')
  return found
}

function latest(one: string, other: string): string {
  return one > other ? one : other
}
