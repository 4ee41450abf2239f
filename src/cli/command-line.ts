import { parseArgs } from 'node:util'
import { nearestName } from '../core/config/option-checks.ts'
import { UsageError, wrongValue } from './errors.ts'
import { showName } from './shown-value.ts'
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

/** An option of a command. */
export interface OptionSpec {
  /** What its value is called in the help; absent for a switch. */
  readonly value?: string
  readonly help: string
  /** The value that applies without the option. The help shows it. */
  readonly default?: string | number
  readonly isRepeatable?: true
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

/** What a command line says. */
export interface CommandLine {
  /** The value of an option, if it was given. */
  readonly text: (name: string) => string | undefined
  /** The values of an option that may be repeated. */
  readonly texts: (name: string) => readonly string[]
  /** Whether a switch is on. */
  readonly has: (name: string) => boolean
  /** What is no option. */
  readonly operands: readonly string[]
}

interface Given {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly isInline: boolean
}

/**
 * Reads a command line. Runtimes differ in what `parseArgs` throws, and its messages show values, which may be secrets in
 * the wrong place: so it only splits, and what is wrong is said here. Throws `UsageError`.
 */
export function readCommandLine(args: readonly string[], specs: OptionSpecs): CommandLine {
  const options = Object.fromEntries(
    Object.entries(specs).map(([name, spec]) => [name, parseOption(name, spec)]),
  )
  const { tokens } = parseArgs({
    args: [...args],
    options,
    strict: false,
    allowPositionals: true,
    tokens: true,
  })
  const values = new Map<string, string[]>()
  const operands: string[] = []
  for (const token of tokens) {
    if (token.kind === 'positional') operands.push(token.value)
    if (token.kind === 'option') {
      keep(values, { ...token, isInline: token.inlineValue === true }, specs)
    }
  }
  return {
    text: (name) => values.get(name)?.[0],
    texts: (name) => values.get(name) ?? [],
    has: (name) => values.has(name),
    operands,
  }
}

function parseOption(name: string, spec: OptionSpec) {
  const type = spec.value === undefined ? ('boolean' as const) : ('string' as const)
  return name === 'help' ? { type, short: 'h' } : { type }
}

function keep(values: Map<string, string[]>, given: Given, specs: OptionSpecs): void {
  const { name, rawName, value } = given
  const spec = Object.hasOwn(specs, name) ? specs[name] : undefined
  if (spec === undefined) throw unknownOption(rawName, Object.keys(specs))
  if (spec.value === undefined && value !== undefined) {
    throw new UsageError(`${rawName} takes no value`)
  }
  if (spec.value !== undefined && isMissing(given)) {
    throw new UsageError(`${rawName} needs a value: ${rawName} ${spec.value}`)
  }
  const earlier = values.get(name) ?? []
  if (earlier.length > 0 && spec.isRepeatable !== true) {
    throw new UsageError(`${rawName} was given twice`)
  }
  values.set(name, [...earlier, value ?? ''])
}

// `--upstream --json`: the next option was taken for the value of this one.
function isMissing({ value, isInline }: Given): boolean {
  return value === undefined || value === '' || (!isInline && value.startsWith('-'))
}

/** The error for an option that does not exist, with the nearest that does. */
export function unknownOption(rawName: string, known: readonly string[]): UsageError {
  const nearest = nearestName(rawName.replace(/^-+/, ''), known)
  const hint = nearest === undefined ? '' : `: did you mean --${nearest}?`
  return new UsageError(`Unknown option ${showName(rawName)}${hint}`)
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

/** The key that a text is, with blanks around it. Throws `UsageError` for any other text, without showing it. */
export function readKey(text: string, source: string): string {
  const key = text.trim()
  if (/^[\x21-\x7e]{1,8192}$/.test(key)) return key
  throw new UsageError(`${source} must hold one key, in visible ASCII (it is not shown)`)
}
