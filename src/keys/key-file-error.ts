/** What is wrong: with the file, its place, its content, or what was asked of it. */
export type KeyFileErrorCode =
  | 'not_found'
  | 'unreadable'
  | 'malformed'
  | 'locked'
  | 'unwritable'
  | 'no_such_key'

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
  /** What is wrong in the content; empty unless `code` is `malformed`. */
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

/** The error for content that is not as it must be: all problems at once, each where it is. */
export function malformed(file: string, problems: readonly KeyFileProblem[]): KeyFileError {
  const lines = problems
    .slice(0, SHOWN_PROBLEMS)
    .map(({ line, column, message }) => `${file}:${line}:${column}: ${message}`)
  const more = problems.length - lines.length
  const rest = more > 0 ? [`and ${more} more`] : []
  return new KeyFileError('malformed', [...lines, ...rest].join('\n'), problems)
}
