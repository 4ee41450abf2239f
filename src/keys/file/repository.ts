import { files, reasonOf } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'
import { formatDocument, NEW_FILE, parseKeys } from './document.ts'
import { withFileLock } from './lock.ts'
import {
  isLink,
  MAX_BYTES,
  MAX_BYTES_TO_ADD,
  MOVE,
  readKeyFile,
  readKeyText,
  rejectLoneMount,
  requireFiles,
  unreadable,
} from './read.ts'
import { readUseFiles } from '../usage/use-files.ts'
import { recordsIn } from './records.ts'
import { replaceFile } from './replace-file.ts'
import type { Awaitable } from '../database/store.ts'
import type { StoredKey } from '../record.ts'
import type { EditKind, KeyRecords, KeyRepository } from '../repository.ts'

const MAX_ATTEMPTS = 10

type Work<Value> = (keys: KeyRecords) => Awaitable<Value>

/** The keys of a file. An edit is one replacement of the file. */
export function fileRepository(file: string): KeyRepository {
  requireFiles(file)
  return {
    name: file,
    read: () => recordsIn(readKeyFile(file)),
    readUse: async () => readUseFiles(file),
    edit: (kind, work) => editKeyFile(file, kind, work),
  }
}

/**
 * Changes a file of keys under its lock. Comments stay. If an editor saves the file during the change, the change
 * starts over from that content. A file whose keys stay as they are is not written.
 *
 * @param work Called once for each attempt.
 * @throws KeyFileError
 */
async function editKeyFile<Value>(file: string, kind: EditKind, work: Work<Value>): Promise<Value> {
  const target = resolveFile(file, kind)
  rejectLoneMount(target)
  return withFileLock(target, async () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const edited = await tryEdit(target, kind, work)
      if (edited !== undefined) return edited.value
    }
    const reason = `another program changed it during each of ${MAX_ATTEMPTS} attempts`
    throw new KeyFileError('locked', `Cannot change ${file}: ${reason}. Try again`)
  })
}

async function tryEdit<Value>(
  file: string,
  kind: EditKind,
  work: Work<Value>,
): Promise<{ readonly value: Value } | undefined> {
  const before = readIfPresent(file, kind)
  const current = parseKeys(before?.trim() ? before : NEW_FILE, file)
  const keys = [...current.keys]
  const value = await work(recordsIn(current))
  if (isSame(keys, current.keys)) return { value }
  const text = formatDocument(current.document, file)
  requireSpace(text, file, kind)
  const isUnchanged = (): boolean => readIfPresent(file, kind) === before
  return replaceFile(file, text, isUnchanged) ? { value } : undefined
}

function isSame(before: readonly StoredKey[], after: readonly StoredKey[]): boolean {
  return before.length === after.length && before.every((key, index) => key === after[index])
}

function requireSpace(text: string, file: string, kind: EditKind): void {
  const most = kind === 'change' ? MAX_BYTES : MAX_BYTES_TO_ADD
  if (new TextEncoder().encode(text).byteLength <= most) return
  const action = kind === 'change' ? 'change' : 'add a key to'
  const reason = `the file would be longer than ${most} bytes. ${MOVE}`
  throw new KeyFileError('unwritable', `Cannot ${action} ${file}: ${reason}`)
}

function readIfPresent(file: string, kind: EditKind): string | undefined {
  if (kind === 'create' && !files().existsSync(file)) return undefined
  return readKeyText(file)
}

// Replaces and locks the target of a symbolic link, so that all names of the file stay one file.
function resolveFile(file: string, kind: EditKind): string {
  try {
    return files().realpathSync(file)
  } catch (error) {
    if (kind === 'create' && reasonOf(error) === 'ENOENT' && !isLink(file)) return file
    throw unreadable(file, error)
  }
}
