import { isMap, isScalar, isSeq, YAMLSeq } from 'yaml'
import { checkBoolean, invalidSecret, readOptions } from '../core/config/option-checks.ts'
import { editKeyFile, readKeyFile } from './file/edit.ts'
import { KeyFileError } from './error.ts'
import { generateId, generateKey, visiblePrefix, hashKey } from './secret.ts'
import { stopOfKey, toRecord } from './state.ts'
import { checkDurationOrZero, checkNewKey, roundDown } from './new-key.ts'
import { formatTimestamp } from './times.ts'
import type { Document } from 'yaml'
import type { KeyDocument } from './file/document.ts'
import type { CreatedKey, KeyRecord, NewKey, StoredKey } from './record.ts'

/** Makes a key and writes it down, by its hash. */
export async function addKey(file: string, wanted: NewKey, now: number): Promise<CreatedKey> {
  const purpose = checkNewKey(wanted, now)
  const { key, ...secret } = await generateSecret()
  return editKeyFile(
    file,
    ({ document, keys }) => {
      const stored = append(document, keys, { ...purpose, ...secret })
      return { ...toRecord(stored, now), key }
    },
    { create: true },
  )
}

/** The fields of a new entry, without its id. */
export type NewEntry = Omit<StoredKey, 'id'> & { readonly prefix: string }

/** Makes a key, and the fields by which the file knows it. */
export async function generateSecret(): Promise<
  Pick<NewEntry, 'prefix' | 'sha256'> & Pick<CreatedKey, 'key'>
> {
  const key = generateKey()
  return { key, prefix: visiblePrefix(key), sha256: await hashKey(key) }
}

/** Names a key of a file. */
export type KeyReference = { readonly id: string } | { readonly key: string }

/** @throws AuthConfigError for what names no key. */
export function checkReference(value: unknown): KeyReference {
  if (typeof value === 'string') return { id: value }
  const form = 'the id of a key, or { key } with the key itself'
  const { key } = readOptions(value, ['key'], 'id', form)
  if (typeof key === 'string' && key !== '') return { key }
  throw invalidSecret('id.key', 'the key itself, a text')
}

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
      if (key === undefined) throw noSuchKey(file, reference)
      if (key.revoked !== undefined) return toRecord(key, now)
      const revoked = formatTimestamp(roundDown(now))
      setField(document, key.id, 'revoked', revoked)
      return toRecord({ ...key, revoked }, now)
    },
    { create: false },
  )
}

async function createMatch(reference: KeyReference): Promise<(key: StoredKey) => boolean> {
  if ('id' in reference) return ({ id }) => id === reference.id
  const wanted = await hashKey(reference.key)
  return ({ sha256 }) => sha256 === wanted
}

// A caller may pass the key in place of its id.
export function noSuchKey(file: string, reference: KeyReference): KeyFileError {
  const message =
    'id' in reference
      ? `There is no key with this id in ${file} (the id is not shown, since it may be a key)`
      : `The key is not in ${file} (it is not shown)`
  return new KeyFileError('no_such_key', message)
}

/** Takes a key out of the file, with its entry. Gives what the key was until then. */
export async function dropKey(file: string, id: string, now: number): Promise<KeyRecord> {
  return editKeyFile(
    file,
    ({ document, keys }) => {
      const key = keys.find((one) => one.id === id)
      if (key === undefined) throw noSuchKey(file, { id })
      dropEntries(document, [id])
      return toRecord(key, now)
    },
    { create: false },
  )
}

/** Takes all keys out of the file that were revoked or ended long enough ago, and gives them. */
export async function dropStopped(
  file: string,
  options: unknown,
  now: number,
): Promise<readonly KeyRecord[]> {
  const { older, dryRun = false } = readOptions(options, ['older', 'dryRun'], 'options')
  const by = now - checkDurationOrZero('options.older', older)
  const isDryRun = checkBoolean('options.dryRun', dryRun)
  const stoppedOf = (keys: readonly StoredKey[]): readonly KeyRecord[] =>
    keys.filter((key) => stopOfKey(key, now) <= by).map((key) => toRecord(key, now))
  const stopped = stoppedOf(readKeyFile(file).keys)
  if (isDryRun || stopped.length === 0) return stopped
  const drop = ({ document, keys }: KeyDocument): readonly KeyRecord[] => {
    const dropped = stoppedOf(keys)
    const ids = dropped.map(({ id }) => id)
    dropEntries(document, ids)
    return dropped
  }
  return editKeyFile(file, drop, { create: false })
}

function unusedId(keys: readonly StoredKey[]): string {
  const id = generateId()
  return keys.some((key) => key.id === id) ? unusedId(keys) : id
}

/** Writes an entry with an id of its own behind the others. */
export function append(
  document: Document,
  keys: readonly StoredKey[],
  { prefix, sha256, ...purpose }: NewEntry,
): StoredKey {
  // Keep the hash last: a file that an editor writes in place can be read half-written, and an entry without a hash is refused.
  const stored = { id: unusedId(keys), prefix, ...purpose, sha256 }
  const shown =
    Object.keys(stored.attributes).length === 0 ? { ...stored, attributes: undefined } : stored
  const list = listOf(document)
  // `[]` is written in flow style, and a key in it would be one long line.
  if (list.items.length === 0) list.flow = false
  // A blank line keeps the comment of the list apart from one of its first key.
  if (list.items.length === 0 && list.commentBefore) {
    list.commentBefore = list.commentBefore.replace(/\n*$/, '\n')
  }
  list.add(document.createNode(shown, { keepUndefined: false, aliasDuplicateObjects: false }))
  return stored
}

/** Removes the entries of keys, as far as they are there. */
export function dropEntries(document: Document, ids: readonly string[]): void {
  const dropped = new Set<unknown>(ids)
  const list = listOf(document)
  const isKept = (item: unknown): boolean => !isMap(item) || !dropped.has(item.get('id'))
  const [first] = list.items
  list.items = list.items.filter(isKept)
  if (!isKept(first)) dropFirstComment(list)
}

// The parser takes the comment of the first key for one of the list. A comment above a blank line is about the list.
function dropFirstComment(list: YAMLSeq): void {
  if (list.flow === true) return
  const lines = list.commentBefore?.split('\n') ?? []
  const ofList = lines.slice(0, lines.lastIndexOf('') + 1).join('\n')
  const [next] = list.items
  list.commentBefore = next === undefined ? ofList.replace(/\n$/, '') : ofList
  // The blank line above it is the one of the list.
  if (isMap(next)) next.spaceBefore = false
}

/** Writes a field into the entry of a key, or removes it. */
export function setField(
  document: Document,
  id: string,
  name: 'expires' | 'revoked' | 'successor',
  value: string | undefined,
): void {
  const entry = listOf(document).items.find((item) => isMap(item) && item.get('id') === id)
  if (!isMap(entry)) throw new TypeError(`No entry has the id ${id}`)
  if (value === undefined) return void entry.delete(name)
  if (entry.has(name)) return entry.set(name, value)
  // Before the hash, like everything else.
  const index = entry.items.findIndex(({ key }) => String(key) === 'sha256')
  entry.items.splice(index, 0, document.createPair(name, value))
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
