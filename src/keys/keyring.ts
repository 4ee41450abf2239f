import { endOfKey, statusOf } from './state.ts'
import { isBelow } from './paths.ts'
import type { StoredKey } from './record.ts'

/**
 * Keys by their SHA-256 in hex. A lookup may take a time that tells something of a hash: the hash of 256 random bits opens
 * nothing.
 */
export type Keyring = ReadonlyMap<string, StoredKey>

/** A key that opens what was asked for. */
export interface OpeningKey {
  readonly key: StoredKey
  /** How long it still does, in milliseconds; `Infinity` if it does not end. */
  readonly lifeMs: number
}

export function createKeyring(keys: readonly StoredKey[]): Keyring {
  return new Map(keys.map((key) => [key.sha256, key]))
}

/**
 * Returns the key with this hash if it opens this path now: the key is neither revoked nor expired, and may use the path. The
 * answer to the client does not tell which condition failed.
 */
export function findOpening(
  keyring: Keyring,
  sha256: string,
  path: string,
  now: number,
): OpeningKey | undefined {
  const key = keyring.get(sha256)
  if (key === undefined || statusOf(key, now) !== 'active') return undefined
  if (key.paths !== undefined && !isBelow(path, key.paths)) return undefined
  return { key, lifeMs: endOfKey(key) - now }
}
