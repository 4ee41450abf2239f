import { canonicalPath, hidesStructure } from '../request/target.ts'
import { parse, parseOptions } from './interpreter.ts'
import { invalidOption, isOptionsObject } from './option-checks.ts'
import type { PublicPath } from '../auth-config.ts'
import type { FormOf, Table } from './form.ts'
import type { OptionPath } from './problems.ts'

/** Whether a canonical path is public for a method. */
export type PublicMatcher = (path: string, method: string) => boolean

/** A path, or the paths below a prefix, that need no token. */
export interface PublicRule {
  /** The exact path, or the prefix with its final `/`. */
  readonly path: string
  readonly isPrefix: boolean
  readonly methods: ReadonlySet<string>
}

/** A method, as requests have it. */
export const METHOD: FormOf<string | undefined> = {
  kind: 'text',
  pattern: /^[\dA-Z!#$%&'*+.^_`|~-]+$/,
  expected: 'a method in upper case',
}

const METHODS: FormOf<readonly string[]> = {
  kind: 'list',
  items: METHOD,
  default: ['GET', 'HEAD'],
  expected: 'a list of methods',
}

const ENTRY: Table<Required<Exclude<PublicPath, string>>> = {
  path: { kind: 'code', is: 'path', isText: true, isRequired: true, read: parsePath },
  methods: METHODS,
}

/** Literals and prefixes only: a client cannot craft a path that matches by surprise. */
export const PUBLIC_PATHS: FormOf<readonly PublicRule[]> = {
  kind: 'list',
  default: [],
  canBeEmpty: true,
  expected: 'an array',
  items: { kind: 'code', is: 'publicPath', isText: true, fields: ENTRY, read: parseRule },
}

/** Makes the matcher of these rules. */
export function createPublicMatcher(rules: readonly PublicRule[]): PublicMatcher {
  return (path, method) =>
    rules.some((rule) => matches(rule, path) && rule.methods.has(method)) && !hidesStructure(path)
}

function matches({ path: rulePath, isPrefix }: PublicRule, path: string): boolean {
  if (!isPrefix) return path === rulePath
  return path.length > rulePath.length && path.startsWith(rulePath)
}

function parseRule(value: unknown, path: OptionPath): PublicRule {
  const isText = typeof value === 'string'
  if (!isText && !isOptionsObject(value)) {
    throw invalidOption(path, value, 'a path or { path, methods }')
  }
  const entry = isText
    ? { path: parsePath(value, path), methods: parse(METHODS, undefined, path) }
    : parseOptions(ENTRY, value, path)
  const isPrefix = entry.path.endsWith('/*')
  return {
    path: isPrefix ? entry.path.slice(0, -1) : entry.path,
    isPrefix,
    methods: new Set(entry.methods),
  }
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
