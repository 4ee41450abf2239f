/** A key as the file describes it. Neither the key nor its hash is part of it. */
export interface KeyRecord {
  /** Names the key, for {@link revokeKey} for instance. */
  readonly id: string
  /** Whether it opens anything now. */
  readonly status: 'active' | 'expired' | 'revoked'
  /** Who the endpoint says that the caller is. */
  readonly principal: string
  /** What the endpoint says about the caller. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** How the key begins, to recognise one that was found somewhere. */
  readonly prefix?: string
  /** What it opens: these paths, and what is below them. Absent where it opens all. */
  readonly paths?: readonly string[]
  /** When it was made, such as `2026-08-07T12:00:00Z`. */
  readonly created?: string
  /** When it ends. */
  readonly expires?: string
  /** When it was revoked; `true` where the file says no more. */
  readonly revoked?: string | true
  /** The id of the key that replaced it, if it was rotated. */
  readonly successor?: string
}

/** A key that was just made. This is the only time that `key` is seen: the file holds its hash. */
export interface CreatedKey extends KeyRecord {
  /** What callers send as their Bearer token. */
  readonly key: string
}

/** A key that was just made in place of another. */
export interface RotatedKey extends CreatedKey {
  /** The key that it replaces, with the end that it has now. */
  readonly replaces: KeyRecord
  /**
   * Takes the new key out of the file again, and gives the old one the end that it had: for a key that could not be handed over.
   * Changes that others made since then stay.
   */
  readonly undo: () => Promise<void>
}

/** How {@link rotateKey} replaces a key. */
export interface RotateOptions {
  /**
   * How long the old key still works: a number with `s`, `m`, `h`, `d` or `w`, or `0`. It never ends later than it would have.
   *
   * @default '24h'
   */
  readonly overlap?: string
  /** When the new key ends: a Date, or a text such as `2026-12-31T00:00:00Z`. Not together with `expiresIn`. */
  readonly expiresAt?: Date | string
  /**
   * How long the new key lasts, such as `90d`. Not together with `expiresAt`. By default as long as from `created` to `expires` of
   * the old one; it has the same `expires` where `created` is missing, and does not end where the old one does not. A key that was
   * rotated before requires `expiresIn` or `expiresAt`: its `expires` no longer tells its lifetime.
   */
  readonly expiresIn?: string
}

/** Which keys {@link pruneKeys} removes. */
export interface PruneOptions {
  /**
   * How long ago they were revoked or ended, at least: a number with `s`, `m`, `h`, `d` or `w`, or `0`, which removes each key that
   * is revoked or expired. A `revoked` in the future counts as now.
   */
  readonly older: string
  /** Tells only which keys it would remove, and changes nothing. */
  readonly dryRun?: boolean
}

/** What {@link createKey} makes a key of. */
export interface NewKey {
  /** Who the endpoint says that the caller is: not empty, at most 256 characters. */
  readonly principal: string
  /** What the endpoint says about the caller, such as `{ roles: ['admin'] }`. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  /** When it ends: a Date, or a text such as `2026-12-31T00:00:00Z`. Not together with `expiresIn`. */
  readonly expiresAt?: Date | string
  /** How long it lasts: a number with `s`, `m`, `h`, `d` or `w`, such as `90d`. Not together with `expiresAt`. */
  readonly expiresIn?: string
  /** What it opens: `/v1` opens `/v1` and all below it, and not `/v1x`. By default it opens all. */
  readonly paths?: readonly string[]
}

/** What stands in the file about one key, checked. */
export interface StoredKey {
  readonly id: string
  readonly principal: string
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** Lower-case hex. */
  readonly sha256: string
  readonly prefix?: string
  readonly paths?: readonly string[]
  readonly created?: string
  readonly expires?: string
  readonly revoked?: string | true
  readonly successor?: string
}
