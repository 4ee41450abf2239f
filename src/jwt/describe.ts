import { idOf } from '../verifiers/id/id.ts'
import { withoutQuery } from '../verifiers/options.ts'
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

/** Tells verifiers apart that may decide differently. `undefined` if that depends on what cannot be compared or shown. */
export function identify(options: ParsedOptions): string | undefined {
  const { keys, fetch, jwksHeaders: secrets, jwksUri: url = '', ...rest } = options
  if (typeof keys === 'function') return undefined
  return idOf({ type: 'jwt', url, fetch, options: { ...rest, keys: keys?.given }, secrets })
}
