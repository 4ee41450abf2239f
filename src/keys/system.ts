import { KeyFileError } from './key-file-error.ts'
import type * as FileSystem from 'node:fs'

type System = Pick<typeof globalThis.process, 'getBuiltinModule' | 'kill' | 'pid' | 'versions'>

/**
 * The parts of Node that files need; Bun and Deno have them too. Asked for when they are needed, and not imported: Workers
 * have keys as text, and no such modules.
 */
export function system(): System {
  if (typeof process === 'object' && typeof process.getBuiltinModule === 'function') return process
  throw new KeyFileError('unreadable', 'This runtime has no files: hand the keys over as { text }')
}

export function files(): typeof FileSystem {
  return system().getBuiltinModule('node:fs')
}

/** The code of an error of the operating system, such as `ENOENT`; else the name of the error. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
