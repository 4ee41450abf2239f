import { createDigestTable, findDigest } from './digest.ts'
import { endOfKey, statusOf } from './key-state.ts'
import { isBelow } from './path-prefixes.ts'
import type { StoredKey } from './key-record.ts'

/** Keys to look one up in. */
export interface Keyring {
  readonly keys: readonly StoredKey[]
  readonly table: Uint32Array
}

/** A key that opens what was asked for. */
export interface OpeningKey {
  readonly key: StoredKey
  /** How long it still does, in milliseconds; `Infinity` if it does not end. */
  readonly lifeMs: number
}

export function createKeyring(keys: readonly StoredKey[]): Keyring {
  return { keys, table: createDigestTable(keys.map(({ sha256 }) => sha256)) }
}

/**
 * The key with this digest, if it opens this path now: it is known, neither revoked nor expired, and for this path. Nobody is told
 * which of these it was not.
 */
export function findOpening(
  { keys, table }: Keyring,
  digest: Uint32Array,
  path: string,
  now: number,
): OpeningKey | undefined {
  const key = keys[findDigest(table, digest)]
  if (key === undefined || statusOf(key, now) !== 'active') return undefined
  if (key.paths !== undefined && !isBelow(path, key.paths)) return undefined
  return { key, lifeMs: endOfKey(key) - now }
}
