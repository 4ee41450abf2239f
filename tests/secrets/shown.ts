import { inspect } from 'node:util'

/** All that can be seen of a value: by inspect, as JSON, and of an error its causes. */
export function textOf(value: unknown): string {
  if (typeof value === 'string') return value
  const shown = inspect(value, { depth: 8, showHidden: true, maxStringLength: null })
  return `${shown} ${jsonOf(value)} ${value instanceof Error ? chainOf(value) : ''}`
}

function chainOf(error: Error, depth = 8): string {
  const { message, stack, cause } = error
  const own = Object.getOwnPropertyNames(error).map((name) => Reflect.get(error, name) as unknown)
  const next = cause instanceof Error && depth > 0 ? chainOf(cause, depth - 1) : inspect(cause)
  return `${message} ${stack} ${own.map(jsonOf).join(' ')} ${next}`
}

/** A value as JSON, or nothing where there is none. */
export function jsonOf(value: unknown): string {
  try {
    return JSON.stringify(value) ?? ''
  } catch {
    return ''
  }
}
