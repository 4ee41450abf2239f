import { files, reasonOf, UnreadableFileError } from './system.ts'
import type { Stats } from 'node:fs'

const KINDS = [
  ['isDirectory', 'a folder'],
  ['isFIFO', 'a named pipe'],
  ['isSocket', 'a socket'],
  ['isCharacterDevice', 'a device'],
  ['isBlockDevice', 'a device'],
] as const

const REASONS: Readonly<Record<string, string>> = {
  ENOENT: 'it does not exist',
  EACCES: 'this user may not read it (EACCES)',
  NotCapable: 'permit it (on Deno, --allow-read)',
}

/**
 * Reads a regular file of at most `maxBytes` bytes as UTF-8, without its byte order mark. Follows symbolic links. Never waits
 * for a named pipe.
 *
 * @throws UnreadableFileError
 */
export function readTextFile(path: string, maxBytes: number): string {
  const fs = files()
  try {
    // Opening a device may already have an effect.
    requireRegular(fs.statSync(path))
    return decode(readBytes(path, maxBytes))
  } catch (error) {
    if (error instanceof UnreadableFileError) throw error
    const code = reasonOf(error)
    throw new UnreadableFileError(code, REASONS[code] ?? code, { cause: error })
  }
}

function readBytes(path: string, maxBytes: number): Uint8Array {
  const fs = files()
  const { O_RDONLY } = fs.constants
  const { O_NONBLOCK = 0 } = fs.constants as Partial<typeof fs.constants>
  // oxlint-disable-next-line no-bitwise -- flags are combined so. Windows has no `O_NONBLOCK`.
  const handle = fs.openSync(path, O_RDONLY | O_NONBLOCK)
  try {
    // Another file may have taken its place since `statSync`.
    requireRegular(fs.fstatSync(handle))
    return readAll(handle, maxBytes)
  } finally {
    fs.closeSync(handle)
  }
}

function readAll(handle: number, maxBytes: number): Uint8Array {
  const buffer = new Uint8Array(maxBytes + 1)
  let length = 0
  for (;;) {
    const bytesRead = files().readSync(handle, buffer, length, buffer.length - length, null)
    length += bytesRead
    if (length > maxBytes) {
      throw new UnreadableFileError('too_long', `it is longer than ${maxBytes} bytes`)
    }
    if (bytesRead === 0) return buffer.subarray(0, length)
  }
}

function requireRegular(stats: Stats): void {
  if (stats.isFile()) return
  const kind = KINDS.find(([isKind]) => stats[isKind]())?.[1] ?? 'something else'
  throw new UnreadableFileError('not_regular', `it is ${kind}, not a regular file`)
}

function decode(bytes: Uint8Array): string {
  try {
    // Without `fatal`, two names that are invalid in different ways would become one.
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes)
  } catch {
    throw new UnreadableFileError('not_utf8', 'it is not UTF-8')
  }
}
