import { invalidOption, isHttpToken, readOptions } from './option-checks.ts'
import { canonicalPath, hidesStructure } from '../request/target.ts'

/** Whether a canonical path is public for a method. */
export type PublicMatcher = (path: string, method: string) => boolean

interface PublicRule {
  /** The exact path, or the prefix with its final `/`. */
  readonly path: string
  readonly isPrefix: boolean
  readonly methods: ReadonlySet<string>
}

const RULE = ['path', 'methods'] as const
const SAFE_METHODS: ReadonlySet<string> = new Set(['GET', 'HEAD'])

/** Checks `public` and makes its matcher: literals and prefixes only, nothing that a path could be crafted for. */
export function createPublicMatcher(value: unknown): PublicMatcher {
  if (!Array.isArray(value)) throw invalidOption('public', value, 'an array')
  const rules = value.map((entry, index) => checkRule(entry, `public[${index}]`))
  return (path, method) =>
    rules.some((rule) => matches(rule, path) && rule.methods.has(method)) && !hidesStructure(path)
}

function matches({ path: rulePath, isPrefix }: PublicRule, path: string): boolean {
  if (!isPrefix) return path === rulePath
  return path.length > rulePath.length && path.startsWith(rulePath)
}

function checkRule(entry: unknown, option: string): PublicRule {
  if (typeof entry === 'string') return checkPath(entry, option, SAFE_METHODS)
  const { path, methods } = readOptions(entry, RULE, option, 'a path or { path, methods }')
  return checkPath(path, `${option}.path`, checkMethods(methods, `${option}.methods`))
}

function checkPath(value: unknown, option: string, methods: ReadonlySet<string>): PublicRule {
  if (typeof value !== 'string' || !value.startsWith('/')) {
    throw invalidOption(option, value, 'a path that starts with "/"')
  }
  const isPrefix = value.endsWith('/*')
  const path = isPrefix ? value.slice(0, -1) : value
  if (path.includes('*')) throw invalidOption(option, value, 'an exact path or "/prefix/*"')
  if (isPrefix && path === '/')
    throw invalidOption(
      option,
      value,
      'narrower, such as "/prefix/*": not everything can be public',
    )
  checkCanonical(path, option, value)
  return { path, isPrefix, methods }
}

function checkCanonical(path: string, option: string, value: string): void {
  if (/[?#\\]/.test(path)) throw invalidOption(option, value, 'a path without "?", "#" and "\\"')
  const canonical = canonicalPath(path)
  if (canonical === undefined)
    throw invalidOption(option, value, 'a path without "." and ".." segments')
  if (canonical !== path) {
    throw invalidOption(
      option,
      value,
      `written as requests are compared, ${JSON.stringify(canonical)}`,
    )
  }
  if (hidesStructure(path)) {
    throw invalidOption(
      option,
      value,
      'a path without "//", "/;", "%2f", "%5c", "%00" and "%25" before two hex digits, which are never public',
    )
  }
}

function checkMethods(value: unknown, option: string): ReadonlySet<string> {
  if (value === undefined) return SAFE_METHODS
  if (!Array.isArray(value) || value.length === 0) {
    throw invalidOption(option, value, 'a list of methods')
  }
  return new Set(value.map((method: unknown, index) => checkMethod(method, `${option}[${index}]`)))
}

function checkMethod(value: unknown, option: string): string {
  if (isHttpToken(value) && value === value.toUpperCase()) return value
  throw invalidOption(option, value, 'a method in upper case')
}
