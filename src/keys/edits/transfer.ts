import { NEW_FILE } from '../file/document.ts'
import { formatPart, readLongFile } from '../file/long-file.ts'
import { toRetired } from '../keyring.ts'
import { requirePlace, requireStore } from '../options.ts'
import { repositoryOf } from './place.ts'
import type { RetiredKey, StoredKey } from '../record.ts'
import type { ImportedKeys, KeyPlace, KeyStore } from '../database/store.ts'

/**
 * Copies all keys with their ids and hashes into a store: all or none. Callers notice nothing, since each key gets the same
 * answers. An import can be repeated: a key that the store has already stays as it is. A revocation and an earlier end are taken
 * over, and never undone. A key that was removed from the store returns. Reads all keys into memory.
 *
 * @param from The path of a file, or another store. A file may have 256 MiB, about a million keys, if it is as {@link exportKeys}
 * writes it.
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
 * Returns the text of a file with all keys, also revoked and expired ones, in pieces. It has no limit. A text of more than 2 MiB,
 * about 8,000 keys, is too long for an endpoint, but {@link importKeys} reads it.
 *
 * @param from A store, or the path of a file.
 * @returns The pieces of the text. Reading them throws a KeyFileError as `createKey` does: then the text is incomplete.
 *
 * @example
 * ```ts node
 * import { writeFile } from 'node:fs/promises'
 * import { exportKeys, sqliteKeys } from 'with-auth/keys'
 *
 * await writeFile('keys.yaml', exportKeys(sqliteKeys('keys.db')), { mode: 0o600 })
 * ```
 */
export function exportKeys(from: KeyPlace): AsyncIterable<string> {
  requirePlace(from)
  return formatAll(from)
}

async function* formatAll(from: KeyPlace): AsyncGenerator<string> {
  let isFirst = true
  for await (const page of repositoryOf(from).read().pages()) {
    if (page.length === 0) continue
    yield formatPart(page, isFirst)
    isFirst = false
  }
  if (isFirst) yield NEW_FILE
}

async function readAll(from: KeyPlace): Promise<readonly StoredKey[]> {
  if (typeof from === 'string') return readLongFile(from)
  const pages: (readonly StoredKey[])[] = []
  for await (const page of repositoryOf(from).read().pages()) pages.push(page)
  return pages.flat()
}
