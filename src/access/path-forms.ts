import { foldCase } from './case.ts'

/** The forms of one path. Each router compares one of them. */
export interface PathForms {
  /** A permit must match all of them. */
  readonly permitted: readonly string[]
  /** A forbid must match one of them. */
  readonly forbidden: readonly string[]
  /** The same without case, which many routers ignore. */
  readonly folded: readonly string[]
}

// No route is longer, and it bounds the time of a policy.
const MAX_LENGTH = 2048

// One form serves for all: nothing is encoded, and no slash is cut or merged.
const PLAIN = /^(?:\/[\w.~-]+)+$/

// A server that decodes twice reads another path, and one on Windows takes a backslash for a slash.
const AMBIGUOUS = /%5c|%25[\da-f]{2}/i

// `new URL(request.url, base)`, PHP and the JDK read a host behind `//`, and then the path.
const UNCLEAR = /^\/\/|\p{Cc}/u

// A URL parser encodes the first of these characters by itself. The others are signs that clients encode or not as they like:
// ! $ & + , : = @. As typed, they stand in the path.
const ENCODED_BY_CLIENTS = /(?:%(?:20|22|3[ce]|5e|60|7[bd]|[89a-f][\da-f]|2[146bc]|3[ad]|40))+/gi

/**
 * The forms of a canonical path: as it was sent, and decoded once. Slashes at the end are cut, as OGX does. A forbid also
 * compares the forms before the cut, and those that many servers make: without parameters behind `;`, and with repeated slashes as
 * one. Returns `undefined` for a path that must not be permitted: it is too long, it is not UTF-8, it holds a control character, it is
 * encoded twice, or it begins with `//`.
 */
export function pathForms(path: string): PathForms | undefined {
  if (path.length > MAX_LENGTH || AMBIGUOUS.test(path)) return undefined
  if (PLAIN.test(path)) {
    const sent = [path]
    const small = path.toLowerCase()
    return { permitted: sent, forbidden: sent, folded: small === path ? sent : [small] }
  }
  const decoded = decode(path)
  if (decoded === undefined || UNCLEAR.test(decoded)) return undefined
  const sent = path.replace(ENCODED_BY_CLIENTS, decodeURIComponent)
  const uncut = [path, sent, decoded].flatMap((form) => [form, withoutParameters(form)])
  // Servlet containers cut parameters off before they decode: a `%2f` does not end one.
  uncut.push(decodeURIComponent(withoutParameters(path)))
  const forbidden = unique([...uncut, ...uncut.map(withoutEnd), ...uncut.map(withMergedSlashes)])
  return {
    permitted: unique([sent, decoded].map(withoutEnd)),
    forbidden,
    folded: unique(forbidden.map(foldCase)),
  }
}

function decode(path: string): string | undefined {
  try {
    return decodeURIComponent(path)
  } catch {
    return undefined
  }
}

function withoutParameters(path: string): string {
  return path.replace(/;[^/]*/g, '')
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
