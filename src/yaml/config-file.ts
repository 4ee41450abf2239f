import { otherKindOf, readingFlags } from '../files/regular-file.ts'
import { MOST_TEXT } from './document.ts'
import type { FileStats } from '../files/regular-file.ts'

/** Says why a file cannot be read; never what is in it. */
export class UnreadableFileError extends Error {}

type Modules = Pick<typeof process, 'getBuiltinModule'>

/**
 * Reads a regular file of at most 256 KiB as UTF-8, also through a symbolic link. Never waits for a named pipe. On a
 * runtime without files it rejects too.
 *
 * @throws UnreadableFileError
 */
export async function readConfigFile(path: string): Promise<string> {
  const { constants, open, stat } = modules().getBuiltinModule('node:fs/promises')
  // Opening a device may already have an effect.
  refuseOther(await stat(path).catch(refuse))
  const handle = await open(path, readingFlags(constants)).catch(refuse)
  try {
    // Another file may have taken its place since then.
    refuseOther(await handle.stat())
    return decode(await readBytes(handle))
  } finally {
    await handle.close()
  }
}

/** Calls a function later; what waits for it does not keep the process alive. */
export function callLater(call: () => void, afterMs: number): () => void {
  const { setTimeout, clearTimeout } = modules().getBuiltinModule('node:timers')
  const timer = setTimeout(call, afterMs).unref()
  return () => clearTimeout(timer)
}

// Not an import: bundlers for Workers and browsers would look for it, and parsing a text needs no file.
function modules(): Modules {
  const found: unknown = Reflect.get(globalThis, 'process')
  if (typeof Reflect.get(Object(found), 'getBuiltinModule') === 'function') return found as Modules
  throw new UnreadableFileError('this runtime gives no access to files: use parseConfig')
}

function refuseOther(stats: FileStats): void {
  const kind = otherKindOf(stats)
  if (kind !== undefined) throw new UnreadableFileError(kind)
}

interface Handle {
  readonly read: (
    buffer: Uint8Array,
    offset: number,
    length: number,
  ) => Promise<{ readonly bytesRead: number }>
}

async function readBytes(handle: Handle): Promise<Uint8Array> {
  const buffer = new Uint8Array(MOST_TEXT + 1)
  let length = 0
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- each read begins where the last one ended
    const { bytesRead } = await handle.read(buffer, length, buffer.length - length)
    length += bytesRead
    if (length > MOST_TEXT) throw new UnreadableFileError(`it is longer than ${MOST_TEXT} bytes`)
    if (bytesRead === 0) return buffer.subarray(0, length)
  }
}

function decode(bytes: Uint8Array): string {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    throw new UnreadableFileError('it is not UTF-8')
  }
}

function refuse(error: unknown): never {
  const code: unknown = Reflect.get(Object(error), 'code')
  const name: unknown = Reflect.get(Object(error), 'name')
  if (name === 'NotCapable') throw new UnreadableFileError('permit it (on Deno, --allow-read)')
  if (code === 'ENOENT') throw new UnreadableFileError('it does not exist')
  throw new UnreadableFileError(String(typeof code === 'string' ? code : name))
}
