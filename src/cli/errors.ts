import { AuthConfigError } from '../core/errors.ts'
import { KeyFileError } from '../keys.ts'
import { ConfigFileError } from '../yaml.ts'
import { showFile, showValue } from './shown-value.ts'
import type { KeyFileErrorCode } from '../keys.ts'

/** The command line is wrong: exit code 2. The message never shows a value that may be a secret. */
export class UsageError extends Error {
  constructor(message: string) {
    super(message)
    this.name = 'UsageError'
  }
}

/** The error for an invalid value. It hides a value that may be a secret. */
export function wrongValue(flag: string, value: string, allowed: string): UsageError {
  return new UsageError(`${flag} must be ${allowed}, received ${showValue(value)}`)
}

/**
 * Calls a library function with values from the command line. An `AuthConfigError` for an option that has a flag becomes a
 * `UsageError` that names the flag.
 *
 * @param flags The flag for each library option: `{ upstream: '--upstream' }`.
 */
export async function asUsage<Value>(
  flags: Readonly<Record<string, string>>,
  call: () => Value | Promise<Value>,
): Promise<Value> {
  try {
    return await call()
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    if (!Object.hasOwn(flags, withoutIndex(error.option))) throw error
    throw new UsageError(inWordsOfCommand(error.message, flags))
  }
}

function withoutIndex(option: string): string {
  return option.replace(/(?:\[\d+\]|\.\d+(?=\.|$)).*$/, '')
}

// Translates `"upstream" must be an absolute URL, received "x"`: option names, the value as JSON, then perhaps advice.
function inWordsOfCommand(message: string, flags: Readonly<Record<string, string>>): string {
  const [, problem = message, value = ''] = /^(.*?)(, received .*)$/s.exec(message) ?? []
  const named = problem.replace(
    /"([\w.-]+?)(?:(?:\[\d+\]|\.\d+)[\w.]*)?"(?:: true)?/g,
    (quoted, option: string) => (Object.hasOwn(flags, option) ? String(flags[option]) : quoted),
  )
  return named + value.replace(/"(?:[^"\\]|\\.)*"/, (text) => showValue(String(JSON.parse(text))))
}

/**
 * Names the flag of a file that cannot be used at all. An error about one line of the file stays as it is, unless the file
 * name may be a secret.
 */
export function nameFlag(flag: string, file: string): (error: unknown) => never {
  return (error) => {
    if (!(error instanceof Error)) throw error
    const shown = showFile(file)
    if (!concernsWholeFile(error)) throw withShownFile(error, file, shown)
    const reason = isMissing(error) ? missing(flag) : withoutStart(error.message, file)
    throw new Error(`${flag} ${shown}: ${reason.replaceAll(file, shown)}`, { cause: error })
  }
}

/** Appends advice to the message of a `KeyFileError` whose code has some. */
export function addAdvice(
  advices: Partial<Record<KeyFileErrorCode, string>>,
): (error: unknown) => never {
  return (error) => {
    const advice = error instanceof KeyFileError ? advices[error.code] : undefined
    if (!(error instanceof KeyFileError) || advice === undefined) throw error
    throw new Error(`${error.message}: ${advice}`, { cause: error })
  }
}

function withShownFile(error: Error, file: string, shown: string): Error {
  if (shown === file || !error.message.includes(file)) return error
  return new Error(error.message.replaceAll(file, shown), { cause: error })
}

// The new message already names the flag and the file.
function withoutStart(message: string, file: string): string {
  const start = [`${file}: `, `Cannot read ${file}: `].find((text) => message.startsWith(text))
  return message.slice(start?.length ?? 0)
}

function missing(flag: string): string {
  return flag === '--keys' ? 'no such file: create it with "with-auth keys create"' : 'no such file'
}

function concernsWholeFile(error: Error): boolean {
  if (error instanceof ConfigFileError) return error.problems[0]?.line === 0
  if (error instanceof KeyFileError)
    return !['malformed', 'no_such_key', 'not_active'].includes(error.code)
  return 'code' in error && /^E[A-Z]+$/.test(String(error.code))
}

function isMissing(error: Error): boolean {
  if (error instanceof ConfigFileError) return error.message.endsWith('it does not exist')
  return 'code' in error && ['ENOENT', 'not_found'].includes(String(error.code))
}
