import type { KeyPage, StoredKey } from '../record.ts'
import type { KeyUse } from '../usage/use.ts'

/** A value, at once or later. */
export type Awaitable<Value> = Value | Promise<Value>

/** The fields that {@link KeyStore.update} sets. `null` removes a field. */
export interface KeyUpdate {
  /** The time of revocation, or `true` for an unknown one. A key that is revoked already keeps its time. */
  readonly revoked?: string | true
  readonly expires?: string | null
  readonly successor?: string | null
  readonly attributes?: StoredKey['attributes']
  readonly paths?: readonly string[] | null
}

/** The result of an import. */
export interface ImportedKeys {
  /** The number of new keys. */
  readonly imported: number
  /** The number of keys that the store had already. */
  readonly present: number
}

/**
 * Keys in a database. `sqliteKeys` and `postgresKeys` return one, and you may write your own. Every method may return its result or
 * a promise of it. It throws if the database fails. The auth endpoint needs only `find`.
 *
 * @example A store of your own, for an endpoint.
 * ```ts
 * import { createKeyEndpoint } from 'with-auth/keys'
 * import type { KeyStore, StoredKey } from 'with-auth/keys'
 *
 * const rows = new Map<string, StoredKey>()
 * const store: Pick<KeyStore, 'find'> = { find: (sha256) => rows.get(sha256) }
 *
 * export default { fetch: createKeyEndpoint({ store }) }
 * ```
 */
export interface KeyStore {
  /** Returns the key with this SHA-256, 64 lower-case hex digits. */
  readonly find: (sha256: string) => Awaitable<StoredKey | undefined>
  /** Returns the key with this id. */
  readonly get: (id: string) => Awaitable<StoredKey | undefined>
  /** Adds a key. Throws if another key has its id or its hash. */
  readonly insert: (key: StoredKey) => Awaitable<void>
  /**
   * Adds all keys, or none if it throws. A key that is present with the same id and hash stays as it is, but a revocation and an
   * earlier end are taken over. Throws if another key has the id or the hash of one of them.
   */
  readonly insertAll: (keys: readonly StoredKey[]) => Awaitable<ImportedKeys>
  /**
   * Changes a key, and returns it with its new fields. Returns `undefined` if no key has this id.
   *
   * @param expected Change the key only if it still has the `expires`, `revoked` and `successor` of this one.
   */
  readonly update: (
    id: string,
    changes: KeyUpdate,
    expected?: StoredKey,
  ) => Awaitable<StoredKey | undefined>
  /**
   * Revokes all keys of a principal that are not revoked yet. Without it, `revokeKeys` lists the keys and updates each, and an
   * invalid one can stop it.
   */
  readonly revokeAll?: (principal: string, revoked: string) => Awaitable<void>
  /** Removes a key, and returns it. Returns `undefined` if no key has this id. */
  readonly remove: (id: string) => Awaitable<StoredKey | undefined>
  /** Removes the keys that were revoked or expired at this time, in milliseconds since 1970, or before. Returns them. */
  readonly prune: (before: number) => Awaitable<readonly StoredKey[]>
  /** Returns keys in the order of the bytes of their ids. */
  readonly list: (page: KeyPage) => Awaitable<readonly StoredKey[]>
  /**
   * Adds to the counts of a day, and keeps the later `lastUsed`. Several processes add up. Optional: without it no check is counted.
   */
  readonly addUse?: (uses: readonly KeyUse[]) => Awaitable<unknown>
  /** Returns the days of these keys. May leave out days that began more than 30 days ago, but not the last day of a key. */
  readonly readUse?: (ids: readonly string[]) => Awaitable<readonly KeyUse[]>
  /** Makes the tables if they are missing, and adds what older ones lack if it may. */
  readonly create?: () => Awaitable<void>
  /** Closes what the store has opened. */
  readonly close: () => Awaitable<void>
}

/** Where keys are: the path of a file, or a store. */
export type KeyPlace = string | KeyStore
