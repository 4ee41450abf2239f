import { parseFields, parseList, namesOf } from '../core/config/kinds.ts'
import {
  invalidOption,
  invalidSecret,
  isOptionsObject,
  readOptions,
} from '../core/config/option-checks.ts'
import { Problems } from '../core/config/problems.ts'
import { parseServiceUrl } from '../core/config/endpoint.ts'
import { PLAIN } from '../core/runtime.ts'
import type { ReadsConfig, Transport } from '../core/verifier.ts'
import type { Kind } from '../core/config/kinds.ts'
import type { OptionPath } from '../core/config/problems.ts'

/** A kind for each option of a verifier. */
export type OptionKinds<Parsed> = { readonly [Name in keyof Parsed]-?: Kind<never, Parsed[Name]> }

type Given<Parsed> = Readonly<Partial<Record<keyof Parsed & string, unknown>>>

const TEXT_FORM = { kind: 'text', scalar: 'string' } as const
const PATH_FORM = { kind: 'claimPath', scalar: 'string' } as const
const EXPECTED_PATH = 'a path of claims, such as "sub" or "realm_access.roles"'

/**
 * Parses the options of a verifier, and throws one `AuthConfigError` with all problems.
 *
 * @param check Adds the problems of options that are valid one by one.
 */
export function parseVerifierOptions<Parsed extends object>(
  kinds: OptionKinds<Parsed>,
  value: unknown,
  check: (parsed: Partial<Parsed>, given: Given<Parsed>, problems: Problems) => void = () =>
    undefined,
): Parsed {
  // A text may be a secret that was meant for an option.
  if (!isOptionsObject(value)) throw invalidSecret(['options'], 'an object')
  const problems = new Problems()
  const given: Given<Parsed> = readOptions(value, namesOf(kinds), [], 'an object', problems)
  const parsed = parseFields<Parsed>(kinds, given, [], problems)
  check(parsed, given, problems)
  problems.throwIfAny()
  // Without a problem each option has been parsed by its kind.
  return parsed as Parsed
}

/** The URL of a service that gets tokens. `checkUrl` has the rest of its rules. */
export const serviceUrl: Kind<string | URL, string> = {
  form: { kind: 'endpoint', scalar: 'string', isUrl: true },
  parse: (value, path) => parseServiceUrl(value, path, true),
}

/** Adds a problem for an http URL that leads to another machine. */
export function checkUrl(
  name: string,
  url: string | undefined,
  allowInsecureHttp: boolean | undefined,
  problems: Problems,
): void {
  if (url === undefined || allowInsecureHttp === undefined) return
  problems.attempt(() => parseServiceUrl(url, [name], allowInsecureHttp))
}

/** A text of at least one character, or `undefined`. */
export const optionalText: Kind<string, string | undefined> = {
  form: TEXT_FORM,
  parse: (value, path) => (value === undefined ? undefined : parseText(value, path)),
}

/** A text or a list of texts, or nothing. */
export const optionalTexts: Kind<string | readonly string[], readonly string[] | undefined> = {
  form: { ...TEXT_FORM, items: TEXT_FORM },
  parse: (value, path) => {
    if (value === undefined) return undefined
    const list = Array.isArray(value) ? value : [value]
    if (list.length > 0 && list.every(isText)) return Object.freeze([...new Set(list)])
    throw invalidOption(path, value, 'a text or a non-empty list of texts')
  },
}

/** A list of names. */
export const names: Kind<readonly string[]> = {
  form: { kind: 'names', items: TEXT_FORM, default: [] },
  parse: (value = [], path) => {
    if (!Array.isArray(value)) throw invalidOption(path, value, 'a list of names')
    return parseList(value, path, parseText)
  },
}

/** The path of a claim, or nothing. */
export const claimPath: Kind<string, string | undefined> = {
  form: PATH_FORM,
  parse: (value, path) => (value === undefined ? undefined : parsePath(value, path)),
}

/** The paths of claims, of which the first that is present counts. */
export function claimPaths(byDefault: string): Kind<string | readonly string[], readonly string[]> {
  return {
    form: { ...PATH_FORM, items: PATH_FORM, default: byDefault },
    parse: (value = byDefault, path) => {
      if (!Array.isArray(value)) return Object.freeze([parsePath(value, path)])
      if (value.length === 0)
        throw invalidOption(path, value, 'a path or a non-empty list of paths')
      return parseList(value, path, parsePath)
    },
  }
}

/** The attribute for each path of a claim. */
export const attributes: Kind<Readonly<Record<string, string>>> = {
  form: { kind: 'attributes', entries: TEXT_FORM, default: {} },
  parse: (value = {}, path) => {
    if (!isOptionsObject(value)) {
      throw invalidOption(path, value, 'an object of claim paths and their attributes')
    }
    const problems = new Problems()
    const entries = Object.entries(value).flatMap(
      ([claim, attribute]) =>
        problems.attempt(() => [
          [parsePath(claim, path), parseText(attribute, [...path, claim])] as const,
        ]) ?? [],
    )
    problems.throwIfAny()
    return Object.freeze(Object.fromEntries(entries))
  },
}

/**
 * Tells verifiers apart that may decide differently. `undefined` if that depends on what cannot be compared or shown: a `fetch`
 * of the user, or the query of a URL.
 */
export function idOf(
  type: string,
  url: string,
  transport: Transport | undefined,
  options: unknown,
): string | undefined {
  return isPlain(transport) && !url.includes('?') ? JSON.stringify([type, url, options]) : undefined
}

/** Whether a transport asks what the runtime's `fetch` asks. */
export function isPlain(transport: Transport | undefined): boolean {
  return transport === undefined || transport.id === PLAIN
}

/** The context of a verifier that reads the token alone. */
export const READS_TOKEN: ReadsConfig = Object.freeze({
  headers: [],
  params: 'none',
  path: false,
})

export const INSECURE_HTTP = '"allowInsecureHttp" is true: tokens may travel in clear text'

/** A URL without its query, which may be a secret. */
export function withoutQuery(url: string): string {
  return url.replace(/\?.*/s, '?***')
}

function parsePath(value: unknown, path: OptionPath): string {
  if (isText(value) && value !== '#keys') return value
  throw invalidOption(path, value, EXPECTED_PATH)
}

function parseText(value: unknown, path: OptionPath): string {
  if (isText(value)) return value
  throw invalidOption(path, value, 'a text that is not empty')
}

function isText(value: unknown): value is string {
  return typeof value === 'string' && value !== ''
}
