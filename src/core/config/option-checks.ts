import { AuthConfigError } from '../errors.ts'

/** The error for an option whose value is not allowed. */
export function invalidOption(option: string, value: unknown, allowed: string): AuthConfigError {
  return new AuthConfigError(option, `"${option}" must be ${allowed}, received ${describe(value)}`)
}

/** The same for an option that may hold a secret: the value is not shown. */
export function invalidSecret(option: string, allowed: string): AuthConfigError {
  return new AuthConfigError(option, `"${option}" must be ${allowed} (its value is not shown)`)
}

/**
 * Reads the options of a record, once each. Refuses what is no record, unknown names, and values that are present but
 * `undefined` or `null`: they come from a variable that is not set, and a default in their place could open a server.
 */
export function readOptions<Name extends string>(
  value: unknown,
  known: readonly Name[],
  parent = '',
  expected = 'an object',
): Partial<Record<Name, unknown>> {
  if (!isOptionsObject(value)) {
    if (parent === '') throw invalidConfig(value)
    throw invalidOption(parent, value, expected)
  }
  // Without a prototype, so that nothing which was put on that of all objects is taken for an option.
  const options = Object.create(null) as Partial<Record<Name, unknown>>
  for (const [name, setting] of Object.entries(value)) {
    const option = parent === '' ? name : `${parent}.${name}`
    if (!isKnown(name, known)) throw unknownOption(option, name, known)
    if (setting === undefined || setting === null) {
      throw invalidOption(option, setting, 'left out or given a value (is a variable not set?)')
    }
    options[name] = setting
  }
  return options
}

export function checkOneOf<Allowed extends string | number>(
  option: string,
  value: unknown,
  allowed: readonly Allowed[],
): Allowed {
  const found = allowed.find((candidate) => candidate === value)
  if (found !== undefined) return found
  throw invalidOption(option, value, allowed.map((one) => JSON.stringify(one)).join(' or '))
}

export function checkBoolean(option: string, value: unknown): boolean {
  if (typeof value === 'boolean') return value
  throw invalidOption(option, value, 'true or false')
}

export function checkMilliseconds(
  option: string,
  value: unknown,
  min: number,
  max: number,
): number {
  if (typeof value === 'number' && value >= min && value <= max) return value
  throw invalidOption(option, value, `a number of milliseconds from ${min} to ${max}`)
}

export function checkInteger(option: string, value: unknown, min: number, max: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= min && value <= max) {
    return value
  }
  throw invalidOption(option, value, `a whole number from ${min} to ${max}`)
}

/** Checks that an option is a function; what it takes and returns cannot be seen from outside. */
export function checkFunction<Fn>(option: string, value: unknown): Fn {
  if (typeof value === 'function') return value as Fn
  throw invalidOption(option, value, 'a function')
}

/** A header name or another token of HTTP (RFC 9110 §5.6.2). */
export function isHttpToken(value: unknown): value is string {
  return typeof value === 'string' && /^[\w!#$%&'*+.^`|~-]+$/.test(value)
}

// A string in place of a config is a URL, with whatever secret is in it.
function invalidConfig(value: unknown): AuthConfigError {
  if (typeof value !== 'string') return invalidOption('config', value, 'an object')
  return new AuthConfigError(
    'config',
    '"config" must be an object, received a string: { endpoint }',
  )
}

// A promise, a Map or an object of a class has no own properties either, and would pass for a config with defaults.
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

/** The error for a name that is no option, with the nearest that is one. */
export function unknownOption(
  option: string,
  name: string,
  known: readonly string[],
): AuthConfigError {
  const nearest = nearestName(name, known)
  const hint =
    nearest === undefined ? `known are ${known.join(', ')}` : `did you mean "${nearest}"?`
  return new AuthConfigError(option, `Unknown option ${JSON.stringify(option)}: ${hint}`)
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

/** Levenshtein's distance, row by row. Of `from` only the first 64 letters count. */
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

function describe(value: unknown): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > 80 ? `${value.slice(0, 80)}…` : value)
  if (value === null || ['number', 'boolean', 'undefined'].includes(typeof value))
    return String(value)
  if (Array.isArray(value)) return 'an array'
  if (typeof value !== 'object') return `a ${typeof value}`
  return isOptionsObject(value) ? 'an object' : `an object of type ${tagOf(value).slice(0, 40)}`
}

/**
 * One spelling of a field name for all that servers take for the same: CGI and its heirs make `_` of `-`, and some of `.` and
 * others too.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}
