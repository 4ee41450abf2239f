import { isId } from '../file/fields.ts'
import { formatTimestamp, parseTimestamp } from '../times.ts'

/** The checks that a key passed on one day. */
export interface KeyUse {
  /** The id of the key. */
  readonly id: string
  /** The day in UTC, such as `2026-12-31`. */
  readonly day: string
  /** The number of checks that the key passed. A request that a cache answers is not counted. */
  readonly checks: number
  /** The time of the last of these checks, such as `2026-12-31T12:00:00Z`. */
  readonly lastUsed: string
}

export const DAY_MS = 86_400_000
/** The time before its end at which a key needs attention. */
export const SOON_MS: number = 14 * DAY_MS
/** Counts of days before that are dropped. A key keeps its last day, which tells when it was used last. */
export const KEPT_DAYS = 35

export function dayOf(time: number): string {
  return formatTimestamp(time).slice(0, 10)
}

/** Adds up the use of several processes. */
export function addUp(uses: Iterable<KeyUse>): KeyUse[] {
  const sums = new Map<string, KeyUse>()
  for (const use of uses) {
    const name = `${use.day} ${use.id}`
    const sum = sums.get(name)
    const lastUsed = sum !== undefined && sum.lastUsed > use.lastUsed ? sum.lastUsed : use.lastUsed
    sums.set(name, { ...use, checks: use.checks + (sum?.checks ?? 0), lastUsed })
  }
  return [...sums.values()]
}

/** Drops days that are over for long, but not the last one of a key. */
export function withoutOldDays(uses: readonly KeyUse[], now: number): KeyUse[] {
  const first = dayOf(now - KEPT_DAYS * DAY_MS)
  const last = new Map<string, string>()
  for (const { id, day } of uses) if (day > (last.get(id) ?? '')) last.set(id, day)
  return uses.filter(({ id, day }) => day >= first || day === last.get(id))
}

/** Returns `undefined` for a value that is not a use of a key. Any program may have written it. */
export function parseUse(value: unknown): KeyUse | undefined {
  const { id, day, checks, lastUsed } = Object(value) as Readonly<Record<keyof KeyUse, unknown>>
  const isDay = typeof day === 'string' && day.length === 10 && parseTimestamp(day) !== undefined
  const isCount = typeof checks === 'number' && Number.isSafeInteger(checks) && checks >= 0
  const isTime = typeof lastUsed === 'string' && parseTimestamp(lastUsed) !== undefined
  return isId(id) && isDay && isCount && isTime ? { id, day, checks, lastUsed } : undefined
}
