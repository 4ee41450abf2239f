import { parseArgs } from 'node:util'
import { nearestName } from '../core/config/option-checks.ts'
import { UsageError, wrongValue } from './errors.ts'
import { showName } from './shown-value.ts'
import type { Surroundings } from './surroundings.ts'

/** One command, such as `with-auth keys create`. */
export interface Command {
  /** One or two words. */
  readonly name: string
  /** The rest of the usage line. */
  readonly usage: string
  readonly summary: string
  /** Shown only in the help of this command. */
  readonly details?: string
  /** The environment variables that the command reads, each with an explanation. */
  readonly environment?: Readonly<Record<string, string>>
  /** Command lines for the help. Each must work as written. */
  readonly examples: readonly string[]
  /** Without `--json` and `--help`, which every command has. */
  readonly options: OptionSpecs
  /** Returns the exit code. */
  readonly run: (line: CommandLine, surroundings: Surroundings) => Promise<number>
}

export interface OptionSpec {
  /** The placeholder for the value in the help. A switch has none. */
  readonly value?: string
  readonly help: string
  /** The default value. The help shows it. */
  readonly default?: string | number
  readonly isRepeatable?: true
}

export type OptionSpecs = Readonly<Record<string, OptionSpec>>

export const COMMON_OPTIONS: OptionSpecs = {
  json: { help: 'print JSON, for programs' },
  help: { help: 'show this help' },
}

export interface CommandLine {
  /** The value of an option, if it was given. */
  readonly text: (name: string) => string | undefined
  readonly texts: (name: string) => readonly string[]
  readonly has: (name: string) => boolean
  readonly operands: readonly string[]
}

interface Given {
  readonly name: string
  readonly rawName: string
  readonly value: string | undefined
  readonly isInline: boolean
}

/**
 * Parses a command line. Throws `UsageError`. `parseArgs` only splits the arguments: its own errors differ between runtimes
 * and show values, and a value may be a secret in the wrong place.
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

// In `--upstream --json`, `parseArgs` takes `--json` for the value of `--upstream`.
function isMissing({ value, isInline }: Given): boolean {
  return value === undefined || value === '' || (!isInline && value.startsWith('-'))
}

/** The error for an unknown option. It suggests the nearest known name. */
export function unknownOption(rawName: string, known: readonly string[]): UsageError {
  const nearest = nearestName(rawName.replace(/^-+/, ''), known)
  const hint = nearest === undefined ? '' : `: did you mean --${nearest}?`
  return new UsageError(`Unknown option ${showName(rawName)}${hint}`)
}

/** The value of a required option. */
export function requireText(line: CommandLine, name: string, value: string): string {
  const text = line.text(name)
  if (text === undefined) throw new UsageError(`--${name} ${value} is missing`)
  return text
}

const HOUR_MS = 3_600_000

/** The value of an option. The limits suit a time in milliseconds. */
export function readWholeNumber(
  line: CommandLine,
  name: string,
  min = 1,
  max: number = HOUR_MS,
): number | undefined {
  const text = line.text(name)
  if (text === undefined) return undefined
  const number = /^\d{1,7}$/.test(text) ? Number(text) : -1
  if (number >= min && number <= max) return number
  throw wrongValue(`--${name}`, text, `a whole number from ${min} to ${max}`)
}

/** The only operand, such as a URL. The errors do not show it, because it may be a secret. */
export function requireOperand({ operands }: CommandLine, what: string): string {
  const [operand] = operands
  if (operand === undefined) throw new UsageError(`${what} is missing`)
  if (operands.length > 1) throw new UsageError(`Give only one ${what}`)
  return operand
}

export function rejectOperands({ operands }: CommandLine): void {
  if (operands.length > 0) throw new UsageError('This command takes only options')
}

/** The API key in a text, without the white space around it. The `UsageError` for any other text does not show it. */
export function readKey(text: string, source: string): string {
  const key = text.trim()
  if (/^[\x21-\x7e]{1,8192}$/.test(key)) return key
  throw new UsageError(`${source} must hold one key, in visible ASCII (it is not shown)`)
}

/** The options that were given, under their names in the library: `{ expiresIn: 'expires-in' }`. */
export function pickTexts<Name extends string>(
  line: CommandLine,
  names: Readonly<Record<Name, string>>,
): { readonly [name in Name]?: string } {
  const given = Object.entries<string>(names).filter(([, option]) => line.has(option))
  const texts = given.map(([name, option]) => [name, line.text(option)])
  return Object.fromEntries(texts) as { readonly [name in Name]?: string }
}
