import { namesOf, parseList } from '../core/config/kinds.ts'
import {
  fitsChallenge,
  invalidOption,
  isOptionsObject,
  misusedOption,
  readOptions,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import type { AuthConfigError } from '../core/errors.ts'
import type { Need } from '../core/types.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { OptionPath } from '../core/config/problems.ts'

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

/** Scopes (RFC 6749 §3.3), at least one, and each once. Without a value there are none. */
export const scopeList: Kind<readonly string[]> = {
  form: { kind: 'scopes', items: { kind: 'scope', scalar: 'string' }, default: [] },
  parse: (value, path) => {
    if (value === undefined) return []
    if (!Array.isArray(value) || value.length === 0) {
      throw invalidOption(path, value, 'a list of at least one scope')
    }
    return Object.freeze([...new Set(parseList(value, path, parseScope))])
  },
}

function parseScope(value: unknown, path: OptionPath): string {
  if (typeof value === 'string' && SCOPE.test(value) && fitsChallenge(value)) return value
  throw invalidOption(
    path,
    value,
    'a scope of visible ASCII, without quotes, backslashes, "scope=", "error=" and "resource_metadata="',
  )
}

type List = readonly string[]

const NEED: { readonly [Name in keyof Need]-?: (value: unknown, path: OptionPath) => unknown } = {
  scopes: scopeList.parse,
  anyScope: scopeList.parse,
  roles: parseTexts,
  attributes: parseAttributes,
  principal: parseTexts,
}

/** Copies a need and freezes it. Throws `AuthConfigError`: with a need that cannot be read, every caller would get in. */
export function parseNeed(value: unknown, path: OptionPath = ['need']): Need {
  const problems = new Problems()
  const given = readOptions(value, namesOf(NEED), path, 'an object', problems)
  const entries = Object.entries(given).map(([name, one]) => [
    name,
    problems.attempt(() => NEED[name as keyof Need](one, [...path, name])),
  ])
  problems.throwIfAny()
  if (entries.length === 0) throw emptyNeed(path)
  return Object.freeze({ __proto__: null, ...Object.fromEntries(entries) })
}

function emptyNeed(path: OptionPath): AuthConfigError {
  const names = namesOf(NEED).map((name) => `\`${name}\``)
  return misusedOption(path, `an object with at least one of ${names.join(', ')}`)
}

function parseTexts(value: unknown, path: OptionPath): List {
  if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseText)
  throw invalidOption(path, value, 'a list of at least one')
}

function parseText(value: unknown, path: OptionPath): string {
  if (typeof value === 'string' && value !== '') return value
  throw invalidOption(path, value, 'a non-empty string')
}

function parseAttributes(value: unknown, path: OptionPath): Readonly<Record<string, List>> {
  const entries = isOptionsObject(value) ? Object.entries(value) : []
  if (entries.length === 0) {
    throw invalidOption(path, value, 'an object of names and lists of values')
  }
  const problems = new Problems()
  const parsed = entries.flatMap(
    ([name, texts]) => problems.attempt(() => [[name, parseTexts(texts, [...path, name])]]) ?? [],
  )
  problems.throwIfAny()
  return Object.freeze(Object.fromEntries(parsed))
}
