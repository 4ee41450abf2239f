import { canonicalPath, hidesStructure } from '../request/target.ts'
import { group, parseList } from './kinds.ts'
import { invalidOption, isHttpToken, isOptionsObject } from './option-checks.ts'
import type { PublicPath } from '../auth-config.ts'
import type { Kind } from './kinds.ts'
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

const SAFE_METHODS = ['GET', 'HEAD'] as const

const pathText: Kind<string> = { form: { kind: 'path', scalar: 'string' }, parse: parsePath }

const methods: Kind<readonly string[]> = {
  form: { kind: 'methods', items: { kind: 'method', scalar: 'string' } },
  parse: (value = SAFE_METHODS, path) => {
    if (Array.isArray(value) && value.length > 0) return parseList(value, path, parseMethod)
    throw invalidOption(path, value, 'a list of methods')
  },
}

const entry = group<Exclude<PublicPath, string>>({ path: pathText, methods })

/** Literals and prefixes only: a client cannot craft a path that matches by surprise. */
export const publicPaths: Kind<readonly PublicPath[], readonly PublicRule[]> = {
  form: { kind: 'public', default: [], items: { ...entry.form, ...pathText.form } },
  parse: (value = [], path) => {
    if (Array.isArray(value)) return parseList(value, path, parseRule)
    throw invalidOption(path, value, 'an array')
  },
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
  if (typeof value === 'string') return toRule(parsePath(value, path), SAFE_METHODS)
  if (!isOptionsObject(value)) throw invalidOption(path, value, 'a path or { path, methods }')
  const parsed = entry.parse(value, path)
  return toRule(parsed.path, parsed.methods)
}

function toRule(text: string, methodNames: readonly string[]): PublicRule {
  const isPrefix = text.endsWith('/*')
  return { path: isPrefix ? text.slice(0, -1) : text, isPrefix, methods: new Set(methodNames) }
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

function parseMethod(value: unknown, option: OptionPath): string {
  if (isHttpToken(value) && value === value.toUpperCase()) return value
  throw invalidOption(option, value, 'a method in upper case')
}
