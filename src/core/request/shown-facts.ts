import { decodeTriplet } from './target.ts'
import type { CredentialsReader } from './credentials.ts'

/** The parts of a guard that events need of a request. */
export interface RequestReader {
  readonly config: {
    readonly requestIdHeader: string | false
    readonly namesCaller?: boolean
    readonly verifier?: { readonly label: string | undefined } | undefined
  }
  readonly readCredentials: CredentialsReader
}

/** The token that must not be shown: `undefined` if a request has none, `null` if its credentials cannot be read. */
type PresentedToken = string | undefined | null

const LONGEST_TEXT = 256
const LONGEST_METHOD = 32
/** Where a text was cut, fewer characters of a token may be shown. */
const LEAST_PART = 4
/** More often no server decodes a text. */
const MOST_DECODINGS = 4
// RFC 9110 §9.3 and RFC 5789. Almost every request has one of these, and none of them is a secret.
const METHODS = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '))
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

/** A text in one line of plain characters: others are escaped, as JSON may write them. */
export function escapeUnseen(text: string): string {
  return text.replace(UNSEEN, escapeUnits)
}

/** The units of UTF-16 of a text, as JSON may write them. */
export function escapeUnits(text: string): string {
  const units = text.split('').map((unit) => unit.charCodeAt(0).toString(16).padStart(4, '0'))
  return units.map((unit) => `\\u${unit}`).join('')
}

/** The method of a request, cut at 32 characters. Empty if it may hold one of the tokens. */
export function shownMethod(method: string, tokens: readonly PresentedToken[]): string {
  if (METHODS.has(method)) return method
  return shownText(method, tokens, LONGEST_METHOD) ?? ''
}

/** The request id of the client: 1 to 128 visible ASCII characters that cannot hold a token. Otherwise `undefined`. */
export function shownRequestId(
  { headers }: Request,
  header: string | false,
  tokens: readonly PresentedToken[],
): string | undefined {
  const value = header === false ? null : headers.get(header)
  if (value === null || !/^[\x21-\x7e]{1,128}$/.test(value)) return undefined
  return shownText(value, tokens)
}

/** The token that must not be shown. A name is not a secret. */
export function hiddenToken(
  request: Request,
  { config, readCredentials }: RequestReader,
  token?: string,
): PresentedToken {
  if (config.namesCaller === true) return undefined
  return token ?? presentedToken(request, readCredentials)
}

// Without a token it is what `Authorization` has behind another scheme, since a client may have sent a valid token as `Basic`.
function presentedToken({ headers }: Request, readCredentials: CredentialsReader): PresentedToken {
  const read = readCredentials(headers)
  if (typeof read === 'string') return read
  if (read.reason === 'malformed_credentials') return null
  const field = headers.get('authorization')?.trim() ?? ''
  if (field === '') return undefined
  return /^(?:\S+\s+)?([^\s,="]+=*)$/.exec(field)?.[1] ?? null
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
