import fc from 'fast-check'
import { expect, it } from 'vitest'
import { hidesStructure, isPlainHost, parseTarget } from '../../src/core/request/target.ts'
import { words } from '../support/words.ts'
import { isUnreserved, tripletAt } from './characters.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'

const PATHS = words('/ / // a Z9 . .. /. /../ ... ~ -_ ; : @ &=')
const TRIPLETS = words('%2e %2E %61 %7e %2f %5c %00 %25 %2561 %3B %2F.. %32 %zz % %2 %C3%A9')
const RAW = [...words('é 😀 \ud800 \udc00a " < ` { | ^'), '\u2028', '\ufeff']
const REFUSED = ['#', '\\', ' ', '\t', '\n', '\r', '\u0000', '\u007f']
const QUERIES = words('? ?a=b & ?? ?a=%zz#')
const AUTHORITIES = [...words('h h.test :80 [::1] @ ? # \\ % é _ /'), ' ']
const rests = textOf([...PATHS, ...TRIPLETS, ...RAW, ...QUERIES])
const hostileRests = textOf([...PATHS, ...TRIPLETS, ...RAW, ...QUERIES, ...REFUSED])
const schemes = fc.constantFrom('http://', 'https://', 'HTTP://', 'ftp://', 'http:/', '')
const URLS = fc.oneof(
  { weight: 4, arbitrary: rests.map((rest) => `http://h.test/${rest}`) },
  { weight: 2, arbitrary: hostileRests.map((rest) => `https://[::1]:80/${rest}`) },
  {
    weight: 1,
    arbitrary: fc
      .tuple(schemes, textOf(AUTHORITIES, 4), hostileRests)
      .map(([scheme, authority, rest]) => `${scheme}${authority}/${rest}`),
  },
)

it('a target has the path and the query that the reference parser reads', SLOW, () => {
  const counts = compare(URLS, (url) => {
    const expected = readTarget(url)
    const kind = expected === undefined ? 'refused' : 'read'
    return { found: parseTarget(url), expected, kind }
  })
  expect(tooRare(counts, ['refused', 'read'], 10)).toEqual([])
})

it('a path hides structure where the reference parser finds some', SLOW, () => {
  const counts = compare(textOf([...PATHS, ...TRIPLETS]), (path) => {
    const expected = mayHide(path)
    return { found: hidesStructure(path), expected, kind: `${expected}` }
  })
  expect(tooRare(counts, ['true', 'false'])).toEqual([])
})

it('a Host is valid where the reference parser accepts it', SLOW, () => {
  const names = ['h', 'h.test', ':80', '[::1]', '_', '~', "!$&'()*+,;="]
  const hosts = fc.oneof(textOf(names, 4), textOf([...names, ...AUTHORITIES, ...REFUSED], 4))
  const counts = compare(hosts, (host) => {
    const expected = isHost(host)
    return { found: isPlainHost(host), expected, kind: `${expected}` }
  })
  expect(tooRare(counts, ['true', 'false'])).toEqual([])
})

/** The path and the query of a URL as a server wrote it, or `undefined` for an ambiguous URL. */
function readTarget(url: string): { path: string; query: string } | undefined {
  const [, scheme = '', rest = ''] = /^(https?:\/\/)?(.*)$/s.exec(url) ?? []
  const start = rest.indexOf('/')
  if (scheme === '' || start < 1 || hasAny(rest.slice(0, start), '\\?#@')) return undefined
  const target = rest.slice(start)
  const [path = ''] = target.split('?')
  const query = target.slice(path.length + 1)
  if (hasAny(path, '#\\') || hasAny(query, '#')) return undefined
  const read = decodeUnreserved(encodePath(path))
  return read === undefined || hasDotSegment(read) ? undefined : { path: read, query }
}

/** Whether a segment without its parameters is `.` or `..`. */
function hasDotSegment(path: string): boolean {
  const slashes = path.replace(/%2f|%5c|\\/gi, '/').replace(/%3b/gi, ';')
  const [, ...segments] = slashes.split('/')
  return segments.some((segment) => /^\.\.?$/.test(segment.split(';')[0] ?? ''))
}

/** Whether some server may read more segments in a path than its slashes show. */
function mayHide(path: string): boolean {
  const triplets = Array.from({ length: path.length }, (_, index) => tripletAt(path, index))
  if (triplets.some((byte) => [0x2f, 0x5c, 0].includes(byte))) return true
  // `%252e` decodes to the triplet `%2e`.
  const isTwice = (byte: number, index: number): boolean =>
    byte === 0x25 && tripletAt(`%${path.slice(index + 3, index + 5)}`, 0) >= 0
  return triplets.some(isTwice) || path.includes('//') || path.includes('/;')
}

/** Whether a `Host` is only a name and a port (RFC 3986 §3.2.2 and §3.2.3). */
function isHost(host: string): boolean {
  const others = "!$&'()*+,;=:%[]"
  return Array.from(host).every((one) => isUnreserved(one.charCodeAt(0)) || others.includes(one))
}

function hasAny(text: string, characters: string): boolean {
  return Array.from(text).some((one) => one <= ' ' || one === '\u007f' || characters.includes(one))
}

function encodePath(path: string): string {
  return Array.from(Buffer.from(path), (byte) => {
    const isKept = byte > 0x20 && byte < 0x7f && !'"<>^`{}'.includes(String.fromCharCode(byte))
    const digits = byte.toString(16).toUpperCase().padStart(2, '0')
    return isKept ? String.fromCharCode(byte) : `%${digits}`
  }).join('')
}

/** RFC 3986 §6.2.2. `undefined` if that makes a triplet that the client did not send, as the `e` of `%2%65` does. */
function decodeUnreserved(path: string): string | undefined {
  const parts = path.split(/(%[\da-f]{2})/i)
  const decoded = parts.map((part) => {
    const byte = tripletAt(part, 0)
    return part.length === 3 && isUnreserved(byte) ? String.fromCharCode(byte) : part
  })
  const isMade = decoded.some((part, index) => {
    const before = decoded.slice(0, index).join('')
    return part !== parts[index] && /%[\da-f]?$/i.test(before) && /[\da-f]/i.test(part)
  })
  return isMade ? undefined : decoded.join('')
}
