import { files, reasonOf } from '../../files/system.ts'
import { KeyFileError, nameFile } from '../error.ts'

const WAIT_MS = 10_000

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'its folder does not exist',
  EACCES: 'this user may not write to its folder (EACCES)',
}

/**
 * Runs `work` while no other process that uses this function works on the same file. The lock is the file `<file>.lock`.
 *
 * A process that was killed leaves its lock behind. Nothing removes it: a process cannot tell whether the owner still works, for
 * example in another container. The error names the file to remove, as that of git's `index.lock` does.
 *
 * @throws KeyFileError `locked` if the lock is still there after ten seconds, and everything that `work` throws.
 */
export async function withFileLock<Value>(
  file: string,
  work: () => Value | Promise<Value>,
): Promise<Value> {
  const path = `${file}.lock`
  const until = performance.now() + WAIT_MS
  let lock = tryCreate(path)
  while (lock === undefined) {
    if (performance.now() >= until) {
      const advice = `If no process is changing the keys, remove ${path}`
      throw new KeyFileError('locked', `The file is locked: ${path} exists. ${advice}`)
    }
    await pause()
    lock = tryCreate(path)
  }
  try {
    return await work()
  } finally {
    if (files().statSync(path, { throwIfNoEntry: false })?.ino === lock) files().rmSync(path)
  }
}

// Returns the number of the new file, by which its owner knows it. `wx` sets O_EXCL: of several processes exactly one creates
// the file.
function tryCreate(path: string): number | undefined {
  const fs = files()
  try {
    const opened = fs.openSync(path, 'wx', 0o600)
    const { ino } = fs.fstatSync(opened)
    fs.closeSync(opened)
    return ino
  } catch (error) {
    const code = reasonOf(error)
    if (code === 'EEXIST') return undefined
    const reason = REASONS[code] ?? code
    const { name, cause } = nameFile(path, error)
    throw new KeyFileError('unwritable', `Cannot create ${name}: ${reason}`, [], { cause })
  }
}

// A random time, so that waiting processes do not try again at the same moment.
function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 5 + Math.random() * 20)
  })
}
