import { files, reasonOf } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'
import { parseKeys } from './document.ts'
import { withFileLock } from './lock.ts'
import {
  isLink,
  MAX_BYTES,
  MAX_BYTES_TO_ADD,
  MOVE,
  readKeyText,
  rejectLoneMount,
  unreadable,
} from './read.ts'
import { replaceFile } from './replace-file.ts'
import type { Document } from 'yaml'
import type { KeyDocument } from './document.ts'

export const NEW_FILE = `# The keys of this service. The file holds the SHA-256 of each key, never the key.
keys: []
`
const MAX_ATTEMPTS = 10
const FORMAT = { lineWidth: 0, flowCollectionPadding: false }

/** `create` adds a key and creates a missing file. `extend` adds a key. `change` adds none, and may use the rest of the space. */
export type EditKind = 'create' | 'extend' | 'change'

/**
 * Changes a file of keys under its lock. Comments stay. If an editor saves the file during the change, the change
 * starts over from that content.
 *
 * @param change Changes the document. Called once for each attempt.
 * @throws KeyFileError
 */
export async function editKeyFile<Value>(
  file: string,
  kind: EditKind,
  change: (current: KeyDocument) => Value,
): Promise<Value> {
  const target = resolveFile(file, kind)
  rejectLoneMount(target)
  return withFileLock(target, () => {
    for (let attempt = 0; attempt < MAX_ATTEMPTS; attempt += 1) {
      const edited = tryEdit(target, kind, change)
      if (edited !== undefined) return edited.value
    }
    const reason = `another program changed it during each of ${MAX_ATTEMPTS} attempts`
    throw new KeyFileError('locked', `Cannot change ${file}: ${reason}. Try again`)
  })
}

function tryEdit<Value>(
  file: string,
  kind: EditKind,
  change: (current: KeyDocument) => Value,
): { readonly value: Value } | undefined {
  const before = readIfPresent(file, kind)
  const current = parseKeys(before?.trim() ? before : NEW_FILE, file)
  const value = change(current)
  const text = formatDocument(current.document, file)
  requireSpace(text, file, kind)
  const isUnchanged = (): boolean => readIfPresent(file, kind) === before
  return replaceFile(file, text, isUnchanged) ? { value } : undefined
}

/** @throws KeyFileError */
export function formatDocument(document: Document, file: string): string {
  const text = document.toString(FORMAT)
  // A text that cannot be read again must not be written.
  parseKeys(text, file)
  return text
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
