import type { CredentialsSource } from '../auth-config.ts'

/** Why a request has no token that the endpoint could be asked about. */
export interface CredentialsProblem {
  readonly reason: 'missing_credentials' | 'malformed_credentials'
}

/** Reads the token out of the headers of a request. */
export type CredentialsReader = (headers: Headers) => string | CredentialsProblem

export type TokenFormat = 'token68' | 'visible-ascii'

const MAX_TOKEN_LENGTH = 8192
const MISSING: CredentialsProblem = { reason: 'missing_credentials' }
const MALFORMED: CredentialsProblem = { reason: 'malformed_credentials' }

// RFC 9110 §11.2. Each pattern is linear: no two neighbouring parts can match the same character.
const TOKEN: Readonly<Record<TokenFormat, RegExp>> = {
  token68: /^[\w.~+/-]+=*$/,
  // Fetch joins repeated headers with a comma, so a token with a comma looks like two headers.
  'visible-ascii': /^[\x21-\x2b\x2d-\x7e]+$/,
}

// RFC 6750 §2.1 has one space, RFC 9110 §11.4 one or more; no server needs more than 64.
const BEARER = /^bearer {1,64}(?! )/i
const BEARER_SCHEME = /^bearer(?![\w!#$%&'*+.^`|~-])/i
const JOINED_BEARER = /,[ \t]*bearer(?:[ \t,]|$)/i

/** Makes the reader for the configured sources, of which exactly one must be present in a request. */
export function createCredentialsReader(
  sources: readonly CredentialsSource[],
  format: TokenFormat,
): CredentialsReader {
  const readers = sources.map((source) => createSourceReader(source, format))
  const [only] = readers
  if (readers.length === 1 && only !== undefined) return only
  return (headers) => readExactlyOne(readers, headers)
}

function readExactlyOne(
  readers: readonly CredentialsReader[],
  headers: Headers,
): string | CredentialsProblem {
  let found: string | CredentialsProblem = MISSING
  for (const read of readers) {
    const result = read(headers)
    if (result === MISSING) continue
    // RFC 6750 §2: not more than one method in a request.
    if (found !== MISSING) return MALFORMED
    found = result
  }
  return found
}

function createSourceReader(source: CredentialsSource, format: TokenFormat): CredentialsReader {
  const pattern = TOKEN[format]
  if (source === 'bearer') return (headers) => readBearer(headers, pattern)
  if (isHeader(source)) return (headers) => readHeader(headers, source.header, pattern)
  if (isCookie(source)) {
    return (headers) => readItem(headers.get('cookie'), ';', `${source.cookie}=`, pattern)
  }
  const prefix = source.webSocketProtocol
  return (headers) => readItem(headers.get('sec-websocket-protocol'), ',', prefix, pattern)
}

function isHeader(source: object): source is { readonly header: string } {
  return Object.hasOwn(source, 'header')
}

function isCookie(source: object): source is { readonly cookie: string } {
  return Object.hasOwn(source, 'cookie')
}

function readBearer(headers: Headers, pattern: RegExp): string | CredentialsProblem {
  const field = headers.get('authorization')
  // The form that almost every client sends. A token has no blanks, so it needs no trimming.
  const usual = field?.startsWith('Bearer ') ? parseToken(field.slice(7), pattern) : MALFORMED
  if (typeof usual === 'string') return usual
  const value = trimBlanks(field)
  if (value === '') return MISSING
  const scheme = BEARER.exec(value)
  if (scheme !== null) return parseToken(value.slice(scheme[0].length), pattern)
  if (BEARER_SCHEME.test(value) || JOINED_BEARER.test(value)) return MALFORMED
  return MISSING
}

function readHeader(headers: Headers, name: string, pattern: RegExp): string | CredentialsProblem {
  const value = trimBlanks(headers.get(name))
  return value === '' ? MISSING : parseToken(value, pattern)
}

// Searches for the prefix instead of splitting the list: a hostile list has an item for each of its characters.
function readItem(
  list: string | null,
  separator: string,
  prefix: string,
  pattern: RegExp,
): string | CredentialsProblem {
  let found: string | CredentialsProblem = MISSING
  if (list === null) return found
  let index = list.indexOf(prefix)
  while (index !== -1) {
    const isWanted = isItemStart(list, index, separator)
    if (isWanted && found !== MISSING) return MALFORMED
    if (isWanted) found = parseToken(itemAfter(list, index + prefix.length, separator), pattern)
    index = list.indexOf(prefix, index + prefix.length)
  }
  return found
}

function isItemStart(list: string, index: number, separator: string): boolean {
  let before = index - 1
  while (before >= 0 && isBlank(list.charCodeAt(before))) before -= 1
  return before < 0 || list[before] === separator
}

function itemAfter(list: string, start: number, separator: string): string {
  const end = list.indexOf(separator, start)
  return trimEnd(list, start, end === -1 ? list.length : end)
}

function parseToken(token: string, pattern: RegExp): string | CredentialsProblem {
  return token.length <= MAX_TOKEN_LENGTH && pattern.test(token) ? token : MALFORMED
}

// RFC 9110 §5.5: blanks around a value are not part of it. Most servers trim them, workerd keeps them. `trim()` would remove
// other characters too, which make a value malformed.
function trimBlanks(value: string | null): string {
  if (value === null) return ''
  let start = 0
  while (start < value.length && isBlank(value.charCodeAt(start))) start += 1
  return trimEnd(value, start, value.length)
}

function trimEnd(value: string, start: number, end: number): string {
  let last = end
  while (last > start && isBlank(value.charCodeAt(last - 1))) last -= 1
  return value.slice(start, last)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}

/** Whether a request is a CORS preflight (Fetch standard): `OPTIONS` with its two fields and without credentials. */
export function isPreflight(
  { method, headers }: Request,
  readCredentials: CredentialsReader,
): boolean {
  if (method !== 'OPTIONS' || !headers.has('origin')) return false
  if (!headers.has('access-control-request-method')) return false
  // No browser upgrades a preflight, and an upgrade that is admitted stays open.
  if (headers.has('upgrade')) return false
  if (headers.has('authorization') || headers.has('cookie')) return false
  const credentials = readCredentials(headers)
  return typeof credentials !== 'string' && credentials.reason === 'missing_credentials'
}
