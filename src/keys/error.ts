/** What is wrong: with the file, its place, its content, or what was asked of it. */
export type KeyFileErrorCode =
  | 'not_found'
  | 'unreadable'
  | 'malformed'
  | 'locked'
  | 'unwritable'
  | 'no_such_key'
  | 'not_active'

/** Something wrong in a file of keys. Lines and columns begin at 1. */
export interface KeyFileProblem {
  readonly line: number
  readonly column: number
  readonly message: string
}

// A file that is something else altogether has a problem in every line.
const SHOWN_PROBLEMS = 20

/**
 * Thrown for a file of keys that cannot be read, understood or written. The message names the file, each problem with its
 * line, and never a key or a hash.
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
  readonly code: KeyFileErrorCode
  /** The problems in the content, at most 100; empty unless `code` is `malformed`. */
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

/**
 * The error for content that is not as it must be: all problems at once, each where it is.
 *
 * @param hasMore Whether the file has more problems than these.
 */
export function malformed(
  file: string,
  problems: readonly KeyFileProblem[],
  hasMore = false,
): KeyFileError {
  const lines = problems
    .slice(0, SHOWN_PROBLEMS)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  const rest = problems.length - lines.length
  if (hasMore) lines.push(`and at least ${rest + 1} more`)
  if (!hasMore && rest > 0) lines.push(`and ${rest} more`)
  return new KeyFileError('malformed', lines.join('\n'), problems)
}
