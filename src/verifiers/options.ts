import { invalidOption, invalidSecret, isOptionsObject } from '../core/config/option-checks.ts'
import { parse, parseOptions } from '../core/config/interpreter.ts'
import { parseEntries } from '../core/config/problems.ts'
import { parseServiceUrl } from '../core/config/service-url.ts'
import type { ReadsConfig } from '../core/verifier.ts'
import type { FormOf, Table } from '../core/config/form.ts'
import type { Validate } from '../core/config/interpreter.ts'
import type { Problems } from '../core/config/problems.ts'

/**
 * Parses the options of a verifier, and throws one `AuthConfigError` with all problems.
 *
 * @param check Adds the problems of options that are valid one by one.
 */
export function parseVerifierOptions<Parsed extends object>(
  table: Table<Parsed>,
  value: unknown,
  check?: Validate<Parsed>,
): Parsed {
  // A text may be a secret that was meant for an option.
  if (!isOptionsObject(value)) throw invalidSecret(['options'], 'an object')
  return parseOptions(table, value, [], check)
}

/** The URL of a service that gets tokens. `checkUrl` has the rest of its rules. */
export const SERVICE_URL: FormOf<string> = { kind: 'url', isRequired: true }

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

/** A text or a list of texts, or nothing. */
export const TEXTS: FormOf<readonly string[] | undefined> = {
  kind: 'list',
  items: { kind: 'text' },
  canBeOne: true,
  expected: 'a text or a non-empty list of texts',
}

/** A list of names. */
export const NAMES: FormOf<readonly string[]> = {
  kind: 'list',
  items: { kind: 'text' },
  default: [],
  canBeEmpty: true,
  expected: 'a list of names',
}

/** The path of a claim, or nothing. */
export const CLAIM_PATH: FormOf<string | undefined> = {
  kind: 'text',
  pattern: /^(?!#keys$)[^]/,
  expected: 'a path of claims, such as "sub" or "realm_access.roles"',
}

/** The paths of claims, of which the first that is present counts. */
export const CLAIM_PATHS: FormOf<readonly string[]> = {
  kind: 'list',
  items: CLAIM_PATH,
  canBeOne: true,
  default: 'sub',
  expected: 'a path of claims, such as "sub" or "realm_access.roles", or a non-empty list of paths',
}

/** The attribute for each path of a claim. */
export const ATTRIBUTES: FormOf<Readonly<Record<string, string>>> = {
  kind: 'code',
  is: 'attributes',
  entries: { kind: 'text' },
  default: {},
  read: (value, path) => {
    if (!isOptionsObject(value)) {
      throw invalidOption(path, value, 'an object of claim paths and their attributes')
    }
    return parseEntries(value, (claim, attribute) => [
      parse<string>(CLAIM, claim, path),
      parse<string>(TEXT, attribute, [...path, claim]),
    ])
  },
}

/** A text of at least one character. */
export const TEXT: FormOf<string> = { kind: 'text', isRequired: true }

const CLAIM: FormOf<string> = { ...CLAIM_PATH, isRequired: true }

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
