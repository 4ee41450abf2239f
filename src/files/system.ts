import type * as FileSystem from 'node:fs'

type System = Pick<typeof globalThis.process, 'getBuiltinModule' | 'versions'>

/** Why a file cannot be read, in words that follow "Cannot read FILE: ". The message never shows the content of the file. */
export class UnreadableFileError extends Error {
  /** The code of the system, such as `ENOENT`; or `no_files`, `old_node`, `not_regular`, `not_utf8` or `too_long`. */
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
 * @throws UnreadableFileError `no_files` on a runtime without them, and `old_node` on a version of Node that does not give them.
 */
export function system(): System {
  const isProcess = typeof process === 'object'
  if (isProcess && typeof process.getBuiltinModule === 'function') return process
  const { node } = (isProcess ? process.versions : undefined) ?? {}
  if (node !== undefined) {
    const reason = `with-auth needs Node 20.19 or later; this is ${node}`
    throw new UnreadableFileError('old_node', reason)
  }
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
