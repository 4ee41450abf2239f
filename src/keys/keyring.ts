import { isBelow } from './paths.ts'
import { hashKey, isMalformedKey } from './secret.ts'
import { parseTimestamp } from './times.ts'
import type { FindKey } from './error.ts'
import type { KeyDenial, KeyRecord, RetiredKey, StoredKey } from './record.ts'

/**
 * Keys by their SHA-256 in hex. The time of a lookup may reveal a part of a hash. That is harmless: the hash of 256 random bits
 * does not reveal the key.
 */
export type Keyring = ReadonlyMap<string, StoredKey>

export function createKeyring(keys: readonly StoredKey[]): Keyring {
  return new Map(keys.map((key) => [key.sha256, key]))
}

export interface KeyJudgment {
  /** The entry of the key, if there is one. */
  readonly found?: StoredKey
  /** Why the key is denied. Absent: it is valid. The caller must not learn it. */
  readonly detail?: KeyDenial
}

/** Judges a key that was presented, for a path or, without one, for the key alone. Rejects while the keys are unknown. */
export type JudgeKey = (key: string, path?: string) => Promise<KeyJudgment>

/** Makes the function by which the endpoint, the verifier and the command decide about a key. */
export function judgeBy(find: FindKey): JudgeKey {
  return async (key, path) => {
    const found = await find(await hashKey(key))
    // No `await` from here on: a key that has expired by now must be denied.
    return judgeKey(found, key, path, Date.now())
  }
}

/**
 * Judges a key that was presented.
 *
 * @param found The entry with the hash of the key.
 * @param path The path that is asked about, or `undefined` for the key alone.
 */
export function judgeKey(
  found: StoredKey | undefined,
  key: string,
  path: string | undefined,
  now: number,
): KeyJudgment {
  if (found === undefined) return { detail: isMalformedKey(key) ? 'malformed' : 'unknown' }
  const status = statusOf(found, now)
  if (status !== 'active') return { found, detail: status }
  const { paths } = found
  const isElsewhere = path !== undefined && paths !== undefined && !isBelow(path, paths)
  return isElsewhere ? { found, detail: 'path' } : { found }
}

/** Returns when a key expires, in milliseconds since 1970; `Infinity` for never. */
export function endOfKey({ expires }: StoredKey): number {
  if (expires === undefined) return Infinity
  // Fails closed: a time that cannot be read is in the past.
  return parseTimestamp(expires) ?? 0
}

/**
 * Returns when a key expired or was revoked, in milliseconds since 1970. `revoked: true` counts as 1970. A `revoked` in the future
 * counts as now, since the key is revoked already.
 */
export function stopOfKey(key: StoredKey, now: number): number {
  const { revoked } = key
  if (revoked === undefined) return endOfKey(key)
  const time = revoked === true ? 0 : (parseTimestamp(revoked) ?? 0)
  return Math.min(time, endOfKey(key), now)
}

export function statusOf(key: StoredKey, now: number): KeyRecord['status'] {
  // A time of revocation in the future revokes the key at once.
  if (key.revoked !== undefined) return 'revoked'
  return now < endOfKey(key) ? 'active' : 'expired'
}

/** Returns the fields of a key that may be shown. Its hash may not. */
export function toRecord(key: StoredKey, now: number): KeyRecord {
  const { id, principal, attributes, sha256: _, ...others } = key
  return { id, status: statusOf(key, now), principal, attributes, ...others }
}

/** Returns a record together with the hash, for whoever drops cached decisions. */
export function toRetired(key: StoredKey, now: number): RetiredKey {
  return { ...toRecord(key, now), sha256: key.sha256 }
}
