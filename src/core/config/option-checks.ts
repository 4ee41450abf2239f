import { configError, Problems } from './problems.ts'
import type { AuthConfigError, OptionProblem } from '../errors.ts'
import type { OptionPath } from './problems.ts'

/** An option by its path, or by its name as a message shows it: `context.headers`. */
export type Option = string | OptionPath

/** The error for an option whose value is not allowed. */
export function invalidOption(
  option: Option,
  value: unknown,
  expected: string,
  didYouMean?: string,
): AuthConfigError {
  const meant = didYouMean === undefined ? {} : { didYouMean }
  const received = describe(value)
  return configError([
    { optionPath: pathOf(option), expected, received, isSecret: false, ...meant },
  ])
}

/** The same for an option that may hold a secret: the value is not shown. */
export function invalidSecret(option: Option, expected: string): AuthConfigError {
  return configError([{ optionPath: pathOf(option), expected, isSecret: true }])
}

/** The error for an option that is wrong whatever its value is, such as one that another option excludes. */
export function misusedOption(option: Option, expected: string): AuthConfigError {
  return configError([{ optionPath: pathOf(option), expected, isSecret: false }])
}

function pathOf(option: Option): OptionPath {
  if (typeof option !== 'string') return option
  const parts = option.match(/[^.[\]]+/g) ?? []
  return parts.map((part) => (option.includes(`[${part}]`) ? Number(part) : part))
}

/**
 * Reads the options of an object, each once. Rejects unknown names, and options that are present but `undefined` or `null`:
 * such a value comes from a variable that is not set, and a default in its place could open a server.
 */
export function readOptions<Name extends string>(
  value: unknown,
  known: readonly Name[],
  parent: Option = [],
  expected = 'an object',
): Partial<Record<Name, unknown>> {
  const problems = new Problems()
  const options = collectOptions(value, known, pathOf(parent), problems, expected)
  problems.throwIfAny()
  return options
}

/** The same, with every problem collected. Options with a problem are left out. */
export function collectOptions<Name extends string>(
  value: unknown,
  known: readonly Name[],
  parent: OptionPath,
  problems: Problems,
  expected = 'an object',
): Partial<Record<Name, unknown>> {
  if (!isOptionsObject(value)) throw invalidObject(parent, value, expected)
  // Without a prototype, so that a property added to Object.prototype is no option.
  const options = Object.create(null) as Partial<Record<Name, unknown>>
  for (const [name, setting] of Object.entries(value)) {
    problems.attempt(() => {
      if (!isKnown(name, known)) throw configError([unknownProblem([...parent, name], known)])
      if (setting === undefined || setting === null) {
        throw invalidOption([...parent, name], setting, EXPECTED_VALUE)
      }
      options[name] = setting
    })
  }
  return options
}

const EXPECTED_VALUE = 'left out or given a value (is a variable not set?)'

// A string in place of a config is a URL, with whatever secret is in it.
function invalidObject(parent: OptionPath, value: unknown, expected: string): AuthConfigError {
  const isUrl = parent.length === 0 && typeof value === 'string'
  if (!isUrl) return invalidOption(parent, value, expected)
  const received = 'a string: { endpoint }'
  return configError([{ optionPath: parent, expected, received, isSecret: false }])
}

/** Accepts a plain object only: a promise or a Map has no own properties either, and would pass for a config of defaults. */
export function isOptionsObject(value: unknown): value is object {
  if (!['Object', 'Module'].includes(tagOf(value))) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

function isKnown<Name extends string>(name: string, known: readonly Name[]): name is Name {
  return known.some((one) => one === name)
}

/** The problem of a name that is no option. It suggests the nearest that is one. */
export function unknownProblem(path: OptionPath, known: readonly string[]): OptionProblem {
  const name = String(path.at(-1))
  const nearest = nearestName(name, known)
  return {
    optionPath: [...path.slice(0, -1), name.slice(0, 80)],
    expected: `one of ${known.map((one) => `\`${one}\``).join(', ')}`,
    isSecret: false,
    isUnknown: true,
    ...(nearest === undefined ? {} : { didYouMean: nearest }),
  }
}

export function checkOneOf<Allowed extends string | number>(
  option: Option,
  value: unknown,
  allowed: readonly Allowed[],
): Allowed {
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  throw invalidOption(option, value, allowed.map((one) => JSON.stringify(one)).join(' or '))
}

export function checkBoolean(option: Option, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalidOption(option, value, 'true or false')
}

export function checkMilliseconds(
  option: Option,
  value: unknown,
  min: number,
  max: number,
): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw invalidOption(option, value, `a number of milliseconds from ${min} to ${max}`)
}

export function checkInteger(option: Option, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value
  }
  throw invalidOption(option, value, `a whole number from ${min} to ${max}`)
}

/** Accepts a function. What it takes and returns cannot be seen from outside, so the caller names its type. */
export function checkFunction<Fn>(option: Option, value: unknown): Fn {
  if (typeof value === 'function') return value as Fn
  throw invalidOption(option, value, 'a function')
}

function describe(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value))
    return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  return isOptionsObject(value) ? 'an object' : `an object of type ${tagOf(value).slice(0, 40)}`
}

/** The name that was probably meant, or `undefined` if none is near. */
export function nearestName(name: string, known: readonly string[]): string | undefined {
  const lower = name.toLowerCase()
  const ranked = known
    .map((candidate) => ({ candidate, distance: editDistance(lower, candidate.toLowerCase()) }))
    .filter(({ candidate, distance }) => distance <= 3 || lower.startsWith(candidate.toLowerCase()))
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  ranked.sort((one, other) => one.distance - other.distance)
  return ranked[0]?.candidate
}

/** The Levenshtein distance, computed row by row. Only the first 64 letters of `from` count. */
export function editDistance(from: string, to: string): number {
  let row = Array.from({ length: to.length + 1 }, (_, index) => index)
  for (const letter of from.slice(0, 64)) {
    let left = Infinity
    let diagonal = Infinity
    row = row.map((above, index) => {
      left = Math.min(left + 1, above + 1, diagonal + (to[index - 1] === letter ? 0 : 1))
      diagonal = above
      return left
    })
  }
  return Math.min(...row.slice(-1))
}

/** One spelling for all header names that some server takes for the same: CGI turns `-` into `_`, others `.` too. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}

/** A header name or another token of HTTP (RFC 9110 §5.6.2). */
export function isHttpToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value)
}
