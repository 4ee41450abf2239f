import { isPlain, withoutQuery } from '../verifiers/options.ts'
import type { ParsedOptions } from './options.ts'

/** The options with all defaults and without secrets. */
export function describeOptions(options: ParsedOptions): object {
  const { jwksUri, keys, jwksHeaders, types, fetch: _fetch, ...shown } = options
  return {
    type: 'jwt',
    ...shown,
    types: types ?? 'JWT, at+jwt or absent',
    ...(jwksUri === undefined ? {} : { jwksUri: withoutQuery(jwksUri) }),
    ...(keys === undefined ? {} : { keys: typeof keys === 'function' ? 'a function' : keys.given }),
    discovery: jwksUri === undefined && keys === undefined,
    jwksHeaders: Object.fromEntries(Object.keys(jwksHeaders).map((name) => [name, '[redacted]'])),
  }
}

/**
 * Tells verifiers apart that may decide differently. `undefined` if that depends on what cannot be compared: on a function, or
 * on headers, whose values must not be in a text.
 */
export function identify({
  keys,
  fetch,
  jwksHeaders,
  ...options
}: ParsedOptions): string | undefined {
  if (typeof keys === 'function' || !isPlain(fetch)) return undefined
  if (Object.keys(jwksHeaders).length > 0) return undefined
  return JSON.stringify({ label: 'jwt', ...options, keys: keys?.given })
}
