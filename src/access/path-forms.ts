/** The forms of one path. Routers differ in which of them they compare. */
export interface PathForms {
  /** A permit must match all of them. */
  readonly permitted: readonly string[]
  /** A forbid must match one of them. */
  readonly forbidden: readonly string[]
}

// No route is longer, and it bounds the time of a policy.
const MAX_LENGTH = 2048

// One form serves for all: nothing is encoded, and no slash is cut or merged.
const PLAIN = /^(?:\/[\w.~-]+)+$/

// What a URL parser encodes by itself. As typed, these characters stand in the path.
const ENCODED_BY_PARSERS = /(?:%(?:20|22|3[ce]|5e|60|7[bd]|[89a-f][\da-f]))+/gi

/**
 * The forms of a canonical path: as it was sent, and decoded once. Slashes at the end are cut, as OGX does. A forbid also
 * compares the forms before the cut, and those in which repeated slashes are one, as many proxies make them. Returns
 * `undefined` for a path that must not be permitted: it is too long, it is not UTF-8, or it holds a control character.
 */
export function pathForms(path: string): PathForms | undefined {
  if (path.length > MAX_LENGTH) return undefined
  if (PLAIN.test(path)) return { permitted: [path], forbidden: [path] }
  const decoded = decode(path)
  if (decoded === undefined || /\p{Cc}/u.test(decoded)) return undefined
  const sent = path.replace(ENCODED_BY_PARSERS, decodeURIComponent)
  const uncut = [path, sent, decoded]
  return {
    permitted: unique([sent, decoded].map(withoutEnd)),
    forbidden: unique([...uncut, ...uncut.map(withoutEnd), ...uncut.map(withMergedSlashes)]),
  }
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function withoutEnd(path: string): string {
  let end = path.length
  while (path[end - 1] === '/') end -= 1
  return path === '/' ? path : path.slice(0, end)
}

function withMergedSlashes(path: string): string {
  const merged = path.replace(/\/+/g, '/')
  return merged === '/' ? merged : withoutEnd(merged)
}

function unique(texts: readonly string[]): readonly string[] {
  return [...new Set(texts)]
}
