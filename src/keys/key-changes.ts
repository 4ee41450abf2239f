import { isMap, isScalar, isSeq, YAMLSeq } from 'yaml'
import { digest, toHex } from './digest.ts'
import { editKeyFile } from './key-file.ts'
import { KeyFileError } from './key-file-error.ts'
import { generateId, generateKey, visiblePrefix } from './key-secret.ts'
import { toRecord } from './key-state.ts'
import { checkNewKey } from './new-key.ts'
import { formatTimestamp } from './timestamps.ts'
import type { Document, YAMLMap } from 'yaml'
import type { CreatedKey, KeyRecord, NewKey, StoredKey } from './key-record.ts'

/** Makes a key and writes it down, by its hash. */
export async function addKey(file: string, wanted: NewKey, now: number): Promise<CreatedKey> {
  const purpose = checkNewKey(wanted, now)
  const key = generateKey()
  const sha256 = toHex(await digest(key))
  const prefix = visiblePrefix(key)
  return editKeyFile(
    file,
    ({ document, keys }) => {
      // The hash last: an entry that is read while somebody writes the file in place, and is cut, lacks it, and is refused.
      const stored: StoredKey = { id: unusedId(keys), prefix, ...purpose, sha256 }
      append(document, stored)
      return { ...toRecord(stored, now), key }
    },
    { create: true },
  )
}

/** Names a key of a file. */
export type KeyReference = { readonly id: string } | { readonly key: string }

/** Writes down that a key is revoked. Of one that is, the time stays. */
export async function markRevoked(
  file: string,
  reference: KeyReference,
  now: number,
): Promise<KeyRecord> {
  const isWanted = await createMatch(reference)
  return editKeyFile(
    file,
    ({ document, keys }) => {
      const key = keys.find(isWanted)
      const entry = listOf(document).items.find((item) => isMap(item) && item.get('id') === key?.id)
      if (key === undefined || !isMap(entry)) throw noSuchKey(file, reference)
      if (key.revoked !== undefined) return toRecord(key, now)
      const revoked = formatTimestamp(Math.floor(now / 1000) * 1000)
      insertRevoked(entry, revoked, document)
      return toRecord({ ...key, revoked }, now)
    },
    { create: false },
  )
}

async function createMatch(reference: KeyReference): Promise<(key: StoredKey) => boolean> {
  if ('id' in reference) return ({ id }) => id === reference.id
  const wanted = toHex(await digest(reference.key))
  return ({ sha256 }) => sha256 === wanted
}

// A caller may pass the key in place of its id.
function noSuchKey(file: string, reference: KeyReference): KeyFileError {
  const message =
    'id' in reference
      ? `There is no key with this id in ${file} (the id is not shown, since it may be a key)`
      : `The key is not in ${file} (it is not shown)`
  return new KeyFileError('no_such_key', message)
}

/** Takes a key out of the file, with its entry. */
export async function dropKey(file: string, id: string): Promise<void> {
  await editKeyFile(
    file,
    ({ document }) => {
      const list = listOf(document)
      const index = list.items.findIndex((item) => isMap(item) && item.get('id') === id)
      if (index === -1) throw noSuchKey(file, { id })
      list.items.splice(index, 1)
    },
    { create: false },
  )
}

function unusedId(keys: readonly StoredKey[]): string {
  const id = generateId()
  return keys.some((key) => key.id === id) ? unusedId(keys) : id
}

function append(document: Document, stored: StoredKey): void {
  const shown =
    Object.keys(stored.attributes).length === 0 ? { ...stored, attributes: undefined } : stored
  const list = listOf(document)
  // `[]` is written in flow style, and a key in it would be one long line.
  if (list.items.length === 0) list.flow = false
  list.add(document.createNode(shown, { keepUndefined: false, aliasDuplicateObjects: false }))
}

function listOf(document: Document): YAMLSeq {
  const list = document.get('keys', true)
  if (isSeq(list)) return list
  // Nothing is in it yet, but there may be a comment.
  const empty = new YAMLSeq()
  const comments = isScalar(list) ? [list.commentBefore, list.comment] : []
  const comment = comments.filter((text) => typeof text === 'string').join('\n')
  if (comment !== '') empty.commentBefore = comment
  document.set('keys', empty)
  return empty
}

// Before the hash, like everything else.
function insertRevoked(map: YAMLMap, revoked: string, document: Document): void {
  const index = map.items.findIndex(({ key }) => String(key) === 'sha256')
  map.items.splice(index, 0, document.createPair('revoked', revoked))
}
