/** The token that must not be shown: `undefined` if a request has none, `null` if its credentials cannot be read. */
export type PresentedToken = string | undefined | null

const LONGEST_TEXT = 256
/** Where a text was cut, fewer characters of a token may be shown. */
const LEAST_PART = 4
/** More often no server decodes a text. */
const MOST_DECODINGS = 4
const TRIPLET = /%[\da-f]{2}/gi
// A terminal obeys some of these characters, and a line break would forge a second line.
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}]/gu
const CUT_TRIPLET = /%[\da-f]?$/i

/**
 * The beginning of a text of a client or an endpoint, or `undefined` if it holds, or may hold, one of the tokens: as it is or
 * percent-encoded, or as much of it as was left at the end. Searches only what would be shown, since the text may be long.
 */
export function shownText(
  text: string,
  tokens: readonly PresentedToken[],
  longest: number = LONGEST_TEXT,
): string | undefined {
  const shown = text.slice(0, longest)
  const isCut = shown.length < text.length
  for (const token of tokens) if (mayHold(shown, token, isCut)) return undefined
  return shown
}

/** The text of a verifier about a token or about itself, in one line: it may pass on what another server sent. */
export function shownReason(
  text: string,
  tokens: readonly PresentedToken[],
  longest?: number,
): string | undefined {
  const shown = shownText(text, tokens, longest)
  return shown && escapeUnseen(shown)
}

/** Whether a text may hold the user or the password of a URL, also without a scheme or in quotes. */
export function holdsUserinfo(text: string): boolean {
  const colon = text.indexOf(':')
  return colon !== -1 && text.lastIndexOf('@') > colon
}

/** Masks the user, the password and the query of a URL that was given in place of another value. */
export function hideUrlSecrets(text: string): string {
  const shown = holdsUserinfo(text) ? `***${text.slice(text.lastIndexOf('@'))}` : text
  return text.includes('://') ? shown.replace(/\?.*/s, '?***') : shown
}

/** A text in one line of plain characters: others are escaped, as JSON may write them. */
export function escapeUnseen(text: string): string {
  return text.replace(UNSEEN, escapeUnits)
}

/** The units of UTF-16 of a text, as JSON may write them. */
export function escapeUnits(text: string): string {
  const units = text.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}

function mayHold(text: string, token: PresentedToken, isCut: boolean): boolean {
  if (token === undefined) return false
  if (token === null) return true
  // Almost every text and token.
  if (!isCut && !text.includes('%') && !token.includes('%')) return text.includes(token)
  const forms = formsOf(text)
  const secrets = formsOf(token)
  const isHeld = (form: string): boolean =>
    secrets.some((secret) => form.includes(secret) || (isCut && endsWithin(form, secret)))
  return forms.length > MOST_DECODINGS || forms.some(isHeld)
}

/** A text, and what it is after each decoding. */
function formsOf(text: string): readonly string[] {
  const forms = [text]
  let last = text
  while (last.includes('%') && forms.length <= MOST_DECODINGS) {
    const decoded = last.replace(TRIPLET, decodeTriplet)
    if (decoded === last) break
    forms.push(decoded)
    last = decoded
  }
  return forms
}

/** Whether the end of a text that was cut is the beginning of a secret. */
function endsWithin(text: string, secret: string): boolean {
  const end = text.replace(CUT_TRIPLET, '')
  for (let length = Math.min(end.length, secret.length); length >= LEAST_PART; length -= 1) {
    if (end.endsWith(secret.slice(0, length))) return true
  }
  return false
}

/** The character of a percent-encoded octet. */
export function decodeTriplet(triplet: string): string {
  return String.fromCharCode(Number.parseInt(triplet.slice(1), 16))
}

/** The class of a thrown value, never its `name` or message, which may hold a secret. Never throws. */
export function kindOf(thrown: unknown): string {
  if (thrown === undefined || thrown === null) return String(thrown)
  if (typeof thrown !== 'object') return `a ${typeof thrown}`
  try {
    const name: unknown = Object.getPrototypeOf(thrown).constructor.name
    return typeof name === 'string' && /^[A-Z]\w{0,63}$/.test(name) ? name : 'an object'
  } catch {
    return 'an object'
  }
}

/** A mistake in what code of the user returned. Its message holds no secret, so operators may read it. */
export class ShowableError extends TypeError {
  // The class that events name. A user knows no other.
  static override readonly name = 'TypeError'
  readonly #text: string

  constructor(text: string) {
    super(text)
    this.#text = text
  }

  /** Looks at no other error: a proxy that was thrown may throw again. */
  static messageOf(error: unknown): string | undefined {
    return typeof error === 'object' && error !== null && #text in error ? error.#text : undefined
  }
}

/** A name of a system or a library. No text of a message looks like it. */
const CODE = /^[A-Z][A-Z\d_]{1,63}$/

/** Names of Bun, or of earlier versions of it, with those of Node. */
const RENAMED: Readonly<Record<string, string>> = {
  ConnectionRefused: 'ECONNREFUSED',
  ConnectionClosed: 'ECONNRESET',
  Malformed_HTTP_Response: 'HPE_INVALID_CONSTANT',
}

/** Deno has no codes, and Node has none for a blocked port, or for the last phrase. Nothing else of a message is used. */
const PHRASES: readonly (readonly [phrase: string, code: string])[] = [
  ['client error (Connect): dns error: ', 'ENOTFOUND'],
  ['Connection refused (os error ', 'ECONNREFUSED'],
  ['Connection reset by peer (os error ', 'ECONNRESET'],
  ['connection closed before message completed', 'ECONNRESET'],
  ['invalid peer certificate: certificate expired', 'CERT_HAS_EXPIRED'],
  ['invalid peer certificate: certificate not valid for name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['invalid peer certificate: ', 'CERT_UNTRUSTED'],
  ['received corrupt message of type InvalidContentType', 'ERR_SSL_WRONG_VERSION_NUMBER'],
  // Of ports that the Fetch standard blocks: Node, then Deno.
  ['bad port', 'BAD_PORT'],
  ['Fetch failed: Requests to port ', 'BAD_PORT'],
  ['invalid HTTP version parsed', 'HPE_INVALID_CONSTANT'],
  ['received unexpected message from connection', 'HPE_INVALID_CONSTANT'],
  ['Response does not match the HTTP/1.1 protocol (Expected HTTP/', 'HPE_INVALID_CONSTANT'],
]

const MOST_ERRORS = 16
const MOST_ADDRESSES = 4

/** The code of an error or of its causes, such as `ECONNREFUSED`. Never a message, which may hold the token. Never throws. */
export function findErrorCode(error: unknown): string | undefined {
  const errors = [error]
  for (let index = 0; index < Math.min(errors.length, MOST_ERRORS); index += 1) {
    const code = codeOf(errors[index])
    if (code !== undefined) return code
    errors.push(...causesOf(errors[index]))
  }
  return undefined
}

function codeOf(error: unknown): string | undefined {
  const code = read(error, 'code')
  if (typeof code === 'string' && CODE.test(code)) return code
  if (typeof code === 'string' && Object.hasOwn(RENAMED, code)) return RENAMED[code]
  const message = read(error, 'message')
  if (typeof message !== 'string') return undefined
  return PHRASES.find(([phrase]) => message.includes(phrase))?.[1]
}

// An AggregateError has one for each address that was tried.
function causesOf(error: unknown): unknown[] {
  const tried = read(error, 'errors')
  const each = Array.from({ length: MOST_ADDRESSES }, (_, index) => read(tried, String(index)))
  return [read(error, 'cause'), ...each].filter((cause) => typeof cause === 'object')
}

function read(value: unknown, name: string): unknown {
  let found: unknown
  try {
    found = Reflect.get(Object(value), name)
  } catch {
    // A getter or a proxy may throw.
  }
  return found
}
