import { canonicalPath, hidesStructure } from '../request/target.ts'
import { invalidOption } from './option-checks.ts'
import type { PublicPath } from '../auth-config.ts'
import type { FormOf, Table } from './form.ts'
import type { OptionPath } from './problems.ts'

/** A path, or the paths below a prefix, that need no token with these methods. */
export type PublicRule = Required<Exclude<PublicPath, string>>

/** A method, as requests have it. */
export const METHOD: FormOf<string | undefined> = {
  kind: 'text',
  pattern: /^[\dA-Z!#$%&'*+.^_`|~-]+$/,
  expected: 'a method in upper case',
}

const RULE: Table<PublicRule> = {
  path: { kind: 'code', is: 'path', isText: true, isRequired: true, read: parsePath },
  methods: { kind: 'list', items: METHOD, default: ['GET', 'HEAD'], expected: 'a list of methods' },
}

/** Literals and prefixes only: a client cannot craft a path that matches by surprise. */
export const PUBLIC_PATHS: FormOf<readonly PublicRule[]> = {
  kind: 'list',
  default: [],
  canBeEmpty: true,
  expected: 'an array',
  items: { kind: 'group', fields: RULE, short: 'path', expected: 'a path or { path, methods }' },
}

function parsePath(value: unknown, option: OptionPath): string {
  if (typeof value !== 'string' || !value.startsWith('/')) {
    throw invalidOption(option, value, 'a path that starts with "/"')
  }
  const path = value.endsWith('/*') ? value.slice(0, -1) : value
  if (path.includes('*')) throw invalidOption(option, value, 'an exact path or "/prefix/*"')
  if (value === '/*') {
    const expected = 'narrower, such as "/prefix/*": not everything can be public'
    throw invalidOption(option, value, expected)
  }
  rejectUnclear(path, option, value)
  return value
}

const NEVER_PUBLIC =
  'a path without "//", "/;", "%2f", "%5c", "%00" and "%25" before two hex digits, which are never public'

// Requests are compared in canonical form, so a path in another form would match none.
function rejectUnclear(path: string, option: OptionPath, value: string): void {
  if (/[?#\\]/.test(path)) throw invalidOption(option, value, 'a path without "?", "#" and "\\"')
  const canonical = canonicalPath(path)
  if (canonical === undefined) {
    throw invalidOption(option, value, 'a path without "." and ".." segments')
  }
  if (canonical !== path) {
    throw invalidOption(option, value, 'written as requests are compared', {
      didYouMean: canonical,
    })
  }
  if (hidesStructure(path)) throw invalidOption(option, value, NEVER_PUBLIC)
}
