import { findLoneMount } from '../../files/lone-mount.ts'
import { files, reasonOf, UnreadableFileError } from '../../files/system.ts'
import { readTextFile } from '../../files/text-file.ts'
import { KeyFileError, nameFile } from '../error.ts'
import { parseKeys } from './document.ts'
import type { KeyDocument } from './document.ts'

// About 4,000 keys, which take half a second to read.
export const MAX_BYTES_TO_ADD: number = 1024 * 1024
// A file of `MAX_BYTES_TO_ADD` stays readable when each of its keys gets a time of revocation.
export const MAX_BYTES: number = 2 * MAX_BYTES_TO_ADD

export const MOVE = 'Move the keys into a database: "with-auth keys import FILE --keys keys.db"'
const ADVICE: Readonly<Record<string, string>> = {
  no_files: ': pass the keys as { text }',
  too_long: `. ${MOVE}`,
}

/** @throws KeyFileError */
export function readKeyText(file: string, maxBytes: number = MAX_BYTES): string {
  try {
    return readTextFile(file, maxBytes)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/**
 * Throws where no file can be read. Node 18 lacks more than that, and would name something else first.
 *
 * @throws KeyFileError
 */
export function requireFiles(file: string): void {
  try {
    files()
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** @throws KeyFileError */
export function readKeyFile(file: string): KeyDocument {
  return parseKeys(readKeyText(file), file)
}

export function unreadable(file: string, error: unknown): KeyFileError {
  const isKnown = error instanceof UnreadableFileError
  const code = isKnown ? error.code : reasonOf(error)
  const { name, cause } = nameFile(file, isKnown ? error.cause : error)
  if (code === 'ENOENT' && !isLink(file)) {
    return new KeyFileError('not_found', `There is no file ${name}`, [], { cause })
  }
  const found = isKnown ? error.message : code
  const reason = code === 'ENOENT' ? 'it is a symbolic link to a file that does not exist' : found
  const message = `Cannot read ${name}: ${reason}${ADVICE[code] ?? ''}`
  return new KeyFileError('unreadable', message, [], { cause })
}

export function isLink(file: string): boolean {
  return files().lstatSync(file, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

/**
 * Throws for a file that is mounted alone: the endpoint would not notice a revocation that is written outside.
 *
 * @throws KeyFileError
 */
export function rejectLoneMount(file: string): void {
  const reason = findLoneMount(file)
  if (reason === undefined) return
  const risk = 'a key that is revoked outside would stay valid here'
  const advice = 'Mount its folder instead (Kubernetes: without subPath)'
  throw new KeyFileError('unreadable', `Cannot use ${file}: ${reason}, so ${risk}. ${advice}`)
}
