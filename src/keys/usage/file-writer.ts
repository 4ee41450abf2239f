import { ignore } from '../../core/async.ts'
import { property } from '../../core/runtime.ts'
import { files, reasonOf, system } from '../../files/system.ts'
import { KeyFileError } from '../error.ts'
import { withFileLock } from '../file/lock.ts'
import { readKeyFile } from '../file/read.ts'
import { processesOf, readUseFile, resolve, useFileOf } from './use-files.ts'
import { timers } from './recorder.ts'
import { addUp, dayOf, withoutOldDays } from './use.ts'
import type { KeyUse } from './use.ts'
import type { UseFile } from './use-files.ts'
import type { WriteUses } from './recorder.ts'

/** A file without a write for so long is added to the common one. */
const STALE_MS = 3_600_000
/** After so long a process begins another file: its own may become stale. */
const OWN_MS = STALE_MS / 2

/** More are left for later, since they are read at once. */
const MOST_MERGED = 50

interface OwnFile {
  readonly path: string
  /** Each day has a file of its own, so that a write stays short. */
  readonly day: string
  readonly uses: readonly KeyUse[]
  readonly writtenAt: number
}

/**
 * Makes a function that adds to a file of this process beside the keys. No other process writes to it, and each write replaces it in
 * one step. The next process that begins a file adds those without a recent write to a common file.
 *
 * @param tell Gets why they could not be added.
 */
export function createFileWriter(file: string, tell: (message: string) => void): WriteUses {
  const useFile = useFileOf(resolve(file))
  let own: OwnFile | undefined
  return (uses) => {
    const now = Date.now()
    requireRight(useFile)
    const before = own !== undefined && isOurs(own, now) ? own : undefined
    const path = before?.path ?? `${useFile}.${drawId()}`
    const sum = withoutOldDays(addUp([...(before?.uses ?? []), ...uses]), now)
    writeUseFile(path, { uses: sum, merged: [] }, useFile)
    own = { path, day: before?.day ?? dayOf(now), uses: sum, writtenAt: now }
    if (before === undefined) mergeSoon(file, useFile, tell)
  }
}

// A file that was added to the common one is gone. The clock may be set back.
function isOurs({ path, day, writtenAt }: OwnFile, now: number): boolean {
  return day === dayOf(now) && Math.abs(now - writtenAt) < OWN_MS && files().existsSync(path)
}

// In a turn of its own, which the end of a process does not wait for: it would leave the lock behind.
function mergeSoon(file: string, useFile: string, tell: (message: string) => void): void {
  const merge = async (): Promise<void> => {
    try {
      await mergeUseFiles(file, useFile)
    } catch (error) {
      tell(error instanceof Error ? error.message : 'unknown')
    }
  }
  // A handler of warnings that throws must not end the process.
  timers()
    .setTimeout(() => ignore(merge()), 0)
    .unref()
}

function drawId(): string {
  return crypto.randomUUID().replaceAll('-', '').slice(0, 16)
}

/**
 * Adds files of processes that have ended to the common file. A crash at any step counts nothing twice: until a file is removed, the
 * common one names it.
 *
 * @throws KeyFileError
 */
export async function mergeUseFiles(file: string, useFile: string): Promise<void> {
  if (staleOf(useFile).length === 0) return
  await withFileLock(useFile, () => {
    const stale = staleOf(useFile).slice(0, MOST_MERGED)
    const common = readUseFile(useFile) ?? { uses: [], merged: [] }
    const added = stale.filter((id) => !common.merged.includes(id))
    const found = added.map((id) => readUseFile(`${useFile}.${id}`)?.uses ?? [])
    const uses = addUp([...common.uses, ...found.flat()])
    const kept = withoutOldDays(ofKnownKeys(uses, file), Date.now())
    const present = new Set(processesOf(useFile))
    const merged = [...common.merged.filter((id) => present.has(id)), ...added]
    writeUseFile(useFile, { uses: kept, merged }, useFile)
    for (const id of stale) files().rmSync(`${useFile}.${id}`, { force: true })
  })
}

function staleOf(useFile: string): readonly string[] {
  const before = Date.now() - STALE_MS
  return processesOf(useFile).filter((id) => {
    const stats = files().statSync(`${useFile}.${id}`, { throwIfNoEntry: false })
    return stats !== undefined && stats.mtimeMs < before
  })
}

function ofKnownKeys(uses: readonly KeyUse[], file: string): readonly KeyUse[] {
  try {
    const known = new Set(readKeyFile(file).keys.map(({ id }) => id))
    return uses.filter(({ id }) => known.has(id))
  } catch {
    // The keys are broken for now, and return.
    return uses
  }
}

// The error names the common file, so that each new file does not look like a new problem.
function writeUseFile(path: string, content: UseFile, name: string): void {
  const fs = files()
  const temporary = `${path}.${drawId()}.tmp`
  try {
    fs.writeFileSync(temporary, JSON.stringify(content), { mode: 0o600, flag: 'wx' })
    fs.renameSync(temporary, path)
  } catch (cause) {
    fs.rmSync(temporary, { force: true })
    throw new KeyFileError('unwritable', `Cannot write ${name}: ${reasonOf(cause)}`, [], { cause })
  }
}

// Deno would ask on the terminal, and stop all requests until someone answers.
function requireRight(useFile: string): void {
  const permissions = property(property(globalThis, 'Deno'), 'permissions')
  const query = property(permissions, 'querySync')
  if (typeof query !== 'function') return
  const path = system().getBuiltinModule('node:path').dirname(useFile)
  const names = ['read', 'write']
  const states = names.map((name) => property(query.call(permissions, { name, path }), 'state'))
  if (states.every((state) => state === 'granted')) return
  throw new KeyFileError(
    'unwritable',
    `Cannot write ${useFile}: NotCapable (on Deno, --allow-write)`,
  )
}
