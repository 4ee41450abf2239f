import { HTTP_TOKEN, invalidOption } from './option-checks.ts'
import { parse } from './interpreter.ts'
import type { Problems, OptionPath } from './problems.ts'
import type { Form as Data, FormOf, ListForm } from './form.ts'

export { namesOf, parseList } from './interpreter.ts'

/** Describes an option to the YAML loader, and to the generator of `schema.json` and `docs/configuration.md`. */
export interface Form {
  /** The kind, such as `integer`. */
  readonly kind: string
  /** The value of an option that is left out. */
  readonly default?: unknown
  readonly min?: number
  readonly max?: number
  readonly choices?: readonly unknown[]
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

/** One kind of option of a file. */
export interface Kind<_Given, Parsed = _Given> {
  readonly form: Form
  readonly parse: (value: unknown, path: OptionPath) => Parsed
}

/** A kind of a file for each of these options. */
export function kindsOf<Parsed extends object>(table: {
  readonly [Name in keyof Parsed]: FormOf<Parsed[Name]>
}): { readonly [Name in keyof Parsed]: Kind<never, Parsed[Name]> }
export function kindsOf(table: Readonly<Record<string, Data>>): object {
  return Object.fromEntries(
    Object.entries(table).map(([name, form]) => [
      name,
      {
        form: describe(form),
        parse: (value: unknown, path: OptionPath) => parse<unknown>(form as never, value, path),
      },
    ]),
  )
}

export function kindOf<Value>(form: FormOf<Value>): Kind<never, Value> {
  return kindsOf<{ one: Value }>({ one: form }).one
}

// oxlint-disable-next-line typescript/consistent-return -- all kinds are there
function describe(form: Data): Form {
  const { default: byDefault, also, isSecret } = form
  const parts: Partial<Form> = {
    ...(byDefault !== undefined && { default: byDefault }),
    ...(also?.includes(false) && { canBeFalse: true as const }),
    ...(isSecret && { isSecret }),
  }
  const isFalse = also?.includes(false) === true
  switch (form.kind) {
    case 'boolean':
      return { kind: 'boolean', scalar: 'boolean', ...parts }
    case 'integer':
    case 'seconds':
    case 'milliseconds': {
      const kind = form.kind === 'seconds' ? 'integer' : form.kind
      return { kind, scalar: 'number', min: form.min, max: form.max, ...parts }
    }
    case 'choice': {
      const scalar = typeof form.choices[0] === 'number' ? 'number' : 'string'
      if (form.choices[0] === true) return { kind: 'true', scalar: 'boolean', ...parts }
      return { kind: 'choice', scalar, choices: form.choices, ...parts }
    }
    case 'text': {
      const scalar = isFalse ? 'boolean' : 'string'
      if (form.pattern === undefined) return { kind: 'text', scalar, ...parts }
      if (form.pattern.source === '^') return { kind: 'anyText', scalar, ...parts }
      const kind = textName(form.pattern, isFalse)
      return { kind, scalar, pattern: form.pattern, ...parts }
    }
    case 'url':
      return { kind: also ? 'url' : 'endpoint', scalar: 'string', isUrl: true, ...parts }
    case 'made':
      return { kind: 'function', ...parts }
    case 'function':
      return { kind: 'function' }
    case 'group':
      return {
        kind: 'group',
        ...(isFalse && { scalar: 'boolean' as const }),
        fields: fieldsOf(form.fields),
        ...parts,
      }
    case 'list': {
      const items = describe(form.items)
      const scalar = form.canBeOne || also !== undefined ? { scalar: 'string' as const } : {}
      return { kind: listName(form), ...scalar, items, ...parts }
    }
    case 'code':
      return {
        kind: form.is,
        ...(form.isText && { scalar: 'string' as const }),
        ...(form.isUrl && { isUrl: true as const }),
        ...(form.is === 'group' && { scalar: 'boolean' as const }),
        ...(form.fields && { fields: fieldsOf(form.fields) }),
        ...(form.entries && { entries: describe(form.entries) }),
        ...(form.items && { items: describe(form.items) }),
        ...(form.items?.kind === 'text' && form.items.pattern && { pattern: form.items.pattern }),
        ...parts,
      }
  }
}

function textName(pattern: RegExp, isFalse: boolean): string {
  if (pattern === HTTP_TOKEN) return 'header'
  if (isFalse) return 'requestIdHeader'
  const names = {
    '#keys': 'claimPath',
    '{0,127}': 'tenant',
    '\\x23': 'scope',
    resource_meta: 'realm',
    A: 'method',
  }
  const found = Object.entries(names).find(([part]) => pattern.source.includes(part))
  return found?.[1] ?? 'matching'
}

function listName({ items, canBeOne, canBeEmpty, also }: ListForm): string {
  if (also !== undefined) return 'headers'
  if (items.kind === 'code') return items.is === 'publicPath' ? 'public' : `${items.is}s`
  const name = describe(items).kind
  if (name === 'method' || name === 'scope') return `${name}s`
  if (canBeOne) return name
  return canBeEmpty ? 'names' : 'texts'
}

function fieldsOf(fields: Readonly<Record<string, Data>>): NonNullable<Form['fields']> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, form]) => [name, { form: describe(form) }]),
  )
}

export function boolean(byDefault: boolean): Kind<boolean> {
  return kindOf<boolean>({ kind: 'boolean', default: byDefault })
}

interface Range {
  readonly default: number
  readonly min: number
  readonly max: number
}

export function integer(range: Range, noun = 'a whole number'): Kind<number> {
  const kind = noun.endsWith('seconds') ? 'seconds' : 'integer'
  return kindOf<number>({ kind, ...range })
}

export function milliseconds(range: Range): Kind<number> {
  return kindOf<number>({ kind: 'milliseconds', ...range })
}

/** One of these values. The first is the default. */
export function oneOf<const Choices extends readonly [string | number, ...(string | number)[]]>(
  ...choices: Choices
): Kind<Choices[number]> {
  return kindsOf<{ one: Choices[number] }>({
    one: { kind: 'choice', choices, default: choices[0] } as never,
  }).one
}

export function callback<Fn>(): Kind<Fn, Fn | undefined> {
  return kindsOf<{ one: Fn | undefined }>({ one: { kind: 'function' } as never }).one
}

export function orFalse<Given, Parsed>(
  { form, parse: read }: Kind<Given, Parsed>,
  byDefault: false | object = {},
): Kind<Given | false, Parsed | false> {
  return {
    form: { ...form, scalar: 'boolean', canBeFalse: true, default: byDefault },
    parse: (value = byDefault, path) => {
      if (value === false) return false
      if (typeof value === 'object') return read(value, path)
      throw invalidOption(path, value, 'an object or false')
    },
  }
}

/** Parses the value of each key. Leaves out a key with a problem. */
export function parseFields<Parsed extends object>(
  kinds: { readonly [Name in keyof Parsed]: Kind<never, Parsed[Name]> },
  given: Readonly<Partial<Record<keyof Parsed & string, unknown>>>,
  path: OptionPath,
  problems: Problems,
): Partial<Parsed> {
  // Has no prototype: a key that was left out must not come from Object.prototype.
  const parsed = Object.create(null) as Partial<Parsed>
  for (const name of Object.keys(kinds) as (keyof Parsed & string)[]) {
    const value = problems.attempt(() => kinds[name].parse(given[name], [...path, name]))
    if (value !== undefined) parsed[name] = value
  }
  return parsed
}
