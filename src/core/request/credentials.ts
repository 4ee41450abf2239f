import type { CredentialsSource } from '../auth-config.ts'

/** Why a request has no token that the endpoint could be asked about. */
interface CredentialsProblem {
  readonly reason: 'missing_credentials' | 'malformed_credentials'
  readonly detail?: 'too_long'
  /** The reason, for the operator. */
  readonly explanation?: string
  /** Two sources hold different tokens. */
  readonly isConflict?: true
}

/** Reads the token out of the headers of a request. */
export type CredentialsReader = (headers: Headers) => string | CredentialsProblem

/** Finds a token, and checks its form only on a cache miss: the form of a cached one was checked before it was asked about. */
export interface TokenFinder {
  /** Reads the text that a request presents as its token. */
  readonly findToken: CredentialsReader
  readonly problemOf: (text: string) => CredentialsProblem | undefined
}

interface TokenOptions {
  readonly cache: object | false
  readonly context: { readonly clientAddress: boolean }
  readonly credentials: readonly CredentialsSource[]
  readonly namesCaller: boolean
}

const MAX_TOKEN_LENGTH = 8192
const MISSING: CredentialsProblem = { reason: 'missing_credentials' }
const MALFORMED: CredentialsProblem = { reason: 'malformed_credentials' }
const CONFLICTING: CredentialsProblem = { ...MALFORMED, isConflict: true }

// Visible ASCII. Fetch joins repeated headers with a comma, so a token with a comma looks like two headers.
const TOKEN = /^[\x21-\x2b\x2d-\x7e]+$/
// The name of a caller, which its verifier checks.
const NAME = /^[^\r\n]+$/

// RFC 6750 §2.1 has one space, RFC 9110 §11.4 one or more; no server needs more than 64.
const BEARER = /^bearer {1,64}(?! )/i
const BEARER_SCHEME = /^bearer(?![\w!#$%&'*+.^`|~-])/i
const JOINED_BEARER = /,[ \t]*bearer(?:[ \t,]|$)/i

/**
 * Makes the reader for the configured sources. All that a request uses must hold the same token.
 *
 * @param namesCaller Whether the token is the name of a caller.
 */
export function createCredentialsReader(
  sources: readonly CredentialsSource[],
  namesCaller = false,
): CredentialsReader {
  const find = createFinder(sources)
  const problemOf = createTokenCheck(namesCaller)
  return (headers) => {
    const found = find(headers)
    return typeof found === 'string' ? (problemOf(found) ?? found) : found
  }
}

/**
 * Makes the two steps for a gate. The form comes first where nothing is looked up, and before a `clientAddress` that may change the
 * headers.
 */
export function createTokenFinder(options: TokenOptions): TokenFinder {
  const { cache, context, credentials, namesCaller } = options
  const isFirst = cache === false || context.clientAddress
  return {
    findToken: isFirst
      ? createCredentialsReader(credentials, namesCaller)
      : createFinder(credentials),
    problemOf: createTokenCheck(namesCaller),
  }
}

function createTokenCheck(namesCaller: boolean): TokenFinder['problemOf'] {
  const pattern = namesCaller ? NAME : TOKEN
  return (text) => {
    if (text.length > MAX_TOKEN_LENGTH) return createTooLong(text.length)
    return pattern.test(text) ? undefined : MALFORMED
  }
}

function createTooLong(length: number): CredentialsProblem {
  const explanation = `the token has ${length} characters, and at most ${MAX_TOKEN_LENGTH} are allowed`
  return { ...MALFORMED, detail: 'too_long', explanation }
}

function createFinder(sources: readonly CredentialsSource[]): CredentialsReader {
  const finders = sources.map(createSourceFinder)
  const [only] = finders
  if (finders.length === 1 && only !== undefined) return only
  return (headers) => {
    let found: string | CredentialsProblem = MISSING
    for (const find of finders) {
      const result = find(headers)
      if (result === MISSING) continue
      // A source that cannot be read equals no other.
      const isSame = result === found && typeof result === 'string'
      if (found !== MISSING && !isSame) return CONFLICTING
      found = result
    }
    return found
  }
}

/** Names what a request may use, for its client. */
export function nameSources(sources: readonly CredentialsSource[]): string {
  const names = sources.map(nameSource)
  const last = names.splice(-1)
  return [names.join(', '), ...last].filter((part) => part !== '').join(' or ')
}

function nameSource(source: CredentialsSource): string {
  if (source === 'bearer') return 'Authorization header'
  if (isHeader(source)) return `${source.header} header`
  return isCookie(source)
    ? `${source.cookie} cookie`
    : `WebSocket protocol ${source.webSocketProtocol}*`
}

function createSourceFinder(source: CredentialsSource): CredentialsReader {
  if (source === 'bearer') return findBearer
  if (isHeader(source)) return (headers) => trimBlanks(headers.get(source.header)) || MISSING
  if (isCookie(source))
    return (headers) => findItem(headers.get('cookie'), ';', `${source.cookie}=`)
  const prefix = source.webSocketProtocol
  return (headers) => findItem(headers.get('sec-websocket-protocol'), ',', prefix)
}

function isHeader(source: object): source is { readonly header: string } {
  return Object.hasOwn(source, 'header')
}

function isCookie(source: object): source is { readonly cookie: string } {
  return Object.hasOwn(source, 'cookie')
}

const USUAL = 'Bearer '

/** The `Authorization` field of a token in the form that almost every client sends. */
export function usualField(token: string): string {
  return USUAL + token
}

function findBearer(headers: Headers): string | CredentialsProblem {
  const field = headers.get('authorization')
  if (field?.startsWith(USUAL) && isTrimmed(field, USUAL.length)) return field.slice(USUAL.length)
  const value = trimBlanks(field)
  if (value === '') return MISSING
  const scheme = BEARER.exec(value)
  if (scheme !== null) return value.slice(scheme[0].length)
  if (BEARER_SCHEME.test(value) || JOINED_BEARER.test(value)) return MALFORMED
  return MISSING
}

// Searches for the prefix instead of splitting the list: a hostile list has an item for each of its characters.
function findItem(
  list: string | null,
  separator: string,
  prefix: string,
): string | CredentialsProblem {
  let found: string | CredentialsProblem = MISSING
  if (list === null) return found
  let index = list.indexOf(prefix)
  while (index !== -1) {
    const isWanted = isItemStart(list, index, separator)
    if (isWanted && found !== MISSING) return MALFORMED
    if (isWanted) found = itemAfter(list, index + prefix.length, separator)
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

// RFC 9110 §5.5: blanks around a value are not part of it. Most servers trim them, workerd keeps them. `trim()` would remove
// other characters too, which make a value malformed.
export function trimBlanks(value: string | null): string {
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

/** Whether no blank surrounds the text from `start` on. If there is no such text, the last character is the blank before it. */
function isTrimmed(text: string, start: number): boolean {
  return !isBlank(text.charCodeAt(start)) && !isBlank(text.charCodeAt(text.length - 1))
}

function isBlank(code: number): boolean {
  return code === 0x20 || code === 0x09
}
