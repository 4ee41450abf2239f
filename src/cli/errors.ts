import { resolve } from 'node:path'
import { describeProblem, dotted } from '../core/config/problems.ts'
import { AuthConfigError } from '../core/errors.ts'
import { reasonOf } from '../files/system.ts'
import { KeyFileError } from '../keys.ts'
import { ConfigFileError } from '../yaml.ts'
import { showFile, showValue } from './shown-value.ts'
import type { NameOption, OptionPath } from '../core/config/problems.ts'
import type { OptionProblem } from '../core/errors.ts'
import type { KeyFileErrorCode } from '../keys.ts'

/** The command line is wrong: exit code 2. The message never shows a value that may be a secret. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** The provider that decides cannot be asked: exit code 3. */
export class UndecidedError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UndecidedError'
  }
}

/** The error for an invalid value. It hides a value that may be a secret. */
export function wrongValue(flag: string, value: string, allowed: string): UsageError {
  return new UsageError(`${flag} must be ${allowed}, received ${showValue(value)}`)
}

/** The flag, or other words, for each option of the library: `{ upstream: '--upstream' }`. */
type Flags = Readonly<Record<string, string>>

/**
 * Calls a function of the library with values of the command line. The problems of an `AuthConfigError` become a `UsageError`
 * that names flags, unless the first is about an option without a flag.
 *
 * @param change Changes a problem before it is shown.
 */
export async function asUsage<Value>(
  flags: Flags,
  call: () => Value | Promise<Value>,
  change: (problem: OptionProblem) => OptionProblem = (problem) => problem,
): Promise<Value> {
  try {
    return await call()
  } catch (error) {
    const problems = error instanceof AuthConfigError ? error.problems : []
    const [first, ...others] = problems.filter(({ optionPath }) => flagOf(optionPath, flags))
    if (first === undefined || first !== problems[0]) throw error
    const name: NameOption = (path) => flagOf(path, flags) ?? JSON.stringify(dotted(path))
    const lines = [first, ...others].map((problem) =>
      describeProblem(withShownValue(change(problem)), name, name),
    )
    throw new UsageError(lines.join('\n'))
  }
}

/** The flag of an option. An item of a list, or what is in it, has the flag of the list. */
function flagOf(path: OptionPath, flags: Flags): string | undefined {
  const index = path.findIndex((part) => typeof part === 'number')
  const option = dotted(index === -1 ? path : path.slice(0, index))
  return Object.hasOwn(flags, option) ? flags[option] : undefined
}

function withShownValue({ didYouMean, received, ...problem }: OptionProblem): OptionProblem {
  if (!received?.startsWith('"')) return received === undefined ? problem : { ...problem, received }
  const shown = showValue(String(JSON.parse(received)))
  const isWhole = didYouMean !== undefined && shown === received
  return { ...problem, received: shown, ...(isWhole ? { didYouMean } : {}) }
}

/**
 * Names the flag of a file that cannot be used at all. An error about one line of the file stays as it is, unless the file
 * name may be a secret, or its code has advice.
 */
export function nameFlag(
  flag: string,
  file: string,
  advices: Partial<Record<KeyFileErrorCode, string>> = {},
): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error)) throw error
    const shown = showFile(file)
    if (concernsWholeFile(error)) {
      const reason = isMissing(error) ? missing(flag) : withoutFile(error.message, file)
      throw new Error(`${flag} ${shown}: ${reason.replaceAll(file, shown)}`, { cause: error })
    }
    const advice = error instanceof KeyFileError ? advices[error.code] : undefined
    const told = error.message.replaceAll(file, shown)
    const message = advice === undefined ? told : `${told}: ${advice}`
    throw message === error.message ? error : new Error(message, { cause: error })
  }
}

// The new message already names the flag and the file.
function withoutFile(message: string, file: string): string {
  const names = [file, resolve(file)]
  const starts = names.flatMap((name) => [
    `${name}: `,
    `Cannot read ${name}: `,
    `Cannot use ${name}: `,
  ])
  const start = [...starts, 'Cannot use the database: '].find((text) => message.startsWith(text))
  const rest = message.slice(start?.length ?? 0)
  // As in `EACCES: permission denied, open '/etc/key'`.
  const end = names.map((name) => ` '${name}'`).find((text) => rest.endsWith(text)) ?? ''
  return rest.slice(0, rest.length - end.length).replace(/, (?:open|read|l?stat)$/, '')
}

function missing(flag: string): string {
  return flag === '--keys' ? 'no such file: create it with "with-auth keys create"' : 'no such file'
}

function concernsWholeFile(error: Error): boolean {
  if (error instanceof ConfigFileError) return error.problems[0]?.line === 0
  if (error instanceof KeyFileError)
    return !['malformed', 'no_such_key', 'not_active', 'conflict'].includes(error.code)
  return /^E[A-Z]+$/.test(reasonOf(error))
}

function isMissing(error: Error): boolean {
  if (error instanceof ConfigFileError) return error.message.endsWith('it does not exist')
  return ['ENOENT', 'not_found'].includes(reasonOf(error))
}
