import { isMap, isScalar, isSeq, YAMLSeq } from 'yaml'
import type { Document } from 'yaml'
import type { StoredKey } from '../record.ts'

/** Appends an entry for a key. */
export function addEntry(document: Document, { id, prefix, sha256, ...purpose }: StoredKey): void {
  // The hash comes last: a file that an editor has written in part may end within an entry. Without a hash it is an error.
  const stored = { id, prefix, ...purpose, sha256 }
  const isBare = Object.keys(stored.attributes).length === 0
  const written = isBare ? { ...stored, attributes: undefined } : stored
  const list = listOf(document)
  if (list.items.length === 0) startBlockList(list)
  list.add(document.createNode(written, { keepUndefined: false, aliasDuplicateObjects: false }))
}

// `[]` has flow style, in which each key would be one long line.
function startBlockList(list: YAMLSeq): void {
  list.flow = false
  if (!list.commentBefore) return
  // The blank line separates the comment of the list from one of its first key.
  list.commentBefore = list.commentBefore.replace(/\n*$/, '\n')
}

/** Removes the entries of these keys. */
export function dropEntries(document: Document, keys: readonly StoredKey[]): void {
  const dropped = new Set<unknown>(keys.map(({ id }) => id))
  const list = listOf(document)
  const isKept = (item: unknown): boolean => !isMap(item) || !dropped.has(item.get('id'))
  const [first] = list.items
  list.items = list.items.filter(isKept)
  if (!isKept(first)) dropFirstComment(list)
}

// The parser assigns the comment of the first key to the list. A comment above a blank line does describe the list.
function dropFirstComment(list: YAMLSeq): void {
  if (list.flow === true) return
  const lines = list.commentBefore?.split('\n') ?? []
  const ofList = lines.slice(0, lines.lastIndexOf('') + 1).join('\n')
  const [next] = list.items
  list.commentBefore = next === undefined ? ofList.replace(/\n$/, '') : ofList
  // The comment of the list has a blank line already.
  if (isMap(next)) next.spaceBefore = false
}

/** Sets a field of the entry at this place of the list; `undefined` removes the field. */
export function setField(
  document: Document,
  place: number,
  name: 'expires' | 'revoked' | 'successor',
  value: string | true | undefined,
): void {
  const entry = listOf(document).items[place]
  if (!isMap(entry)) throw new TypeError('The list has no such entry')
  if (value === undefined) return void entry.delete(name)
  if (entry.has(name)) return entry.set(name, value)
  const index = entry.items.findIndex(({ key }) => String(key) === 'sha256')
  entry.items.splice(index, 0, document.createPair(name, value))
}

function listOf(document: Document): YAMLSeq {
  const list = document.get('keys', true)
  if (isSeq(list)) return list
  // `keys:` has no value, but may have comments.
  const empty = new YAMLSeq()
  const comments = isScalar(list) ? [list.commentBefore, list.comment] : []
  const comment = comments.filter((text) => typeof text === 'string').join('\n')
  if (comment !== '') empty.commentBefore = comment
  document.set('keys', empty)
  return empty
}
