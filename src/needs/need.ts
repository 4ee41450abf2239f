import { parse, parseOptions } from '../core/config/interpreter.ts'
import { parseEntries } from '../core/config/problems.ts'
import { invalidOption, isOptionsObject, misusedOption } from '../core/config/option-checks.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { OptionPath } from '../core/config/problems.ts'

/** The scopes, roles and names that a caller must have. Every member must hold. Names are compared exactly. */
export interface Need {
  /** Scopes that are all needed. */
  readonly scopes?: readonly string[]
  /** Scopes of which one is needed. */
  readonly anyScope?: readonly string[]
  /** Roles of which one is needed: values of the attribute `roles`. */
  readonly roles?: readonly string[]
  /** Attributes, each with the values of which one is needed. */
  readonly attributes?: Readonly<Record<string, readonly string[]>>
  /** The callers who may proceed. */
  readonly principal?: readonly string[]
}

type Texts = readonly string[]

/** Scopes (RFC 6749 §3.3). A text in them fits into a challenge, beside its parameters. */
export const SCOPES: FormOf<Texts | undefined> = {
  kind: 'list',
  expected: 'a list of at least one scope',
  items: {
    kind: 'text',
    pattern: /^(?!.*(?:scope|error|resource_metadata)=)[\x21\x23-\x5b\x5d-\x7e]+$/i,
    expected:
      'a scope of visible ASCII, without quotes, backslashes, "scope=", "error=" and "resource_metadata="',
  },
}

const TEXTS: FormOf<Texts | undefined> = {
  kind: 'list',
  expected: 'a list of at least one',
  items: { kind: 'text', expected: 'a non-empty string' },
}

const NEED: Table<Need> = {
  scopes: SCOPES,
  anyScope: SCOPES,
  roles: TEXTS,
  attributes: { kind: 'code', is: 'attributes', read: parseAttributes },
  principal: TEXTS,
}

/** Copies a need and freezes it. Throws `AuthConfigError`: with a need that cannot be read, every caller would get in. */
export function parseNeed(value: unknown, path: OptionPath = ['need']): Need {
  const need = parseOptions(NEED, value, path)
  if (Object.keys(need).length > 0) return need
  const names = Object.keys(NEED).map((name) => `\`${name}\``)
  throw misusedOption(path, `an object with at least one of ${names.join(', ')}`)
}

function parseAttributes(value: unknown, path: OptionPath): Readonly<Record<string, Texts>> {
  if (!isOptionsObject(value) || Object.keys(value).length === 0) {
    throw invalidOption(path, value, 'an object of names and lists of values')
  }
  return parseEntries(value, (name, texts) => [
    name,
    parse<Texts>({ ...TEXTS, isRequired: true }, texts, [...path, name]),
  ])
}
