import { invalidOption, invalidSecret } from '../core/config/option-checks.ts'
import { canonicalPath } from '../core/request/target.ts'
import type { Target } from '../core/request/target.ts'

/** Where requests go: nothing in a request changes the origin. */
export interface Upstream {
  readonly origin: string
  /** What every path begins with, without a slash at its end. */
  readonly basePath: string
}

// Compared with the text as written: a URL parser also makes 127.0.0.1 of `2130706433`. A name without a dot, or below
// `.internal` or `.local`, is one of the own network (RFC 6762 §3, and what container networks use); no other can resolve it.
const OWN_NETWORK = new RegExp(
  `^http://(?:${[
    String.raw`[a-z][\w-]*`,
    String.raw`(?:[\w-]+\.)+(?:internal|local)`,
    String.raw`(?:127|10)(?:\.\d{1,3}){3}`,
    String.raw`192\.168(?:\.\d{1,3}){2}`,
    String.raw`172\.(?:1[6-9]|2\d|3[01])(?:\.\d{1,3}){2}`,
    String.raw`\[::1\]|\[f[cd][\da-f]{2}:[\da-f:]*\]`,
  ].join('|')})(?::\\d{1,5})?(?:/|$)`,
  'i',
)

/** Checks the URL that requests are passed on to. */
export function checkUpstream(value: unknown, allowInsecureHttp: boolean): Upstream {
  const expected = 'an absolute http or https URL'
  if (typeof value !== 'string' || value === '') throw invalidOption('upstream', value, expected)
  // Whatever stands before an `@` may be a password, however broken the rest is, and a query may hold a key.
  if (value.includes('@')) throw invalidSecret('upstream', 'a URL without user or password')
  if (/[?#]/.test(value)) throw invalidSecret('upstream', 'a URL without query and fragment')
  const url = parseUrl(value)
  if (url === undefined) throw invalidOption('upstream', value, expected)
  if (url.protocol === 'http:' && !OWN_NETWORK.test(value) && !allowInsecureHttp) {
    const allowed =
      'an https URL (http only on loopback and within a private network, or with `allowInsecureHttp`)'
    throw invalidOption('upstream', value, allowed)
  }
  return Object.freeze({ origin: url.origin, basePath: checkBasePath(value, url.pathname) })
}

/** Checks the origin that clients know, and gives it as they write it. */
export function checkPublicOrigin(value: unknown): URL {
  const expected = 'an origin such as "https://api.example.com"'
  if (typeof value !== 'string') throw invalidOption('publicOrigin', value, expected)
  // As of "upstream": there may be a password or a key.
  if (/[@?#]/.test(value)) throw invalidSecret('publicOrigin', expected)
  const url = parseUrl(value)
  if (url !== undefined && url.href === `${url.origin}/`) return url
  throw invalidOption('publicOrigin', value, expected)
}

/**
 * The URL of a target at the upstream. The text is put together and then parsed, never resolved: `new URL('//evil.com', base)`
 * is another host. Returns `undefined` if it would not be just that path of just that origin.
 */
export function locate({ origin, basePath }: Upstream, target: Target): string | undefined {
  const path = basePath + target.path
  const url = new URL(target.query === '' ? origin + path : `${origin}${path}?${target.query}`)
  return url.origin === origin && url.pathname === path ? url.href : undefined
}

function checkBasePath(value: string, parsed: string): string {
  const written = /^https?:\/\/[^/]+(.*)$/i.exec(value)?.[1] ?? ''
  const path = written === '' ? '/' : canonicalPath(written)
  if (path !== parsed || path.includes('//')) {
    throw invalidOption('upstream', value, 'a URL whose path can be read in one way only')
  }
  return path.endsWith('/') ? path.slice(0, -1) : path
}

function parseUrl(value: string): URL | undefined {
  // oxlint-disable-next-line no-control-regex
  if (!/^https?:\/\/[^/\\@?#]+(?:\/|$)/i.test(value) || /[\x00-\x20\x7f\\@?#]/.test(value)) {
    return undefined
  }
  try {
    return new URL(value)
  } catch {
    return undefined
  }
}
