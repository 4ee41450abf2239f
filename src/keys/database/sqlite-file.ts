import { files, reasonOf } from '../../files/system.ts'
import { KeyFileError, nameFile } from '../error.ts'
import { unreadable } from '../file/read.ts'

// SQLite gives its own files beside it the mode of this file. A file that exists must not be opened: closing it would drop the
// locks of SQLite in this process, and another program could then remove the log that a connection of this process reads.
export function createFile(file: string): void {
  try {
    const fs = files()
    fs.closeSync(fs.openSync(file, 'wx', 0o600))
  } catch (error) {
    const reason = reasonOf(error)
    if (reason === 'EEXIST') return
    const { name, cause } = nameFile(file, error)
    throw new KeyFileError('unwritable', `Cannot write ${name}: ${reason}`, [], { cause })
  }
}

/** Names a file so that another file with the same path has another name. */
export function identify(file: string): string {
  try {
    const { dev, ino } = files().statSync(file, { bigint: true })
    return `${dev}:${ino}`
  } catch (error) {
    throw unreadable(file, error)
  }
}

/** Returns a function that throws if the file or its log is no longer the one that the open connection uses. */
export function watchNames(file: string, opened: string): () => void {
  const logFile = `${files().realpathSync(file)}-wal`
  const inodeOfLog = (): bigint | undefined =>
    files().statSync(logFile, { bigint: true, throwIfNoEntry: false })?.ino
  let log = inodeOfLog()
  return () => {
    if (identify(file) !== opened) throw moved(file)
    const found = inodeOfLog()
    // The log may be made later. It stays as long as a connection is open.
    log ??= found
    if (found !== log) throw moved(logFile)
  }
}

function moved(file: string): KeyFileError {
  const risk = 'a key that is revoked there would stay valid here'
  const message = `Cannot read ${file}: it was removed or another file has its name now, and ${risk}. Restart this process`
  return new KeyFileError('unreadable', message)
}
