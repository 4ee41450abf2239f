import { hexValue, isDigit, isLetter, isOneOf, isUnreserved, tripletAt } from './characters.ts'
import { encodeUtf8 } from './utf8.ts'

/** The path and the query of a URL as a server wrote it, or `undefined` for an ambiguous URL. */
export function readTarget(url: string): { path: string; query: string } | undefined {
  const authority = afterScheme(url)
  if (authority < 0) return undefined
  const start = firstOf(url, authority, '/')
  if (start === authority || start === url.length) return undefined
  if (hasAny(url.slice(authority, start), '\\?#@')) return undefined
  const end = firstOf(url, start, '?')
  const query = url.slice(end + 1)
  if (hasAny(url.slice(start, end), '#\\') || hasAny(query, '#')) return undefined
  const path = readPath(url.slice(start, end))
  return path === undefined ? undefined : { path, query }
}

/** Normalises a path by RFC 3986 §6.2.2. Returns `undefined` for a path with dot segments. */
function readPath(raw: string): string | undefined {
  const path = decodeUnreserved(encodePath(raw))
  if (path === undefined) return undefined
  return hasDotSegment(path) ? undefined : path
}

/** Whether a segment without its parameters is `.` or `..`. */
function hasDotSegment(path: string): boolean {
  let segment = ''
  for (let index = 0; index <= path.length; index += 1) {
    const byte = path[index] === '%' ? tripletAt(path, index) : path.charCodeAt(index)
    const isEnd = index === path.length || isOneOf(byte, '/\\;')
    if (isEnd && (segment === '/.' || segment === '/..')) return true
    segment = isOneOf(byte, '/\\') ? '/' : segment + path.charAt(index)
    if (path[index] === '%' && byte >= 0) index += 2
  }
  return false
}

/** Whether some server may read more segments in a path than its slashes show. */
export function hidesStructure(path: string): boolean {
  for (let index = 0; index < path.length; index += 1) {
    const byte = tripletAt(path, index)
    if (byte === 0x2f || byte === 0x5c || byte === 0) return true
    // `%252e` decodes to the triplet `%2e`.
    if (byte === 0x25 && tripletAt(`%${path.slice(index + 3, index + 5)}`, 0) >= 0) return true
    if (path[index] === '/' && (path[index + 1] === '/' || path[index + 1] === ';')) return true
  }
  return false
}

/** Whether a `Host` is only a name and a port (RFC 3986 §3.2.2 and §3.2.3). */
export function isHost(host: string): boolean {
  for (let index = 0; index < host.length; index += 1) {
    const code = host.charCodeAt(index)
    if (!isUnreserved(code) && !isOneOf(code, "!$&'()*+,;=:%[]")) return false
  }
  return true
}

function afterScheme(url: string): number {
  if (url.startsWith('http://')) return 'http://'.length
  return url.startsWith('https://') ? 'https://'.length : -1
}

function firstOf(text: string, from: number, character: string): number {
  let index = from
  while (index < text.length && text[index] !== character) index += 1
  return index
}

function hasAny(text: string, characters: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code <= 0x20 || code === 0x7f || isOneOf(code, characters)) return true
  }
  return false
}

function encodePath(raw: string): string {
  let path = ''
  for (const byte of encodeUtf8(raw)) {
    const isKept = byte > 0x20 && byte < 0x7f && !isOneOf(byte, '"<>^`{}')
    path += isKept ? String.fromCharCode(byte) : encodeByte(byte)
  }
  return path
}

function encodeByte(byte: number): string {
  const digits = '0123456789ABCDEF'
  return `%${digits.charAt(byte >> 4)}${digits.charAt(byte & 15)}`
}

function decodeUnreserved(path: string): string | undefined {
  let decoded = ''
  // How many digits the last characters lack to be a triplet: two after `%`, one after `%2`.
  let missing = 0
  let index = 0
  while (index < path.length) {
    const byte = tripletAt(path, index)
    // In `%2%65` the decoded `e` would make a triplet that the client did not send.
    if (missing > 0 && isDigitOfTriplet(byte)) return undefined
    missing = byte < 0 ? stillMissing(missing, path.charCodeAt(index)) : 0
    const end = byte < 0 ? index + 1 : index + 3
    decoded += isUnreserved(byte) ? String.fromCharCode(byte) : path.slice(index, end)
    index = end
  }
  return decoded
}

function stillMissing(missing: number, code: number): number {
  if (isOneOf(code, '%')) return 2
  return missing === 2 && isDigitOfTriplet(code) ? 1 : 0
}

function isDigitOfTriplet(code: number): boolean {
  return (isDigit(code) || isLetter(code)) && hexValue(code) >= 0
}
