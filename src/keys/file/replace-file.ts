import { files, reasonOf, system } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'

// These codes show a mount where the system does not list its mounts.
const MOUNT_CODES: ReadonlySet<string> = new Set(['EBUSY', 'EXDEV'])
const MOUNT_ADVICE = '. If it is mounted alone, mount its folder instead'

/**
 * Replaces a file in one step: a reader sees the old or the new content, also after a power failure. The file keeps its mode and
 * owner. Only its owner can read a new file.
 *
 * @param isUnchanged Called right before the rename. If it returns `false`, the file stays as it is.
 * @returns Whether the file was replaced.
 * @throws KeyFileError `unwritable`, with the file as it was.
 */
export function replaceFile(file: string, text: string, isUnchanged: () => boolean): boolean {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`
  try {
    writeThrough(temporary, text, file)
    if (!isUnchanged()) return false
    files().renameSync(temporary, file)
    syncFolder(file)
    return true
  } catch (cause) {
    const reason = reasonOf(cause)
    const advice = MOUNT_CODES.has(reason) ? MOUNT_ADVICE : ''
    const message = `Cannot write ${file}: ${reason}${advice}`
    throw new KeyFileError('unwritable', message, [], { cause })
  } finally {
    files().rmSync(temporary, { force: true })
  }
}

function writeThrough(temporary: string, text: string, file: string): void {
  const fs = files()
  const handle = fs.openSync(temporary, 'wx', 0o600)
  try {
    keepOwnerAndMode(handle, file)
    fs.writeFileSync(handle, text)
    fs.fsyncSync(handle)
  } finally {
    fs.closeSync(handle)
  }
}

// Throws if the owner cannot be kept: a service of another user could no longer read the file.
function keepOwnerAndMode(handle: number, file: string): void {
  const fs = files()
  const old = fs.statSync(file, { throwIfNoEntry: false })
  if (old === undefined) return
  const { uid, gid } = fs.fstatSync(handle)
  if (uid !== old.uid || gid !== old.gid) fs.fchownSync(handle, old.uid, old.gid)
  fs.fchmodSync(handle, old.mode & 0o777)
}

// Makes the new name survive a power failure. Some systems cannot open a folder: then the content is safe, but not the name.
function syncFolder(file: string): void {
  const fs = files()
  try {
    const folder = system().getBuiltinModule('node:path').dirname(file)
    const handle = fs.openSync(folder, 'r')
    fs.fsyncSync(handle)
    fs.closeSync(handle)
  } catch {}
}
