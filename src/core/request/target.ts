import { decodeTriplet } from '../redaction.ts'

/** The one meaning of a request target, shared by the public paths, the question and the events. */
export interface Target {
  /** The path with unreserved characters decoded (RFC 3986 §6.2.2.2) and all others left encoded. */
  readonly path: string
  /** The query as it was sent, without `?`. */
  readonly query: string
}

/** Before a request has been read. */
export const NO_TARGET: Target = { path: '', query: '' }

// No server takes more, and no endpoint is told more.
const MAX_LENGTH = 65_536

// Group 1 is the path, group 2 the query. The classes exclude their delimiters, so matching is linear.
// Servers do not check a Host header (`h\public`, `h#x`, `h?`). If an authority has such a character, a URL parser finds
// another path than a router.
const TARGET =
  // oxlint-disable-next-line no-control-regex
  /^https?:\/\/[^/\\?#@\x00-\x20\x7f]+(\/[^?#\\\x00-\x20\x7f]*)(?:\?([^#\x00-\x20\x7f]*))?$/

// Almost every target. TARGET matches it too, and its path is canonical: it has no `%`, no `.` and no character to encode. The
// one pattern takes half of the time of the whole function.
const USUAL = /^https?:\/\/[\w.:-]+(\/[\w~/-]*)(?:\?([!"$-~]*))?$/

// A URL parser percent-encodes these in a path, as UTF-8. Some servers hand them over raw.
const RAW = /(?:[^\x21-\x7e]|["<>^`{}])+/gu
const LONE_SURROGATE = /\p{Surrogate}/gu
const ENCODED_UNRESERVED = /%(?:2[de]|3\d|[46][1-9a-f]|[57][\da]|5f|7e)/gi
// A broken triplet before an encoded hex digit: decoding the digit would make a triplet that was not sent.
const SPLIT_TRIPLET = /%[\da-f]?%(?:3\d|[46][1-6])/i
// For a path whose dots are decoded. nginx reads `%2f` as a slash, IIS `%5c`, and Java's servers `..;x` as `..`: each
// resolves `/open/..%2fadmin` or `/open/..;/admin` to `/admin`.
const DOT_SEGMENT = /(?:\/|%2f|%5c)\.{1,2}(?:\/|%2f|%5c|;|%3b|$)/i
// `%25` before two hex digits is a triplet for a router that decodes twice.
const HIDDEN_STRUCTURE = /%2f|%5c|%00|%25[\da-f]{2}|\/[/;]/i

/** Parses `request.url`. Returns `undefined` if it can be read in two ways: then the request must be rejected. */
export function parseTarget(url: string): Target | undefined {
  if (url.length > MAX_LENGTH) return undefined
  const usual = USUAL.exec(url)
  const match = usual ?? TARGET.exec(url)
  if (match === null) return undefined
  const [, raw = '', query = ''] = match
  const path = usual === null ? canonicalPath(raw) : raw
  return path === undefined ? undefined : { path, query }
}

/** Whether `parseTarget` reads a URL at first sight. */
export function isUsualTarget(url: string): boolean {
  return url.length <= MAX_LENGTH && USUAL.test(url)
}

/** The canonical form of a path, or `undefined` if it can be read in two ways. */
export function canonicalPath(raw: string): string | undefined {
  const path = raw.search(RAW) === -1 ? raw : encodeRaw(raw)
  if (!path.includes('%')) return DOT_SEGMENT.test(path) ? undefined : path
  if (SPLIT_TRIPLET.test(path)) return undefined
  const canonical = path.replace(ENCODED_UNRESERVED, decodeTriplet)
  return DOT_SEGMENT.test(canonical) ? undefined : canonical
}

/**
 * Whether a `Host` names a host and nothing else. For the path `/admin` and the host `h/public/x?` some servers make
 * `http://h/public/x?/admin`: every parser reads that alike, but the client chose the path in the wrong place.
 */
export function isPlainHost(host: string | null): boolean {
  return host === null || /^[\w.~!$&'()*+,;=:%[\]-]*$/.test(host)
}

/** Whether a router or a file server may read more structure out of a canonical path. Such a path is never public. */
export function hidesStructure(path: string): boolean {
  return HIDDEN_STRUCTURE.test(path)
}

function encodeRaw(raw: string): string {
  return raw.replace(LONE_SURROGATE, '\ufffd').replace(RAW, (run) => encodeURIComponent(run))
}
