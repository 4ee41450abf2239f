import { parseTimestamp } from './times.ts'
import type { KeyRecord, StoredKey } from './record.ts'

/** When a key ends, in milliseconds since 1970; `Infinity` if it does not. */
export function endOfKey({ expires }: StoredKey): number {
  if (expires === undefined) return Infinity
  // It was read before; a time that cannot be read is over.
  return parseTimestamp(expires) ?? 0
}

/**
 * When a key ended or was revoked, in milliseconds since 1970. `revoked: true` tells no time, and was long ago. A `revoked` in the
 * future counts as now, since the key is revoked already.
 */
export function stopOfKey(key: StoredKey, now: number): number {
  const { revoked } = key
  if (revoked === undefined) return endOfKey(key)
  const time = revoked === true ? 0 : (parseTimestamp(revoked) ?? 0)
  return Math.min(time, endOfKey(key), now)
}

export function statusOf(key: StoredKey, now: number): KeyRecord['status'] {
  // Whatever time it says, also one to come: who writes that wants the key to stop.
  if (key.revoked !== undefined) return 'revoked'
  return now < endOfKey(key) ? 'active' : 'expired'
}

/** What may be shown of a key. */
export function toRecord(key: StoredKey, now: number): KeyRecord {
  const { id, principal, attributes, prefix, paths, created, expires, revoked, successor } = key
  return {
    id,
    status: statusOf(key, now),
    principal,
    attributes,
    ...(prefix === undefined ? {} : { prefix }),
    ...(paths === undefined ? {} : { paths }),
    ...(created === undefined ? {} : { created }),
    ...(expires === undefined ? {} : { expires }),
    ...(revoked === undefined ? {} : { revoked }),
    ...(successor === undefined ? {} : { successor }),
  }
}
