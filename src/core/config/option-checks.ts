import { configError, Problems } from './problems.ts'
import { hideUrlSecrets } from '../redaction.ts'
import type { AuthConfigError, OptionProblem } from '../errors.ts'
import type { OptionPath } from './problems.ts'

/** The error for an option whose value is not allowed. */
export function invalidOption(
  optionPath: OptionPath,
  value: unknown,
  expected: string,
  more: Pick<OptionProblem, 'didYouMean' | 'hint'> = {},
): AuthConfigError {
  const received = describe(value)
  return configError([{ optionPath, expected, received, isSecret: false, ...more }])
}

/** The error for an option whose value may be a secret. It does not show the value. */
export function invalidSecret(optionPath: OptionPath, expected: string): AuthConfigError {
  return configError([{ optionPath, expected, isSecret: true }])
}

/** The error for an option that no value makes right, such as one that another option excludes. */
export function misusedOption(optionPath: OptionPath, expected: string): AuthConfigError {
  return configError([{ optionPath, expected, isSecret: false }])
}

/**
 * Reads the options of an object, each once. Rejects unknown names, and options that are present but `undefined` or `null`:
 * such a value comes from a variable that is not set, and a default in its place could open a server.
 *
 * @param problems Collects every problem, and options with a problem are left out. By default the problems are thrown.
 * @param functions Those that may be `undefined`, since no variable can hold a function.
 */
export function readOptions<Name extends string>(
  value: unknown,
  known: readonly Name[],
  parent: OptionPath,
  expected = 'an object',
  problems?: Problems,
  functions: readonly string[] = [],
): Partial<Record<Name, unknown>> {
  if (!isOptionsObject(value)) {
    // A string in place of a config is a URL, which may hold a secret.
    const isUrl = parent.length === 0 && typeof value === 'string'
    const received = isUrl ? 'a string: { endpoint }' : describe(value)
    throw configError([{ optionPath: parent, expected, received, isSecret: false }])
  }
  const found = problems ?? new Problems()
  // Has no prototype: a property of Object.prototype must not become an option.
  const options = Object.create(null) as Partial<Record<Name, unknown>>
  for (const [name, setting] of Object.entries(value)) {
    const path = [...parent, name]
    const option = known.find((one) => one === name)
    if (option === undefined) found.add(configError([unknownProblem(path, known)]))
    else if (setting !== undefined && setting !== null) options[option] = setting
    else if (setting === null || !functions.includes(name))
      found.add(invalidOption(path, setting, EXPECTED_VALUE))
  }
  if (problems === undefined) found.throwIfAny()
  return options
}

export const EXPECTED_VALUE = 'left out or given a value (is a variable not set?)'

/** Accepts plain objects only. A promise or a Map has no own properties, and would pass for a config of defaults. */
export function isOptionsObject(value: unknown): value is object {
  if (!['Object', 'Module'].includes(tagOf(value))) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  return prototype === null || Object.getPrototypeOf(prototype) === null
}

function tagOf(value: unknown): string {
  return Object.prototype.toString.call(value).slice('[object '.length, -1)
}

/** The problem of an unknown option. It suggests the nearest known name. */
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

function describe(value: unknown): string {
  if (typeof value === 'string') {
    const shown = hideUrlSecrets(value)
    return JSON.stringify(shown.length > 80 ? `${shown.slice(0, 80)}…` : shown)
  }
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value))
    return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  return isOptionsObject(value) ? 'an object' : `an object of type ${tagOf(value).slice(0, 40)}`
}

/** Returns the known name that was probably meant, or `undefined` if none is near. */
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

/** Gives one spelling to all header names that some server mixes up: CGI turns `-` into `_`, and others turn `.` into `_` too. */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}

export const HTTP_TOKEN: RegExp = /^[\w!#$%&'*+.^`|~-]+$/

/** A header name or another token of HTTP (RFC 9110 §5.6.2). */
export function isHttpToken(value: unknown): value is string {
  return typeof value === 'string' && HTTP_TOKEN.test(value)
}
