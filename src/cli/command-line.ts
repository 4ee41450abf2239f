import { parseArgs } from 'node:util'
import { nearestName } from '../core/config/option-checks.ts'
import { showName } from './shown-value.ts'
import { UsageError } from './usage-error.ts'

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
