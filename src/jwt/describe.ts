import { plainTransports } from '../core/runtime.ts'
import type { ParsedOptions } from './options.ts'

/** The options with all defaults and without secrets. */
export function describeOptions({ from, fetch: _fetch, ...options }: ParsedOptions): object {
  return {
    type: 'jwt',
    ...options,
    ...describeKeys(from),
    jwksHeaders: redactAll(options.jwksHeaders),
  }
}

/**
 * Tells verifiers apart that may decide differently. `undefined` if that depends on what cannot be compared: a function, or
 * headers, whose values must not be in a text.
 */
export function identify(options: ParsedOptions): string | undefined {
  const { from, fetch, jwksHeaders } = options
  const isPlain = fetch === undefined || plainTransports.has(fetch)
  if (!isPlain || from.kind === 'function' || Object.keys(jwksHeaders).length > 0) return undefined
  return JSON.stringify({ ...options, from: from.kind === 'set' ? from.given : from })
}

function describeKeys(from: ParsedOptions['from']): object {
  if (from.kind === 'url') return { jwksUri: from.url.replace(/\?.*/s, '?***') }
  return from.kind === 'discovery' ? { discovery: true } : { keys: from.kind }
}

function redactAll(headers: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(Object.keys(headers).map((name) => [name, '[redacted]']))
}
