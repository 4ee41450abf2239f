import type { Upstream } from '../upstream-url.ts'

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

function parse(value: string, base: string): URL | undefined {
  try {
    return new URL(value, base)
  } catch {
    return undefined
  }
}
