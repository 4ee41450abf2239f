/** A key as the file or the database describes it, without the key itself and without its hash. */
export interface KeyRecord {
  /** It tells keys apart, for example for {@link revokeKey}. */
  readonly id: string
  /** A label for people, such as `Alice's laptop`. It decides nothing. */
  readonly name?: string
  /** Whether the key works now. */
  readonly status: 'active' | 'expired' | 'revoked'
  /** The caller that the endpoint names for this key. */
  readonly principal: string
  /** The tenant that the endpoint names for this key. Absent: none. */
  readonly tenant?: string
  /** More about the caller, such as `{ roles: ['admin'] }`. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** The first characters of the key, to recognize a leaked one. */
  readonly prefix?: string
  /** The key works for these paths and everything below them. Absent: for every path. */
  readonly paths?: readonly string[]
  /** The time of creation, such as `2026-08-07T12:00:00Z`. */
  readonly created?: string
  /** The time at which the key expires. Absent: never. */
  readonly expires?: string
  /** The time of revocation; `true` if the file has no time. */
  readonly revoked?: string | true
  /** The id of the key that replaced this one, if it was rotated. */
  readonly successor?: string
}

/** Why a key is denied: `path` is one that is limited to other paths, and `malformed` one of which a part is missing. */
export type KeyDenial = 'revoked' | 'expired' | 'path' | 'malformed' | 'unknown'

/** A key that ends earlier than before, or whose record was removed. */
export interface RetiredKey extends KeyRecord {
  /** The SHA-256 of the key in lower-case hex, by which other processes can drop their cached decisions. */
  readonly sha256: string
}

/** A key that was just made. `key` cannot be shown again: only its hash is stored. */
export interface CreatedKey extends KeyRecord {
  /** The Bearer token that callers send. */
  readonly key: string
}

/** A key that was just made in place of another. */
export interface RotatedKey extends CreatedKey {
  /** The old key, with its new end. */
  readonly replaces: RetiredKey
  /**
   * Removes the new key and restores the end of the old one. Call it if the new key cannot be delivered. Changes that others made
   * stay.
   */
  readonly undo: () => Promise<void>
}

/** The options of {@link rotateKey}. */
export interface RotateOptions {
  /**
   * How long the old key still works: a number with `s`, `m`, `h`, `d` or `w`, or `0`. The old key never ends later than before.
   *
   * @default '24h'
   */
  readonly overlap?: string
  /** The end of the new key: a Date, or a text such as `2026-12-31T00:00:00Z`. Not together with `expiresIn`. */
  readonly expiresAt?: Date | string
  /**
   * How long the new key lasts, such as `90d`. Not together with `expiresAt`.
   *
   * By default it lasts as long as the old key was made for, from `created` to `expires`. Without `created` it ends with the old
   * key, and without `expires` never. A key that was rotated before requires `expiresIn` or `expiresAt`, since its `expires` is
   * the end of an overlap.
   */
  readonly expiresIn?: string
}

/** The options of {@link pruneKeys}. */
export interface PruneOptions {
  /**
   * The least time since the key was revoked or expired: a number with `s`, `m`, `h`, `d` or `w`, or `0` for every key that is
   * revoked or expired. A `revoked` in the future counts as now.
   */
  readonly older: string
  /** Returns the keys without removing them. */
  readonly dryRun?: boolean
}

/** The options of {@link createKey}. */
export interface NewKey {
  /** The caller that the endpoint names for this key: 1 to 256 characters. */
  readonly principal: string
  /** A label for people, such as `Alice's laptop`: 1 to 100 characters without control characters. Default: none. */
  readonly name?: string
  /** The tenant of the caller: 1 to 128 lower-case letters, digits, `-` and `_`. Default: none. */
  readonly tenant?: string
  /** More about the caller, such as `{ roles: ['admin'] }`. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  /** The end of the key: a Date, or a text such as `2026-12-31T00:00:00Z`. Not together with `expiresIn`. */
  readonly expiresAt?: Date | string
  /** How long the key lasts: a number with `s`, `m`, `h`, `d` or `w`, such as `90d`. Not together with `expiresAt`. */
  readonly expiresIn?: string
  /** The paths that the key works for: `/v1` means `/v1` and everything below it, but not `/v1x`. Default: every path. */
  readonly paths?: readonly string[]
}

/** A key with its hash, as a file or a database stores it. */
export interface StoredKey extends Omit<KeyRecord, 'status'> {
  /** The SHA-256 of the key in lower-case hex. */
  readonly sha256: string
}

/** Which keys to list. */
export interface KeyPage {
  /** Starts behind the key with this id. Default: with the first key. */
  readonly after?: string
  /** The greatest number of keys: 1 to 1000. */
  readonly limit: number
  /** Only the keys of this principal. */
  readonly principal?: string
}
