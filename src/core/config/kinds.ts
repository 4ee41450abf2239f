import {
  checkBoolean,
  checkFunction,
  checkInteger,
  checkMilliseconds,
  checkOneOf,
  collectOptions,
  invalidOption,
  isOptionsObject,
} from './option-checks.ts'
import { Problems } from './problems.ts'
import type { OptionPath } from './problems.ts'

/** How an option looks: read by the YAML loader, and by the generator of `schema.json` and `docs/configuration.md`. */
export interface Form {
  /** The kind, such as `integer`. */
  readonly kind: string
  /** What is in force when the option is left out. */
  readonly default?: unknown
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly (string | number)[]
  /** What YAML turns a text from the environment into. */
  readonly scalar?: 'string' | 'number' | 'boolean'
  /** An object with these options is accepted. */
  readonly fields?: Readonly<Record<string, { readonly form: Form }>>
  /** An object is accepted whose names are free, with these values. */
  readonly entries?: Form
  /** A list of these is accepted. */
  readonly items?: Form
  /** `false` is accepted too. */
  readonly canBeFalse?: true
  /** The value is never shown. */
  readonly isSecret?: true
  /** The value is a URL. Its problems show neither password nor query. */
  readonly isUrl?: true
}

/** One kind of option: `Given` is what a config holds, `Parsed` what it becomes. */
export interface Kind<Given, Parsed = Given> {
  readonly form: Form
  /** Returns the typed value, or the default for `undefined`. Throws an `AuthConfigError` with every problem in the value. */
  readonly parse: (value: unknown, path: OptionPath) => Parsed
  /** Never set. It makes a kind that accepts less than its option does a compile error. */
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

export function boolean(byDefault: boolean): Kind<boolean> {
  return {
    form: { kind: 'boolean', scalar: 'boolean', default: byDefault },
    parse: (value = byDefault, path) => checkBoolean(path, value),
  }
}

export function integer(range: Range): Kind<number> {
  return {
    form: { kind: 'integer', scalar: 'number', ...range },
    parse: (value = range.default, path) => checkInteger(path, value, range.min, range.max),
  }
}

/** A duration. It need not be a whole number. */
export function milliseconds(range: Range): Kind<number> {
  return {
    form: { kind: 'milliseconds', scalar: 'number', ...range },
    parse: (value = range.default, path) => checkMilliseconds(path, value, range.min, range.max),
  }
}

/** A number above 0 and at most 1. */
export function ratio(byDefault: number): Kind<number> {
  return {
    form: { kind: 'ratio', scalar: 'number', default: byDefault },
    parse: (value = byDefault, path) => {
      if (typeof value === 'number' && value > 0 && value <= 1) return value
      throw invalidOption(path, value, 'a number above 0 and at most 1')
    },
  }
}

/** One of these values. The first is the default. */
export function oneOf<const Choices extends readonly [string | number, ...(string | number)[]]>(
  ...choices: Choices
): Kind<Choices[number]> {
  const [byDefault] = choices
  const scalar = typeof byDefault === 'number' ? 'number' : 'string'
  return {
    form: { kind: 'choice', scalar, choices, default: byDefault },
    parse: (value = byDefault, path) => checkOneOf<Choices[number]>(path, value, choices),
  }
}

/** A function, or nothing. A file cannot hold one. */
export function callback<Fn>(): Kind<Fn, Fn | undefined> {
  return {
    form: { kind: 'function' },
    parse: (value, path) => (value === undefined ? undefined : checkFunction<Fn>(path, value)),
  }
}

/** Corrects or rejects what the options of a group say together. */
export type Rule<Config extends object> = (
  options: Required<Config>,
  given: Partial<Record<keyof Config & string, unknown>>,
  path: OptionPath,
) => Required<Config>

/** An object with these options, each optional. */
export function group<Config extends object>(
  fields: Fields<Config>,
  rule: Rule<Config> = (options) => options,
): Kind<Config, Required<Config>> {
  return {
    form: { kind: 'group', fields, default: {} },
    parse: (value = {}, path) => {
      const problems = new Problems()
      const given = collectOptions(value, namesOf(fields), path, problems)
      const parsed = parseFields<Required<Config>>(fields, given, path, problems)
      problems.throwIfAny()
      // Each option was parsed by its kind.
      return Object.freeze(rule(parsed as Required<Config>, given, path))
    },
  }
}

/** The same, or `false`. */
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

/** Parses a value for each kind, and leaves out what has a problem. */
export function parseFields<Parsed extends object>(
  fields: { readonly [Name in keyof Parsed]: Kind<never, Parsed[Name]> },
  given: Readonly<Partial<Record<keyof Parsed & string, unknown>>>,
  path: OptionPath,
  problems: Problems,
): Partial<Parsed> {
  // Without a prototype: an option that was left out must not come from Object.prototype.
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
