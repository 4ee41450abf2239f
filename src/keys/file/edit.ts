import { findLoneMount } from '../../files/lone-mount.ts'
import { files, reasonOf, UnreadableFileError } from '../../files/system.ts'
import { readTextFile } from '../../files/text-file.ts'
import { parseKeys } from './document.ts'
import { withFileLock } from './lock.ts'
import { replaceFile } from './replace-file.ts'
import { KeyFileError } from '../error.ts'
import type { Document } from 'yaml'
import type { KeyDocument } from './document.ts'

// Some 4,000 keys, which take half a second to read.
const MAX_BYTES_TO_ADD = 1024 * 1024
// The rest is for revoking: a file of the first length is still read when each of its keys has a time of revocation.
const MAX_BYTES = 2 * MAX_BYTES_TO_ADD
const MOUNT_ADVICE =
  'a key that is revoked outside would stay valid here. Mount its folder instead (Kubernetes: without subPath)'
const SPLIT = 'or split it into two files, each with an endpoint of its own'
const SHORTEN = `Remove revoked and expired keys from it, ${SPLIT}`
const PRUNE = `Remove revoked and expired keys ("with-auth keys prune --keys FILE --older 0"), ${SPLIT}`
const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it is a symbolic link to a file that does not exist',
}
const ADVICE: Readonly<Record<string, string>> = {
  no_files: ': pass the keys as { text }',
  too_long: `. ${SHORTEN}`,
}
const NEW_FILE = `# The keys of this service. A key itself is nowhere in here, only its SHA-256.
keys: []
`
// How often an editor may save in between before this gives up.
const MAX_TRIES = 10
const WRITTEN = { lineWidth: 0, flowCollectionPadding: false }

interface EditOptions {
  /** Whether a file that is not there is made. */
  readonly create: boolean
  /** Whether a key is added, for which there is less room; as `create` by default. */
  readonly isAddition?: boolean
}

/** Reads the text of a file of keys, also through a symbolic link. Never waits for a named pipe. */
export function readKeyText(file: string): string {
  try {
    return readTextFile(file, MAX_BYTES)
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** The error for a file that cannot be read. */
export function unreadable(file: string, error: unknown): KeyFileError {
  const isOurs = error instanceof UnreadableFileError
  const [code, reason] = isOurs ? [error.code, error.message] : [reasonOf(error), reasonOf(error)]
  const cause = isOurs ? error.cause : error
  if (code === 'ENOENT' && !isLink(file)) {
    return new KeyFileError('not_found', `There is no file ${file}`, [], { cause })
  }
  const message = `Cannot read ${file}: ${REASONS[code] ?? reason}${ADVICE[code] ?? ''}`
  return new KeyFileError('unreadable', message, [], { cause })
}

export function readKeyFile(file: string): KeyDocument {
  return parseKeys(readKeyText(file), file)
}

/**
 * Changes a file of keys: nobody else who uses this function changes it at the same time, what an editor saves meanwhile is not
 * overwritten, and comments stay.
 *
 * @param change Gets what is there, and changes the document. May be called more than once, each time with what is there then.
 */
export async function editKeyFile<Value>(
  file: string,
  change: (current: KeyDocument) => Value,
  options: EditOptions,
): Promise<Value> {
  const target = resolveFile(file, options.create)
  refuseLoneMount(target)
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const edited = await withFileLock(target, () => tryEdit(target, change, options))
    if (edited !== undefined) return edited.value
  }
  throw new KeyFileError('locked', `${file} is being changed by something else again and again`)
}

function tryEdit<Value>(
  file: string,
  change: (current: KeyDocument) => Value,
  { create, isAddition = create }: EditOptions,
): { readonly value: Value } | undefined {
  const before = readOrNone(file, create)
  const current = parseKeys(before?.trim() ? before : NEW_FILE, file)
  const value = change(current)
  const text = writeDocument(current.document, file, isAddition)
  const mayReplace = (): boolean => readOrNone(file, create) === before
  return replaceFile(file, text, mayReplace) ? { value } : undefined
}

// What would not be read again must not be written.
function writeDocument(document: Document, file: string, isAddition: boolean): string {
  const text = document.toString(WRITTEN)
  refuseLength(text, file, isAddition)
  parseKeys(text, file)
  return text
}

function refuseLength(text: string, file: string, isAddition: boolean): void {
  const most = isAddition ? MAX_BYTES_TO_ADD : MAX_BYTES
  if (new TextEncoder().encode(text).byteLength <= most) return
  const action = isAddition ? 'add a key to' : 'change'
  const reason = `the file would be longer than ${most} bytes. ${PRUNE}`
  throw new KeyFileError('unwritable', `Cannot ${action} ${file}: ${reason}`)
}

function readOrNone(file: string, create: boolean): string | undefined {
  if (create && !files().existsSync(file)) return undefined
  return readKeyText(file)
}

// Behind a symbolic link the file itself is replaced and locked, so that all its names stay one file.
function resolveFile(file: string, create: boolean): string {
  try {
    return files().realpathSync(file)
  } catch (error) {
    // A file may be there by now: another process has made it.
    const isMissing = reasonOf(error) === 'ENOENT' && !isLink(file)
    if (create && isMissing) return file
    throw unreadable(file, error)
  }
}

function isLink(name: string): boolean {
  return files().lstatSync(name, { throwIfNoEntry: false })?.isSymbolicLink() === true
}

/**
 * Refuses a file that is mounted alone: a revocation outside would not arrive.
 *
 * @throws KeyFileError
 */
export function refuseLoneMount(file: string): void {
  const reason = findLoneMount(file)
  if (reason === undefined) return
  throw new KeyFileError('unreadable', `Cannot use ${file}: ${reason}, so ${MOUNT_ADVICE}`)
}
