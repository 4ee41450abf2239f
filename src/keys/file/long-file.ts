import { malformed } from '../error.ts'
import { formatDocument, NEW_FILE, parseKeys } from './document.ts'
import { addEntry } from './entries.ts'
import { MAX_BYTES, readKeyText } from './read.ts'
import type { StoredKey } from '../record.ts'

// About a million keys.
const MAX_BYTES_TO_IMPORT = 256 * 1024 * 1024
// The parser needs fifty times as much memory as its text.
const PIECE_LENGTH = 256 * 1024

const LIST = 'keys:\n'
const HEAD = /^(?:[ \t]*(?:#.*)?\r?\n)*keys:[ \t]*(?:#.*)?\r?\n(?:[ \t]*(?:#.*)?\r?\n)*(?=([ ]*)- )/
const FORM =
  'it must be a list as "with-auth keys export" prints it, with "keys:" in a line of its own'

/**
 * Formats keys as a part of a file of keys, which may be longer than such a file.
 *
 * @param isFirst Whether the file begins with this part.
 */
export function formatPart(keys: readonly StoredKey[], isFirst: boolean): string {
  const name = 'the exported file'
  const { document } = parseKeys(NEW_FILE, name)
  for (const key of keys) addEntry(document, key)
  const text = formatDocument(document, name)
  return isFirst ? text : text.slice(text.indexOf(LIST) + LIST.length)
}

/**
 * Reads all keys of a file that may be longer than a file of keys. A long one is parsed in pieces, to bound the memory.
 *
 * @throws KeyFileError
 */
export function readLongFile(file: string): readonly StoredKey[] {
  const text = readKeyText(file, MAX_BYTES_TO_IMPORT)
  return text.length <= MAX_BYTES ? parseKeys(text, file).keys : parsePieces(text, file)
}

function parsePieces(text: string, file: string): readonly StoredKey[] {
  const [head, indent] = HEAD.exec(text) ?? []
  if (head === undefined) {
    const message = `${file} is longer than ${MAX_BYTES} bytes: ${FORM}`
    throw malformed(file, [{ line: 1, column: 1, message }])
  }
  const keys: StoredKey[] = []
  const earlier = { lines: countLines(head) - 1, ids: new Set<string>(), hashes: new Set<string>() }
  for (const piece of piecesOf(text, head.length, `\n${indent}- `)) {
    keys.push(...parseKeys(LIST + piece, file, earlier).keys)
    earlier.lines += countLines(piece)
  }
  return keys
}

/** Splits a text where a line begins with an item of the list. A line within an item is indented further. */
function* piecesOf(text: string, start: number, item: string): Generator<string> {
  for (let from = start; from < text.length;) {
    const next = text.indexOf(item, from + PIECE_LENGTH)
    const end = next === -1 ? text.length : next + 1
    yield text.slice(from, end)
    from = end
  }
}

function countLines(text: string): number {
  return text.split('\n').length - 1
}
