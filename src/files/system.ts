import type * as FileSystem from 'node:fs'

type System = Pick<typeof globalThis.process, 'getBuiltinModule' | 'versions'>

/** Why a file cannot be read, in words that follow "Cannot read FILE: ". The message never shows the content of the file. */
export class UnreadableFileError extends Error {
  /** The code of the system, such as `ENOENT`; or `no_files`, `not_regular`, `not_utf8` or `too_long`. */
  readonly code: string

  constructor(code: string, message: string, options: { readonly cause?: unknown } = {}) {
    super(message, options)
    this.code = code
  }
}

/**
 * The built-in modules of Node, which Bun and Deno have too. They are looked up when they are needed. An import would break
 * bundles for Workers and browsers, which have no such modules.
 *
 * @throws UnreadableFileError `no_files` on a runtime without them.
 */
export function system(): System {
  if (typeof process === 'object' && typeof process.getBuiltinModule === 'function') return process
  throw new UnreadableFileError('no_files', 'this runtime has no file system')
}

export function files(): typeof FileSystem {
  return system().getBuiltinModule('node:fs')
}

/** The code of an error of the system, such as `ENOENT`, or else the name of the error. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  return 'code' in error && typeof error.code === 'string' ? error.code : error.name
}
