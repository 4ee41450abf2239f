import { files, reasonOf, system } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'

// Where the system does not tell what is mounted, this is how it shows.
const MOUNT_ADVICE = '. If it is mounted alone, mount its folder instead'

/**
 * Puts a text in the place of a file, all at once: who reads sees the old or the new, also after a power failure. Mode and
 * owner stay as they were; a new file is for its owner alone.
 *
 * @param mayReplace Asked last of all; if it says no, everything stays as it was.
 * @returns Whether it was replaced.
 * @throws KeyFileError `unwritable`, and everything is as it was.
 */
export function replaceFile(file: string, text: string, mayReplace: () => boolean): boolean {
  const temporary = `${file}.${crypto.randomUUID()}.tmp`
  try {
    writeThrough(temporary, text, file)
    if (!mayReplace()) return false
    files().renameSync(temporary, file)
    syncFolder(file)
    return true
  } catch (error) {
    const reason = reasonOf(error)
    const advice = ['EBUSY', 'EXDEV'].includes(reason) ? MOUNT_ADVICE : ''
    throw new KeyFileError('unwritable', `Cannot write ${file}: ${reason}${advice}`, [], {
      cause: error,
    })
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

// A file that another user serves from must not become one that only its editor can read: if the owner cannot be kept, this
// throws.
function keepOwnerAndMode(handle: number, file: string): void {
  const fs = files()
  const old = fs.statSync(file, { throwIfNoEntry: false })
  if (old === undefined) return
  const { uid, gid } = fs.fstatSync(handle)
  if (uid !== old.uid || gid !== old.gid) fs.fchownSync(handle, old.uid, old.gid)
  fs.fchmodSync(handle, old.mode & 0o777)
}

// So that the new name outlives a power failure. Not every system lets a folder be opened.
function syncFolder(file: string): void {
  const fs = files()
  try {
    const folder = system().getBuiltinModule('node:path').dirname(file)
    const handle = fs.openSync(folder, 'r')
    fs.fsyncSync(handle)
    fs.closeSync(handle)
  } catch {
    // The content is safe in any case.
  }
}
