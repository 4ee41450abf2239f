import { invalidOption, invalidSecret } from '../core/config/option-checks.ts'
import { canonicalPath } from '../core/request/target.ts'
import type { Target } from '../core/request/target.ts'

/** The upstream's URL in two parts. No request can change the origin. */
export interface Upstream {
  readonly origin: string
  /** The prefix of every path, without a trailing slash. */
  readonly basePath: string
}

// Matches the text as written, since a URL parser turns `2130706433` into 127.0.0.1. Names without a dot, and names below
// `.internal` or `.local`, resolve only within a private network (RFC 6762 §3).
const PRIVATE_NETWORK = new RegExp(
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

/** Parses the option `upstream`. Throws `AuthConfigError`. */
export function parseUpstream(value: unknown, allowInsecureHttp: boolean): Upstream {
  const expected = 'an absolute http or https URL such as "http://127.0.0.1:8000"'
  if (typeof value !== 'string') throw invalidOption(['upstream'], value, expected)
  // Even in a malformed URL the text before an `@` may be a password, and a query may hold a key.
  if (value.includes('@')) throw invalidSecret(['upstream'], 'a URL without user or password')
  if (/[?#]/.test(value)) throw invalidSecret(['upstream'], 'a URL without query and fragment')
  const url = parseUrl(value)
  if (url === undefined) throw invalidOption(['upstream'], value, expected)
  if (url.protocol === 'http:' && !PRIVATE_NETWORK.test(value) && !allowInsecureHttp) {
    const allowed =
      'an https URL (http only on loopback and within a private network, or with `allowInsecureHttp`)'
    throw invalidOption(['upstream'], value, allowed)
  }
  return Object.freeze({ origin: url.origin, basePath: parseBasePath(value, url.pathname) })
}

/** Parses the option `publicOrigin`. Throws `AuthConfigError`. */
export function parsePublicOrigin(value: unknown): URL {
  const expected = 'an origin such as "https://api.example.com"'
  if (typeof value !== 'string') throw invalidOption(['publicOrigin'], value, expected)
  if (/[@?#]/.test(value)) throw invalidSecret(['publicOrigin'], expected)
  const url = parseUrl(value)
  if (url !== undefined && url.href === `${url.origin}/`) return url
  throw invalidOption(['publicOrigin'], value, expected)
}

// A URL parser leaves these as they are: they consist of characters that it neither encodes nor resolves.
const PLAIN_PATH = /^\/[\w~/-]*$/
const PLAIN_QUERY = /^[\w~/?&=+:;,.-]*$/

/**
 * Returns the URL of a target at the upstream, or `undefined` if a URL parser finds another origin or path in it. It joins texts:
 * `new URL('//evil.com', base)` would be another host.
 */
export function locate({ origin, basePath }: Upstream, target: Target): string | undefined {
  const path = basePath + target.path
  const text = target.query === '' ? origin + path : `${origin}${path}?${target.query}`
  if (PLAIN_PATH.test(target.path) && PLAIN_QUERY.test(target.query)) return text
  const url = new URL(text)
  return url.origin === origin && url.pathname === path ? url.href : undefined
}

function parseBasePath(value: string, parsed: string): string {
  const written = value.replace(/^https?:\/\/[^/]+/i, '')
  const path = written === '' ? '/' : canonicalPath(written)
  if (path !== parsed || path.includes('//')) {
    throw invalidOption(
      ['upstream'],
      value,
      'a URL with an unambiguous path (without "..", "//" or encoded letters)',
    )
  }
  return path.endsWith('/') ? path.slice(0, -1) : path
}

function parseUrl(value: string): URL | undefined {
  // oxlint-disable-next-line no-control-regex
  if (!/^https?:\/\/[^/\\@?#]+(?:\/|$)/i.test(value) || /[\x00-\x20\x7f\\@?#]/.test(value)) {
    return undefined
  }
  return parse(value)
}

const AUTHORITY = /^(?:https?:)?\/\/[^/?#\\]+/i
// Clients read `//host` as another host (RFC 3986 §4.2). Browsers take a backslash for a slash, and skip a tab.
const OTHER_HOST = /^\/\t*[/\\]/

/**
 * Writes a `Location` and a `Content-Location` of the upstream's own address as paths, without the base path of the upstream.
 * Others stay, such as one outside of the base path.
 *
 * @param scheme The scheme that the upstream was told. Some servers build their own address from it and from `Host`.
 */
export function hideUpstream(headers: Headers, upstream: Upstream, scheme: string | null): void {
  for (const name of ['location', 'content-location']) {
    const value = headers.get(name)
    if (value !== null) headers.set(name, pathOf(value, upstream, scheme))
  }
}

function pathOf(value: string, { origin, basePath }: Upstream, scheme: string | null): string {
  const [authority] = AUTHORITY.exec(value) ?? []
  const target = authority === undefined ? undefined : parse(value, origin)
  if (authority === undefined || target === undefined) return value
  const told = parse(`${scheme ?? ''}://${new URL(origin).host}`, origin)
  if (target.origin !== origin && target.origin !== told?.origin) return value
  const rest = value.slice(authority.length)
  const behind = rest.slice(basePath.length)
  if (!rest.startsWith(basePath) || !/^(?:[/?#]|$)/.test(behind)) return value
  const path = behind.startsWith('/') ? behind : `/${behind}`
  const safe = OTHER_HOST.test(path) ? `/.${path}` : path
  // Dot segments could lead out of the base path.
  const found = parse(safe, origin)
  const isSame =
    found?.origin === origin && basePath + found.pathname === withRoot(target, basePath)
  return isSame ? safe : value
}

function withRoot({ pathname }: URL, basePath: string): string {
  return pathname === basePath ? `${basePath}/` : pathname
}

function parse(value: string, base?: string): URL | undefined {
  try {
    return new URL(value, base)
  } catch {
    return undefined
  }
}
