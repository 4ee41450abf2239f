import { conflict } from '../error.ts'
import { stopOfKey } from '../keyring.ts'
import { addEntry, dropEntries, setField } from './entries.ts'
import type { KeyUpdate } from '../database/store.ts'
import type { KeyPage, StoredKey } from '../record.ts'
import type { KeyRecords } from '../repository.ts'
import type { KeyDocument } from './document.ts'

const CHANGED = ['expires', 'revoked', 'successor'] as const

/** The keys of a document. A change is made in both, and in no file. */
export function recordsIn({ document, keys }: KeyDocument): KeyRecords {
  const drop = (isDropped: (key: StoredKey) => boolean): readonly StoredKey[] => {
    const dropped = keys.filter(isDropped)
    const kept = keys.filter((key) => !isDropped(key))
    keys.splice(0, Infinity, ...kept)
    dropEntries(document, dropped)
    return dropped
  }
  return {
    find: (sha256) => keys.find((key) => key.sha256 === sha256),
    get: (id) => keys.find((key) => key.id === id),
    insert: (key) => {
      if (keys.some(({ id, sha256 }) => id === key.id || sha256 === key.sha256)) {
        throw conflict([key.id])
      }
      addEntry(document, key)
      keys.push(key)
    },
    update: (id, changes) => {
      const index = keys.findIndex((key) => key.id === id)
      const before = keys[index]
      if (before === undefined) return undefined
      const after = changed(before, changes)
      const names = CHANGED.filter((name) => after[name] !== before[name])
      for (const name of names) setField(document, index, name, after[name])
      if (names.length > 0) keys[index] = after
      return after
    },
    remove: (id) => drop((key) => key.id === id)[0],
    prune: (by, now) => drop((key) => stopOfKey(key, now) <= by),
    list: (page) => pageOf(keys, page),
    pages: (principal) => [pageOf(keys, principal === undefined ? {} : { principal })],
  }
}

/** A key with other fields, where `null` removes one. A revocation is never moved. */
function changed(key: StoredKey, changes: KeyUpdate): StoredKey {
  const fields = Object.entries({ ...key, ...changes, revoked: key.revoked ?? changes.revoked })
  const present = fields.filter(([, value]) => value !== undefined && value !== null)
  // Each field has the type that both have, and no change removes what every key has.
  return Object.fromEntries(present) as unknown as StoredKey
}

/** The keys in the order of the file, or a page of them in the order of their ids. */
function pageOf(
  keys: readonly StoredKey[],
  { after, limit, principal }: Partial<KeyPage>,
): readonly StoredKey[] {
  const wanted = keys.filter((key) => principal === undefined || key.principal === principal)
  if (after === undefined && limit === undefined) return wanted
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  wanted.sort((one, other) => (one.id < other.id ? -1 : 1))
  return wanted.filter(({ id }) => id > (after ?? '')).slice(0, limit)
}
