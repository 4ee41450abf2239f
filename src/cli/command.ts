import { AuthConfigError } from '../core/errors.ts'
import { showValue } from './shown-value.ts'
import { UsageError } from './usage-error.ts'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

/** One command, such as `with-auth keys create`. */
export interface Command {
  /** One word, or two. */
  readonly name: string
  /** What follows the name in the usage line. */
  readonly usage: string
  readonly summary: string
  /** More for the help of this command alone. */
  readonly details?: string
  /** The variables of the environment that it reads, with an explanation. */
  readonly environment?: Readonly<Record<string, string>>
  /** Lines that work as they are written, for the help. */
  readonly examples: readonly string[]
  /** Beside `--json` and `--help`, which all have. */
  readonly options: OptionSpecs
  /** Returns the exit code. */
  readonly run: (line: CommandLine, surroundings: Surroundings) => Promise<number>
}

/** The options that every command has. */
export const COMMON_OPTIONS: OptionSpecs = {
  json: { help: 'print JSON, for machines' },
  help: { help: 'show this help' },
}

/** The value of an option that must be given. */
export function requireText(line: CommandLine, name: string, value: string): string {
  const text = line.text(name)
  if (text === undefined) throw new UsageError(`--${name} ${value} is missing`)
  return text
}

/** The longest time that an option can name: an hour. */
const MAX_MS = 3_600_000

/** The value of an option that is a number of milliseconds, if it was given. */
export function readMilliseconds(
  line: CommandLine,
  name: string,
  max: number = MAX_MS,
): number | undefined {
  return readWholeNumber(line, name, 1, max)
}

/** The value of an option that is a whole number, if it was given. */
export function readWholeNumber(
  line: CommandLine,
  name: string,
  min: number,
  max: number,
): number | undefined {
  const text = line.text(name)
  if (text === undefined) return undefined
  const number = /^\d{1,7}$/.test(text) ? Number(text) : -1
  if (number >= min && number <= max) return number
  throw wrongValue(`--${name}`, text, `a whole number from ${min} to ${max}`)
}

/** The error for a value that is not allowed. A value that may be a secret is not shown. */
export function wrongValue(flag: string, value: string, allowed: string): UsageError {
  return new UsageError(`${flag} must be ${allowed}, received ${showValue(value)}`)
}

/**
 * Calls a function of the library with values of the command line. An `AuthConfigError` of an option with a flag becomes a
 * `UsageError` that names the flag.
 *
 * @param flags The flag for each option of the library: `{ upstream: '--upstream' }`.
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
  return option.replace(/\[\d+\].*$/, '')
}

// `"upstream" must be an absolute URL, received "x"`: names of options, then the value in JSON, then maybe advice.
function inWordsOfCommand(message: string, flags: Readonly<Record<string, string>>): string {
  const [, problem = message, value = ''] = /^(.*?)(, received .*)$/s.exec(message) ?? []
  const named = problem.replace(
    /"([\w.-]+)(?:\[\d+\][\w.]*)?"(?:: true)?/g,
    (quoted, option: string) => (Object.hasOwn(flags, option) ? String(flags[option]) : quoted),
  )
  return named + value.replace(/"(?:[^"\\]|\\.)*"/, (text) => showValue(String(JSON.parse(text))))
}

/** The only operand, such as a URL. What was given is not shown: it may be a secret. */
export function requireOperand({ operands }: CommandLine, what: string): string {
  const [operand] = operands
  if (operand === undefined) throw new UsageError(`${what} is missing`)
  if (operands.length > 1) throw new UsageError(`Give one ${what} only`)
  return operand
}

export function refuseOperands({ operands }: CommandLine): void {
  if (operands.length > 0) throw new UsageError('This command takes options only')
}
