import { namesOf, parseList } from './kinds.ts'
import { invalidOption, isOptionsObject, misusedOption, readOptions } from './option-checks.ts'
import { Problems } from './problems.ts'
import type { AuthConfigError } from '../errors.ts'
import type { Need } from '../types.ts'
import type { Kind } from './kinds.ts'
import type { OptionPath } from './problems.ts'

const SCOPE = /^[\x21\x23-\x5b\x5d-\x7e]+$/

// Clients find the parameters of a challenge by patterns that would match inside another parameter too.
const IN_CHALLENGE = /(?:scope|error|resource_metadata)=/i

/** Whether a text may stand in a challenge beside its parameters. */
export function fitsChallenge(text: string): boolean {
  return !IN_CHALLENGE.test(text)
}

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
