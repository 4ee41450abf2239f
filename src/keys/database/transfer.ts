import { formatKeys } from '../file/edit.ts'
import { readKeyFile } from '../file/read.ts'
import { toRetired } from '../keyring.ts'
import { requirePlace, requireStore } from '../options.ts'
import { pagesOf } from './changes.ts'
import type { RetiredKey, StoredKey } from '../record.ts'
import type { ImportedKeys, KeyPlace, KeyStore } from './store.ts'

/**
 * Copies all keys with their ids and hashes into a store: all or none. Callers notice nothing, since each key gets the same
 * answers. An import can be repeated: a key that the store has already stays as it is. A revocation and an earlier end are taken
 * over, and never undone. A key that was removed from the store returns. Reads all keys into memory.
 *
 * @param from The path of a file, or another store.
 * @returns The counts, and the keys that are revoked or have an end, which may be new to the store.
 * @throws KeyFileError `conflict` if another key in the store has the id or the hash of one of the keys, and as `createKey` does.
 *
 * @example
 * ```ts node
 * import { importKeys, sqliteKeys } from 'with-auth/keys'
 *
 * const store = sqliteKeys('keys.db', { create: true })
 * const { imported, present } = await importKeys('keys.yaml', store)
 * console.log(`${imported} new keys, ${present} were there`)
 * ```
 */
export async function importKeys(
  from: KeyPlace,
  to: KeyStore,
): Promise<ImportedKeys & { readonly retired: readonly RetiredKey[] }> {
  requirePlace(from)
  requireStore(to)
  const keys = await readAll(from)
  const counts = await to.insertAll(keys)
  const now = Date.now()
  const retired = keys.filter((key) => (key.revoked ?? key.expires) !== undefined)
  return { ...counts, retired: retired.map((key) => toRetired(key, now)) }
}

/**
 * Returns the text of a file with all keys, also revoked and expired ones.
 *
 * @param from A store, or the path of a file.
 * @throws KeyFileError `unwritable` if the text would exceed 2 MiB, about 8,000 keys. Import a larger store into another one.
 *
 * @example
 * ```ts node
 * import { writeFileSync } from 'node:fs'
 * import { exportKeys, sqliteKeys } from 'with-auth/keys'
 *
 * writeFileSync('keys.yaml', await exportKeys(sqliteKeys('keys.db')), { mode: 0o600 })
 * ```
 */
export async function exportKeys(from: KeyPlace): Promise<string> {
  requirePlace(from)
  return formatKeys(await readAll(from), 'the exported file')
}

async function readAll(from: KeyPlace): Promise<readonly StoredKey[]> {
  if (typeof from === 'string') return readKeyFile(from).keys
  const pages: (readonly StoredKey[])[] = []
  for await (const page of pagesOf(from)) pages.push(page)
  return pages.flat()
}
