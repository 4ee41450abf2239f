import { inspect } from 'node:util'

/** A value as `inspect` and JSON show it, with the causes of an error. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const shown = inspect(value, { depth: 8, showHidden: true, maxStringLength: null })
  return `${shown} ${jsonOf(value)} ${value instanceof Error ? chainOf(value) : ''}`
}

/**
 * Omits the frames of each stack that nothing has read before: finding their source lines takes longer than everything else. Use it
 * only for errors of tests that have ended, since an error keeps the first form of its stack.
 */
export function withoutFrames(show: () => string): string {
  const prepareStackTrace: unknown = Reflect.get(Error, 'prepareStackTrace')
  Error.prepareStackTrace = ({ name, message }) => `${name}: ${message}`
  try {
    return show()
  } finally {
    Object.assign(Error, { prepareStackTrace })
  }
}

function chainOf(error: Error, depth = 8): string {
  const { message, stack, cause } = error
  const own = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error, name) as unknown)
  const next = cause instanceof Error && depth > 0 ? chainOf(cause, depth - 1) : inspect(cause)
  return `${message} ${stack} ${own.map(jsonOf).join(' ')} ${next}`
}

/** A value as JSON, or an empty text if it has none. */
export function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
