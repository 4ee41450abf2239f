import { invalidOption } from '../core/config/option-checks.ts'
import { ExpressionError, readExpression } from './expression.ts'
import { canBegin, createMatcher } from './matcher.ts'
import type { OptionPath } from '../core/config/problems.ts'
import type { Matcher } from './matcher.ts'

const EXPRESSION = 'regex:'
const UNMATCHABLE = 'one that can match a path from its start, which is "/", such as "regex:/v1/.*"'

/** Parses a pattern. Throws `AuthConfigError` for one that can match no path as it is meant: a forbid would be off. */
export function parsePattern(value: unknown, path: OptionPath): Matcher {
  if (typeof value !== 'string' || value === '') {
    throw invalidOption(path, value, 'a path such as "/v1/models", "/v1/*", "*" or "regex:…"')
  }
  if (value.startsWith(EXPRESSION)) return parseExpression(value, path)
  if (value === '*') return () => true
  const isPrefix = value.endsWith('*')
  const text = isPrefix ? value.slice(0, -1) : value
  rejectUnmatchable(text, isPrefix, value, path)
  return isPrefix ? (one) => one.startsWith(text) : (one) => one === text
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

function parseExpression(value: string, path: OptionPath): Matcher {
  try {
    const expression = readExpression(value.slice(EXPRESSION.length))
    if (!canBegin(expression, '/')) throw new ExpressionError(UNMATCHABLE)
    return createMatcher(expression)
  } catch (error) {
    if (!(error instanceof ExpressionError)) throw error
    throw invalidOption(path, value, error.message)
  }
}
