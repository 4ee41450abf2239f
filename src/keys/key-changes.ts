import { isMap, isScalar, isSeq, YAMLSeq } from 'yaml'
import { digest, toHex } from './digest.ts'
import { editKeyFile } from './key-file.ts'
import { KeyFileError } from './key-file-error.ts'
import { generateId, generateKey, visiblePrefix } from './key-secret.ts'
import { toRecord } from './key-state.ts'
import { checkNewKey } from './new-key.ts'
import { formatTimestamp } from './timestamps.ts'
import type { Document, YAMLMap } from 'yaml'
import type { KeyDocument } from './key-document.ts'
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

/** Writes down that a key is revoked. Of one that is, the time stays. */
export function markRevoked(file: string, id: string, now: number): Promise<KeyRecord> {
  return editKeyFile(
    file,
    (current) => {
      const { key, map } = findKey(current, id, file)
      if (key.revoked !== undefined) return toRecord(key, now)
      const revoked = formatTimestamp(Math.floor(now / 1000) * 1000)
      insertRevoked(map, revoked, current.document)
      return toRecord({ ...key, revoked }, now)
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

function findKey(
  { document, keys }: KeyDocument,
  id: string,
  file: string,
): { readonly key: StoredKey; readonly map: YAMLMap } {
  const key = keys.find((candidate) => candidate.id === id)
  const map = listOf(document).items.find((item) => isMap(item) && item.get('id') === id)
  if (key !== undefined && isMap(map)) return { key, map }
  throw new KeyFileError(
    'no_such_key',
    `There is no key with the id ${JSON.stringify(id.slice(0, 80))} in ${file}`,
  )
}

// Before the hash, like everything else.
function insertRevoked(map: YAMLMap, revoked: string, document: Document): void {
  const index = map.items.findIndex(({ key }) => String(key) === 'sha256')
  map.items.splice(index, 0, document.createPair('revoked', revoked))
}
