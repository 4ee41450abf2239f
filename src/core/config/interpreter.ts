import { parseServiceUrl } from './service-url.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  misusedOption,
  readOptions,
} from './option-checks.ts'
import { parseList, Problems } from './problems.ts'
import { callOf } from './replaced.ts'
import { emptyRecord } from '../runtime.ts'
import type { AuthConfigError } from '../errors.ts'
import type { Form, FormOf, GroupForm, ListForm, MadeForm, Table } from './form.ts'
import type { OptionPath } from './problems.ts'

/** The options of an object as they were given. */
export type Given<Parsed> = Partial<Record<keyof Parsed & string, unknown>>

/** Adds the problems of options that are good one by one. An option with a problem is missing in `parsed`. */
export type Validate<Parsed> = (
  parsed: Partial<Parsed>,
  given: Given<Parsed>,
  problems: Problems,
) => void

type ScalarForm = Exclude<Form, { readonly kind: 'code' | 'group' | 'list' | 'made' | 'url' }>

const NOUNS = {
  integer: 'a whole number',
  seconds: 'a whole number of seconds',
  milliseconds: 'a number of milliseconds',
}

/** Returns the typed value, or the default for `undefined`. Throws an `AuthConfigError` with every problem in the value. */
export function parse<Value>(form: FormOf<Value>, value: unknown, path: OptionPath): Value
export function parse(form: Form, value: unknown, path: OptionPath): unknown
export function parse(form: Form, value: unknown, path: OptionPath): unknown {
  const given = value === undefined ? form.default : value
  return given === undefined && form.isRequired !== true ? undefined : read(form, given, path)
}

/** Parses an object with these options. Throws an `AuthConfigError` with all its problems. */
export function parseOptions<Parsed extends object>(
  table: Table<Parsed>,
  value: unknown,
  path: OptionPath = [],
  validate: Validate<Parsed> = () => undefined,
  expected?: string,
): Parsed {
  const problems = new Problems()
  const given = readTable(table, value, path, problems, expected)
  const parsed = parseFields(table, given, path, problems)
  validate(parsed, given, problems)
  problems.throwIfAny()
  // Without a problem each option has been parsed by its form.
  return Object.freeze(parsed) as Parsed
}

/** Reads the options of a table, as `readOptions` does. A function may be `undefined`, which no variable can hold. */
export function readTable<Parsed extends object>(
  table: Table<Parsed>,
  value: unknown,
  path: OptionPath,
  problems: Problems,
  expected?: string,
): Given<Parsed> {
  const functions = formsOf(table).filter(([, form]) => isOptionalFunction(form))
  const optional = functions.map(([name]) => name)
  return readOptions(value, Object.keys(table), path, expected, problems, optional)
}

function formsOf(table: object): [name: string, form: Form][] {
  return Object.entries(table)
}

function isOptionalFunction(form: Form): boolean {
  const name = form.kind === 'code' ? form.is : form.kind
  return name === 'function' && form.neverUndefined !== true
}

/** Parses the value of each option. Leaves out an option with a problem. */
export function parseFields<Parsed extends object>(
  table: Table<Parsed>,
  given: Given<Parsed>,
  path: OptionPath,
  problems: Problems,
): Partial<Parsed> {
  // Has no prototype: an option that was left out must not come from Object.prototype.
  const parsed = emptyRecord<unknown>()
  for (const [name, form] of formsOf(table)) {
    const value = problems.attempt(() => parse(form, Reflect.get(given, name), [...path, name]))
    if (value !== undefined) parsed[name] = value
  }
  // Each value has the type of its form.
  return parsed as Partial<Parsed>
}

function read(form: Form, value: unknown, path: OptionPath): unknown {
  if (form.also?.some((one) => one === value) === true) return value
  switch (form.kind) {
    case 'code':
      return form.read(value, path)
    case 'url':
      return parseServiceUrl(value, path, true)
    case 'list':
      return readList(form, value, path)
    case 'group':
      return readGroup(form, value, path)
    case 'made':
      return readMade(form, value, path)
    default:
      return readScalar(form, value, path)
  }
}

function readScalar(form: ScalarForm, value: unknown, path: OptionPath): unknown {
  const [isGood, expected] = judge(form, value)
  if (!isGood) throw wrong(form, value, path, expected)
  return form.kind === 'text' && form.isName === true ? String(value).toLowerCase() : value
}

/** Whether a value is good, and what a good one is. */
function judge(form: ScalarForm, value: unknown): readonly [isGood: boolean, expected: string] {
  switch (form.kind) {
    case 'boolean':
      return [typeof value === 'boolean', 'true or false']
    case 'function':
      return [typeof value === 'function', 'a function']
    case 'text':
      return [
        typeof value === 'string' && (form.pattern ?? /[^]/).test(value),
        'a text that is not empty',
      ]
    case 'choice': {
      const shown = form.choices.map((choice) => JSON.stringify(choice))
      return [form.choices.some((choice) => choice === value), shown.join(' or ')]
    }
    default: {
      const { kind, min, max } = form
      const isGood = typeof value === 'number' && value >= min && value <= max
      const isWhole = kind === 'milliseconds' || Number.isInteger(value)
      return [isGood && isWhole, `${NOUNS[kind]} from ${min} to ${max}`]
    }
  }
}

function readList(form: ListForm, value: unknown, path: OptionPath): readonly unknown[] {
  const { items, canBeOne, canBeEmpty, distinct, expected, hint } = form
  if (canBeOne === true && !Array.isArray(value)) {
    return Object.freeze([read({ ...items, expected, ...(hint && { hint }) }, value, path)])
  }
  const isGood = Array.isArray(value) && (value.length > 0 || canBeEmpty === true)
  if (!isGood) throw wrong(form, value, path, expected)
  const parsed = parseList(value, path, (item, at) => read(items, item, at))
  if (distinct === undefined) return Object.freeze([...new Set(parsed)])
  if (new Set(parsed.map((item) => JSON.stringify(item))).size === parsed.length) return parsed
  throw invalidOption(path, value, distinct)
}

function readGroup(form: GroupForm, value: unknown, path: OptionPath): object {
  const { fields, short } = form
  if (short !== undefined && typeof value === 'string') {
    const parsed = Object.entries(fields).map(([name, field]) => [
      name,
      parse(field, name === short ? value : undefined, path),
    ])
    return Object.freeze(Object.fromEntries(parsed) as object)
  }
  if (!isOptionsObject(value))
    throw wrong(form, value, path, form.also === undefined ? 'an object' : 'an object or false')
  return parseOptions<object>(fields, value, path)
}

function readMade({ type, by, entry, noun }: MadeForm, value: unknown, path: OptionPath): unknown {
  if (value instanceof type) return value
  if (isOptionsObject(value)) {
    throw misusedOption(path, `made by a function: ${path.join('.')}: ${callOf(by, value)}`)
  }
  throw invalidOption(
    path,
    value,
    `false, or ${noun} that ${by}() of this copy of ${entry} has made`,
  )
}

function wrong(form: Form, value: unknown, path: OptionPath, byKind: string): AuthConfigError {
  const { isSecret, expected = byKind, hint } = form
  if (isSecret === true) return invalidSecret(path, expected)
  return invalidOption(path, value, expected, hint === undefined ? {} : { hint })
}
