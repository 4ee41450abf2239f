import { ignore } from '../core/async.ts'
import { hideUrlSecrets } from '../core/redaction.ts'
import { reasonOf } from '../files/system.ts'
import type { StoredKey } from './record.ts'

/** The kind of failure: of the file or the database, of its content, or of the requested change. */
export type KeyFileErrorCode =
  | 'not_found'
  | 'unreadable'
  | 'malformed'
  | 'locked'
  | 'unwritable'
  | 'no_such_key'
  | 'not_active'
  | 'conflict'
  | 'database'

/** One mistake in a file of keys. Lines and columns begin at 1. */
export interface KeyFileProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

// A file of another format has a problem in every line.
const MAX_SHOWN = 20

/**
 * Thrown for a file of keys that cannot be read, understood or written. The message names the file and the line of each problem.
 * It never shows a key or a hash.
 *
 * @example
 * ```ts node
 * import { KeyFileError, listKeys } from 'with-auth/keys'
 *
 * try {
 *   console.log(await listKeys('keys.yaml'))
 * } catch (error) {
 *   if (error instanceof KeyFileError) console.error(error.code, error.message)
 * }
 * ```
 */
export class KeyFileError extends Error {
  /** The kind of failure. */
  readonly code: KeyFileErrorCode
  /** The mistakes in the file, at most 100. Empty unless `code` is `malformed`. */
  readonly problems: readonly KeyFileProblem[]

  constructor(
    code: KeyFileErrorCode,
    message: string,
    problems: readonly KeyFileProblem[] = [],
    options: { readonly cause?: unknown } = {},
  ) {
    super(message, options)
    this.name = 'KeyFileError'
    this.code = code
    this.problems = problems
  }
}

/** The name of a file for an error, and the cause, which names it too. Masks a URL with a password in place of a file. */
export function nameFile(file: string, cause: unknown): { name: string; cause: unknown } {
  const name = hideUrlSecrets(file)
  return { name, cause: name === file ? cause : { code: reasonOf(cause) } }
}

/** Finds a key by its hash. Throws a KeyFileError while the keys are unknown. */
export type FindKey = (sha256: string) => StoredKey | undefined | Promise<StoredKey | undefined>

/** Does the same as `find`, and passes each new failure to an observer once. */
export function observed(find: FindKey, onError: (error: KeyFileError) => unknown): FindKey {
  let told: string | undefined
  return async (sha256) => {
    try {
      const key = await find(sha256)
      told = undefined
      return key
    } catch (cause) {
      const error = asKeyFileError(cause)
      // The promise catches an observer that throws: it must not change the answer of the endpoint.
      if (told !== error.message) ignore(new Promise((resolve) => resolve(onError(error))))
      told = error.message
      throw error
    }
  }
}

function asKeyFileError(cause: unknown): KeyFileError {
  if (cause instanceof KeyFileError) return cause
  // The message of another error may hold a value.
  return new KeyFileError('database', `The key store failed: ${reasonOf(cause)}`, [], { cause })
}

/** Makes the error for a file with mistakes. `hasMore` tells that the file has more of them than `problems`. */
export function malformed(
  file: string,
  problems: readonly KeyFileProblem[],
  hasMore = false,
): KeyFileError {
  const lines = problems
    .slice(0, MAX_SHOWN)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  const rest = problems.length - lines.length
  if (hasMore) lines.push(`and at least ${rest + 1} more`)
  if (!hasMore && rest > 0) lines.push(`and ${rest} more`)
  return new KeyFileError('malformed', lines.join('\n'), problems)
}

// Callers may pass a key in place of an id or of a name.
const WANTED = {
  id: 'key with this id (hidden because it may be a key)',
  sha256: 'such key',
  principal: 'key of this principal (hidden because it may be a key)',
}

/** Makes the error for a key that does not exist. */
export function noSuchKey(place: string, by: keyof typeof WANTED): KeyFileError {
  return new KeyFileError('no_such_key', `There is no ${WANTED[by]} in ${place}`)
}

/** Makes the error for ids that belong to other keys. */
export function conflict(ids: readonly string[], cause?: unknown): KeyFileError {
  const shown = ids.slice(0, MAX_SHOWN).join(', ')
  const rest = ids.length > MAX_SHOWN ? `, and ${ids.length - MAX_SHOWN} more` : ''
  const message = `Another key has the id or the hash of: ${shown}${rest}. Nothing was added`
  return new KeyFileError('conflict', message, [], { cause })
}
