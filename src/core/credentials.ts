import type { CredentialsSource } from './auth-config.ts'

/** Why a request has no token to ask about. */
export interface CredentialsProblem {
  readonly reason: 'missing_credentials' | 'malformed_credentials'
}

/** Reads the token out of a request's headers. */
export type CredentialsReader = (headers: Headers) => string | CredentialsProblem

export type TokenFormat = 'token68' | 'visible-ascii'

const MAX_TOKEN_LENGTH = 8192
const MISSING: CredentialsProblem = { reason: 'missing_credentials' }
const MALFORMED: CredentialsProblem = { reason: 'malformed_credentials' }

// RFC 9110 §11.2. Each pattern is linear: no two neighbouring parts can match the same character.
const TOKEN: Readonly<Record<TokenFormat, RegExp>> = {
  token68: /^[\w.~+/-]+=*$/,
  // Fetch joins repeated headers with a comma, so a token with one cannot be told from two headers.
  'visible-ascii': /^[\x21-\x2b\x2d-\x7e]+$/,
}

// RFC 6750 §2.1 has one space, RFC 9110 §11.4 one or more; no server needs more than 64.
const BEARER = /^bearer {1,64}(?! )/i
const BEARER_SCHEME = /^bearer(?![\w!#$%&'*+.^`|~-])/i
const JOINED_BEARER = /,[ \t]*bearer(?:[ \t]|$)/i

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
  if (isCookie(source)) return (headers) => readCookie(headers, source.cookie, pattern)
  return (headers) => readWebSocketProtocol(headers, source.webSocketProtocol, pattern)
}

function isHeader(source: object): source is { readonly header: string } {
  return Object.hasOwn(source, 'header')
}

function isCookie(source: object): source is { readonly cookie: string } {
  return Object.hasOwn(source, 'cookie')
}

function readBearer(headers: Headers, pattern: RegExp): string | CredentialsProblem {
  const field = headers.get('authorization')
  // As nearly every client writes it. A token has no blanks, so nothing is left to trim or to tell apart.
  const usual = field?.startsWith('Bearer ') ? checkToken(field.slice(7), pattern) : MALFORMED
  if (typeof usual === 'string') return usual
  const value = trimBlanks(field)
  if (value === '') return MISSING
  const scheme = BEARER.exec(value)
  if (scheme !== null) return checkToken(value.slice(scheme[0].length), pattern)
  if (BEARER_SCHEME.test(value) || JOINED_BEARER.test(value)) return MALFORMED
  return MISSING
}

function readHeader(headers: Headers, name: string, pattern: RegExp): string | CredentialsProblem {
  const value = trimBlanks(headers.get(name))
  return value === '' ? MISSING : checkToken(value, pattern)
}

function readCookie(headers: Headers, name: string, pattern: RegExp): string | CredentialsProblem {
  const prefix = `${name}=`
  const values = listItems(headers.get('cookie'), ';')
    .filter((pair) => pair.startsWith(prefix))
    .map((pair) => pair.slice(prefix.length))
  return readOnly(values, pattern)
}

function readWebSocketProtocol(
  headers: Headers,
  prefix: string,
  pattern: RegExp,
): string | CredentialsProblem {
  const tokens = listItems(headers.get('sec-websocket-protocol'), ',')
    .filter((protocol) => protocol.startsWith(prefix))
    .map((protocol) => protocol.slice(prefix.length))
  return readOnly(tokens, pattern)
}

function readOnly(values: readonly string[], pattern: RegExp): string | CredentialsProblem {
  const [value, second] = values
  if (value === undefined) return MISSING
  return second === undefined ? checkToken(value, pattern) : MALFORMED
}

function checkToken(token: string, pattern: RegExp): string | CredentialsProblem {
  return token.length <= MAX_TOKEN_LENGTH && pattern.test(token) ? token : MALFORMED
}

function listItems(value: string | null, separator: string): string[] {
  return value === null ? [] : value.split(separator).map(trimBlanks)
}

// RFC 9110 §5.5: blanks around a value are not part of it. Most servers trim them, workerd keeps them. `trim()`
// would take away other characters too, which are part of a malformed value.
function trimBlanks(value: string | null): string {
  if (value === null) return ''
  let start = 0
  let end = value.length
  while (start < end && isBlank(value.charCodeAt(start))) start += 1
  while (end > start && isBlank(value.charCodeAt(end - 1))) end -= 1
  return value.slice(start, end)
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
