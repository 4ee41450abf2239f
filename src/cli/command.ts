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
export function readMilliseconds(line: CommandLine, name: string): number | undefined {
  const text = line.text(name)
  if (text === undefined) return undefined
  const ms = /^\d{1,7}$/.test(text) ? Number(text) : 0
  if (ms >= 1 && ms <= MAX_MS) return ms
  throw new UsageError(`--${name} must be a whole number from 1 to ${MAX_MS}`)
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
