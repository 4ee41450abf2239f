import type { Awaitable, KeyStore, KeyUpdate } from './database/store.ts'
import type { KeyPage, StoredKey } from './record.ts'
import type { KeyUse } from './usage/use.ts'

/** Keys that can be read, and within an edit also changed. */
export interface KeyRecords extends Pick<KeyStore, 'find' | 'get' | 'insert' | 'remove'> {
  /** As in a {@link KeyStore}. Where an edit is alone, nothing can differ from what is expected. */
  readonly update: (
    id: string,
    changes: Pick<KeyUpdate, 'revoked' | 'expires' | 'successor'>,
    expected?: StoredKey,
  ) => Awaitable<StoredKey | undefined>
  readonly revokeAll?: KeyStore['revokeAll']
  /** Removes the keys that ended by a time, and returns them. */
  readonly prune: (by: number, now: number) => Awaitable<readonly StoredKey[]>
  readonly list: (page: Partial<KeyPage>) => Awaitable<readonly StoredKey[]>
  /** All keys, or those of one principal, page by page. */
  readonly pages: (
    principal?: string,
  ) => Iterable<readonly StoredKey[]> | AsyncIterable<readonly StoredKey[]>
}

/** The kinds of an edit: `create` may also make a missing file, `extend` adds a key, and `change` adds none. */
export type EditKind = 'create' | 'extend' | 'change'

/** A file or a store with keys. */
export interface KeyRepository {
  /** The name of the place, for messages. */
  readonly name: string
  /** The keys as they are now. */
  readonly read: () => KeyRecords
  /** The use of these keys. `undefined` if checks are not counted here. */
  readonly readUse: (ids: readonly string[]) => Promise<readonly KeyUse[] | undefined>
  /** Changes keys: in a file all at once or not at all, and in a store step by step, while others change it too. */
  readonly edit: <Value>(
    kind: EditKind,
    work: (keys: KeyRecords) => Awaitable<Value>,
  ) => Promise<Value>
}
