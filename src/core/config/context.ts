import {
  checkBoolean,
  checkOneOf,
  invalidOption,
  isHttpToken,
  readOptions,
} from './option-checks.ts'
import type { Context } from '../request/question.ts'

const OPTIONS = ['headers', 'params', 'path', 'method'] as const

export function checkContext(value: unknown): Context {
  const options = readOptions(value, OPTIONS, 'context')
  return Object.freeze({
    headers: checkHeaders(options.headers ?? 'all'),
    params: checkOneOf('context.params', options.params ?? 'values', ['values', 'lists', 'none']),
    path: checkBoolean('context.path', options.path ?? true),
    method: checkBoolean('context.method', options.method ?? false),
  })
}

function checkHeaders(value: unknown): Context['headers'] {
  if (value === 'all') return value
  if (!Array.isArray(value))
    throw invalidOption('context.headers', value, '"all" or a list of names')
  const names = value.map((name: unknown, index) => {
    if (isHttpToken(name)) return name.toLowerCase()
    throw invalidOption(`context.headers[${index}]`, name, 'a header name')
  })
  return Object.freeze([...new Set(names)])
}
