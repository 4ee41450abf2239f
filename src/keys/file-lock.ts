import { files, reasonOf, system } from '../files/system.ts'
import { KeyFileError } from './key-file-error.ts'

/** A lock that is held. */
export interface FileLock {
  /** Whether it still is: one that was held for too long may have been taken over. */
  readonly isHeld: () => boolean
}

interface Owner {
  readonly pid: number
  readonly host: string
  readonly nonce: string
}

export interface LockTimes {
  /** How long to wait for another. */
  readonly waitMs: number
  /** How old a lock is at least before it is taken from an owner that is gone: containers may not see one another's processes. */
  readonly staleMs: number
}

const TIMES: LockTimes = { waitMs: 10_000, staleMs: 5000 }

/**
 * Runs what must not run twice at once on this file, in any process: a file beside it, with `.lock` behind its name, is there
 * meanwhile. What a process left that ended before it could remove it is taken over.
 *
 * @throws KeyFileError `locked` if another holds it for too long, and what `work` throws.
 */
export async function withFileLock<Value>(
  file: string,
  work: (lock: FileLock) => Promise<Value>,
  times: LockTimes = TIMES,
): Promise<Value> {
  const path = `${file}.lock`
  const content = describeOwner()
  const until = Date.now() + times.waitMs
  while (!tryCreate(path, content)) {
    breakStale(path, content, times.staleMs)
    if (Date.now() >= until) throw locked(path)
    await pause()
  }
  const isHeld = (): boolean => read(path) === content
  try {
    return await work({ isHeld })
  } finally {
    if (isHeld()) remove(path)
  }
}

// With O_EXCL exactly one of those who create a file succeeds.
function tryCreate(path: string, content: string): boolean {
  const fs = files()
  let handle: number | undefined
  try {
    handle = fs.openSync(path, 'wx', 0o600)
    fs.writeSync(handle, content)
    return true
  } catch (error) {
    if (handle !== undefined) remove(path)
    if (reasonOf(error) === 'EEXIST') return false
    const reason = reasonOf(error) === 'ENOENT' ? 'its folder does not exist' : reasonOf(error)
    throw new KeyFileError('unwritable', `Cannot create ${path}: ${reason}`, [], { cause: error })
  } finally {
    if (handle !== undefined) fs.closeSync(handle)
  }
}

// Two that find the same stale lock must not both remove it: the second would remove the new lock of the first. So there is a
// lock for removing. Its owner alone removes what is not its own, and looks again first; an owner that is gone does not come back.
function breakStale(path: string, content: string, staleMs: number): void {
  if (!isStale(path, staleMs)) return
  const breaker = `${path}.break`
  if (!tryCreate(breaker, content)) return
  try {
    if (isStale(path, staleMs)) remove(path)
  } finally {
    remove(breaker)
  }
}

function isStale(path: string, staleMs: number): boolean {
  try {
    if (Date.now() - files().statSync(path).mtimeMs < staleMs) return false
  } catch {
    return false
  }
  const owner = readOwner(path)
  // Nobody takes that long to write one line: it ended in between.
  if (owner === undefined) return true
  return owner.host === hostName() && !isRunning(owner.pid)
}

function isRunning(pid: number): boolean {
  try {
    system().kill(pid, 0)
    return true
  } catch (error) {
    // Any other failure, such as a lack of rights, says nothing.
    return reasonOf(error) !== 'ESRCH'
  }
}

function describeOwner(): string {
  const owner: Owner = { pid: system().pid, host: hostName(), nonce: crypto.randomUUID() }
  return JSON.stringify(owner)
}

function readOwner(path: string): Owner | undefined {
  try {
    const text = files().readFileSync(path, 'utf8')
    const { pid, host, nonce } = JSON.parse(text) as Partial<Record<keyof Owner, unknown>>
    if (typeof pid !== 'number' || typeof host !== 'string' || typeof nonce !== 'string')
      return undefined
    return { pid, host, nonce }
  } catch {
    return undefined
  }
}

// Deno may not be allowed to ask. Then no lock is taken over.
function hostName(): string {
  try {
    return system().getBuiltinModule('node:os').hostname()
  } catch {
    return crypto.randomUUID()
  }
}

function read(path: string): string | undefined {
  try {
    return files().readFileSync(path, 'utf8')
  } catch {
    return undefined
  }
}

function remove(path: string): void {
  files().rmSync(path, { force: true })
}

function pause(): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, 5 + Math.random() * 20)
  })
}

function locked(path: string): KeyFileError {
  const owner = readOwner(path)
  const by = owner === undefined ? '' : ` by process ${owner.pid} on ${JSON.stringify(owner.host)}`
  return new KeyFileError(
    'locked',
    `The keys are being changed${by}. If nobody is at it, remove ${path} and ${path}.break`,
  )
}
