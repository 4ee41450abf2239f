import { invalidOption, isOptionsObject, readOptions } from './option-checks.ts'
import { Problems } from './problems.ts'
import type { OptionPath } from './problems.ts'

/** Describes an option to the YAML loader, and to the generator of `schema.json` and `docs/configuration.md`. */
export interface Form {
  /** The kind, such as `integer`. */
  readonly kind: string
  /** The value of an option that is left out. */
  readonly default?: unknown
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly (string | number)[]
  /** The texts that are accepted. */
  readonly pattern?: RegExp
  /** The YAML loader turns a text from the environment into this type. */
  readonly scalar?: 'string' | 'number' | 'boolean'
  /** An object with these options is accepted. */
  readonly fields?: Readonly<Record<string, { readonly form: Form }>>
  /** An object with any names and these values is accepted. */
  readonly entries?: Form
  /** A list of these is accepted. */
  readonly items?: Form
  /** `false` is accepted too. */
  readonly canBeFalse?: true
  /** The value is never shown. */
  readonly isSecret?: true
  /** The value is a URL. Problems hide its password and its query. */
  readonly isUrl?: true
  /** A value in it that comes out empty in a file is a problem: left out, it could permit more. */
  readonly needsValues?: true
}

/** One kind of option. A config holds `Given`, and `parse` turns it into `Parsed`. */
export interface Kind<Given, Parsed = Given> {
  readonly form: Form
  /** Returns the typed value, or the default for `undefined`. Throws an `AuthConfigError` with every problem in the value. */
  readonly parse: (value: unknown, path: OptionPath) => Parsed
  /** Never set. It makes TypeScript reject a kind that accepts fewer values than its option. */
  readonly accepts?: (given: Given) => void
}

/** A kind for each option of a config. */
export type Fields<Config> = {
  readonly [Name in keyof Config]-?: Kind<NonNullable<Config[Name]>>
}

interface Range {
  readonly default: number
  readonly min: number
  readonly max: number
}

/** A kind whose values pass a test and stay as they are. */
export function valueThat<Value>(
  isAllowed: (value: unknown) => value is Value,
  expected: string,
  form: Form & { readonly default: Value },
): Kind<Value> {
  return {
    form,
    parse: (value = form.default, path) => {
      if (isAllowed(value)) return value
      throw invalidOption(path, value, expected)
    },
  }
}

export function boolean(byDefault: boolean): Kind<boolean> {
  const form = { kind: 'boolean', scalar: 'boolean', default: byDefault } as const
  return valueThat((value) => typeof value === 'boolean', 'true or false', form)
}

export function integer(range: Range, noun = 'a whole number'): Kind<number> {
  const isAllowed = (value: unknown): value is number =>
    Number.isInteger(value) && isWithin(value, range)
  const expected = `${noun} from ${range.min} to ${range.max}`
  return valueThat(isAllowed, expected, { kind: 'integer', scalar: 'number', ...range })
}

/** A duration. Fractions are allowed. */
export function milliseconds(range: Range): Kind<number> {
  const isAllowed = (value: unknown): value is number => isWithin(value, range)
  const expected = `a number of milliseconds from ${range.min} to ${range.max}`
  return valueThat(isAllowed, expected, { kind: 'milliseconds', scalar: 'number', ...range })
}

function isWithin(value: unknown, { min, max }: Range): value is number {
  return typeof value === 'number' && value >= min && value <= max
}

/** One of these values. The first is the default. */
export function oneOf<const Choices extends readonly [string | number, ...(string | number)[]]>(
  ...choices: Choices
): Kind<Choices[number]> {
  const [byDefault] = choices
  const scalar = typeof byDefault === 'number' ? 'number' : 'string'
  const isAllowed = (value: unknown): value is Choices[number] =>
    choices.some((choice) => choice === value)
  const expected = choices.map((choice) => JSON.stringify(choice)).join(' or ')
  return valueThat(isAllowed, expected, { kind: 'choice', scalar, choices, default: byDefault })
}

/** A function, or nothing. A file cannot hold one. The caller names its type, which no check can see. */
export function callback<Fn>(): Kind<Fn, Fn | undefined> {
  return {
    form: { kind: 'function' },
    parse: (value, path) => {
      if (value === undefined) return undefined
      if (typeof value === 'function') return value as Fn
      throw invalidOption(path, value, 'a function')
    },
  }
}

/** Corrects or rejects a combination of options that are valid one by one. An option with a problem is missing. */
export type Rule<Config extends object> = (
  options: Partial<Config>,
  given: Partial<Record<keyof Config & string, unknown>>,
  path: OptionPath,
) => Partial<Config>

/** An object with these options, each optional. */
export function group<Config extends object>(
  fields: Fields<Config>,
  rule: Rule<Config> = (options) => options,
): Kind<Config, Required<Config>> {
  return {
    form: { kind: 'group', fields, default: {} },
    parse: (value = {}, path) => {
      const problems = new Problems()
      const given = readOptions(value, namesOf(fields), path, 'an object', problems)
      const parsed = parseFields<Required<Config>>(fields, given, path, problems)
      const ruled = problems.attempt(() => rule(parsed, given, path))
      problems.throwIfAny()
      // Without a problem every option has its type.
      return Object.freeze(ruled as Required<Config>)
    },
  }
}

/** A value of this kind, or `false`. */
export function orFalse<Given, Parsed>(
  { form, parse }: Kind<Given, Parsed>,
  byDefault: false | object = {},
): Kind<Given | false, Parsed | false> {
  return {
    form: { ...form, scalar: 'boolean', canBeFalse: true, default: byDefault },
    parse: (value = byDefault, path) => {
      if (value === false) return false
      if (isOptionsObject(value)) return parse(value, path)
      throw invalidOption(path, value, 'an object or false')
    },
  }
}

/** Parses the value of each option. Leaves out an option with a problem. */
export function parseFields<Parsed extends object>(
  fields: { readonly [Name in keyof Parsed]: Kind<never, Parsed[Name]> },
  given: Readonly<Partial<Record<keyof Parsed & string, unknown>>>,
  path: OptionPath,
  problems: Problems,
): Partial<Parsed> {
  // Has no prototype: an option that was left out must not come from Object.prototype.
  const parsed = Object.create(null) as Partial<Parsed>
  for (const name of namesOf(fields)) {
    const value = problems.attempt(() => fields[name].parse(given[name], [...path, name]))
    if (value !== undefined) parsed[name] = value
  }
  return parsed
}

/** Parses every item of a list, and freezes the result. */
export function parseList<Item>(
  items: readonly unknown[],
  path: OptionPath,
  parseItem: (item: unknown, path: OptionPath) => Item,
): readonly Item[] {
  const problems = new Problems()
  // `from`, since `map` would skip the holes of a sparse array.
  const parsed = Array.from(items).flatMap(
    (item, index) => problems.attempt(() => [parseItem(item, [...path, index])]) ?? [],
  )
  problems.throwIfAny()
  return Object.freeze(parsed)
}

/** The names of a table. */
export function namesOf<Table extends object>(table: Table): (keyof Table & string)[] {
  return Object.keys(table) as (keyof Table & string)[]
}
