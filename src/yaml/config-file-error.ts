import { AuthConfigError } from '../core/errors.ts'

/** One thing that is wrong with a configuration file. */
export interface ConfigProblem {
  /** The file, as it was named. */
  readonly path: string
  /** From 1; 0 where the problem is the whole file. */
  readonly line: number
  /** From 1, in UTF-16 code units; 0 where the problem is the whole file. */
  readonly column: number
  /** The key, such as `server.auth.timeout_ms`; `''` where there is none. */
  readonly key: string
  /** What is wrong and what is allowed. Never shows a secret, nor what the environment gave. */
  readonly message: string
  /** The line with a caret below it, values that may be secret masked; `''` where there is no line. */
  readonly excerpt: string
}

const MOST_SHOWN = 50

/**
 * Thrown for a configuration file that cannot be used, with all that is wrong with it. The message shows each problem at
 * its `file:line:column`, with the line and a caret.
 *
 * @example
 * ```ts
 * import { ConfigFileError, parseConfig } from 'with-auth/yaml'
 *
 * try {
 *   parseConfig('server:\n  auth:\n    endpiont: https://auth.example.com/validate\n')
 * } catch (error) {
 *   if (!(error instanceof ConfigFileError)) throw error
 *   for (const { line, column, key, message } of error.problems) {
 *     console.error(line, column, key, message)
 *   }
 * }
 * ```
 */
export class ConfigFileError extends AuthConfigError {
  /** In the order of the file. At least one; the search for more stops at 100. */
  readonly problems: readonly ConfigProblem[]

  /** @param hasMore Whether the file has more problems than these. */
  constructor(problems: readonly ConfigProblem[], hasMore = false) {
    super(problems[0]?.key ?? '', compose(problems, hasMore))
    this.name = 'ConfigFileError'
    this.problems = Object.freeze([...problems])
  }
}

function compose(problems: readonly ConfigProblem[], hasMore: boolean): string {
  const shown = problems.slice(0, MOST_SHOWN).map(describe)
  const rest = problems.length - shown.length
  if (hasMore) shown.push(`and at least ${rest + 1} more`)
  if (!hasMore && rest > 0) shown.push(`and ${rest} more`)
  return shown.join('\n\n')
}

function describe({ path, line, column, message, excerpt }: ConfigProblem): string {
  const place = line === 0 ? path : `${path}:${line}:${column}`
  return excerpt === '' ? `${place}: ${message}` : `${place}: ${message}\n${excerpt}`
}
