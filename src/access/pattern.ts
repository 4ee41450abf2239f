import { invalidOption } from '../core/config/option-checks.ts'
import { foldCase } from './case.ts'
import { ExpressionError, readExpression } from './expression.ts'
import { canBegin, createMatcher } from './matcher.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Matcher } from './matcher.ts'

/** A pattern of a rule. */
export interface Pattern {
  readonly matches: Matcher
  /** Whether it is for forms without case. */
  readonly isFolded: boolean
}

const EXPRESSION = 'regex:'
const NEVER_PERMITTED = 'a path that starts with one "/": "//" is never permitted'
const UNMATCHABLE = 'one that can match a path from its start, which is "/", such as "regex:/v1/.*"'

/**
 * Parses a pattern. That of a forbid matches without case. Throws `AuthConfigError` for one that can match no path as it is meant: a
 * forbid would be off.
 */
export function parsePattern(value: unknown, path: OptionPath, isForbid: boolean): Pattern {
  if (typeof value !== 'string' || value === '') {
    throw invalidOption(path, value, 'a path such as "/v1/models", "/v1/*", "*" or "regex:…"')
  }
  if (value.startsWith(EXPRESSION)) {
    return { matches: parseExpression(value, path, isForbid), isFolded: false }
  }
  if (value === '*') return { matches: () => true, isFolded: false }
  const isPrefix = value.endsWith('*')
  const written = isPrefix ? value.slice(0, -1) : value
  rejectUnmatchable(written, isPrefix, value, path)
  if (!isForbid && written.startsWith('//')) throw invalidOption(path, value, NEVER_PERMITTED)
  const text = isForbid ? foldCase(written) : written
  const matches: Matcher = isPrefix ? (one) => one.startsWith(text) : (one) => one === text
  return { matches, isFolded: isForbid }
}

function rejectUnmatchable(text: string, isPrefix: boolean, value: string, path: OptionPath): void {
  if (!text.startsWith('/')) throw invalidOption(path, value, 'a path that starts with "/"')
  if (text.includes('*')) throw invalidOption(path, value, 'a path with "*" at the end only')
  if (/[%?#\\]/.test(text)) {
    const expected = String.raw`a decoded path, without "%", "?", "#" and "\"`
    throw invalidOption(path, value, expected)
  }
  if (/\/\.\.?(?:\/|$)/.test(isPrefix ? `${text}-` : text)) {
    throw invalidOption(path, value, 'a path without "." and "..", which are resolved in requests')
  }
  if (!isPrefix && text !== '/' && text.endsWith('/')) {
    const expected = 'a path without "/" at the end, which is cut from requests'
    throw invalidOption(path, value, expected, {
      didYouMean: text.replace(/\/+$/, ''),
    })
  }
}

function parseExpression(value: string, path: OptionPath, isForbid: boolean): Matcher {
  try {
    const expression = readExpression(value.slice(EXPRESSION.length), isForbid)
    if (!canBegin(expression, '/')) throw new ExpressionError(UNMATCHABLE)
    return createMatcher(expression)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw invalidOption(path, value, error.message)
  }
}
