import { decode } from 'jose/base64url'
import { isRecord, readName } from '../core/endpoint/claim-path.ts'

import type { DenyDetail } from '../core/types.ts'

/** The members of a header that select the key. */
export interface TokenHeader {
  readonly alg: string
  readonly kid: string | undefined
}

interface HeaderRules {
  readonly algorithms: readonly string[]
  /** Values of `typ`, as {@link normaliseType} writes them. */
  readonly types: readonly string[]
  readonly mayLackType: boolean
}

const MAX_KID_LENGTH = 256

// RFC 7515 §2: no padding and no blanks, which `decode` would accept. A token that is not signed has an empty third part.
const COMPACT = /^[\w-]+\.[\w-]+\.[\w-]*$/

// RFC 4648 §3.5: the unused bits of the last character are zero. Otherwise a token has 16 spellings, each with a cached decision.
const CANONICAL_END = /^(?:.[AQgw]|..[AEIMQUYcgkosw048])?$/

// A Byte Order Mark or broken UTF-8 must not vanish: two texts would be one.
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const MOST_KNOWN = 32

/** Reads the headers of tokens. It remembers those of good tokens, since all tokens of one key have the same. */
export class HeaderReader {
  readonly #rules: HeaderRules
  readonly #known = new Map<string, TokenHeader>()

  constructor(rules: HeaderRules) {
    this.#rules = rules
  }

  /** The header of a token in the compact form of RFC 7515, or why it is denied. Nothing of it is verified yet. */
  read(token: string): TokenHeader | DenyDetail {
    if (!COMPACT.test(token) || !token.split('.').every(isCanonical)) return 'malformed'
    const part = headerOf(token)
    return this.#known.get(part) ?? parseHeader(part, this.#rules)
  }

  /** Remembers the header of a token whose signature is good. So only the issuer can fill the memory. */
  remember(token: string, header: TokenHeader): void {
    const part = headerOf(token)
    if (this.#known.has(part)) return
    if (this.#known.size >= MOST_KNOWN) this.#known.clear()
    this.#known.set(part, header)
  }
}

function isCanonical(part: string): boolean {
  return CANONICAL_END.test(part.slice(part.length - (part.length % 4)))
}

function headerOf(token: string): string {
  return token.slice(0, token.indexOf('.'))
}

function parseHeader(part: string, rules: HeaderRules): TokenHeader | DenyDetail {
  const header = parsePart(part)
  if (!isRecord(header)) return 'malformed'
  const alg = readName(header, 'alg')
  if (typeof alg !== 'string' || !rules.algorithms.includes(alg)) return 'algorithm'
  if (!hasType(readName(header, 'typ'), rules)) return 'type'
  // RFC 7515 §4.1.11: no extension is understood here. RFC 7797 §6: `b64` changes what is signed.
  if (Object.hasOwn(header, 'crit') || !isPlainPayload(header)) return 'malformed'
  const kid = readName(header, 'kid')
  if (kid === undefined) return { alg, kid }
  return typeof kid === 'string' && kid.length <= MAX_KID_LENGTH ? { alg, kid } : 'malformed'
}

/** The header or the claims of a token whose signature is not verified: good for choosing and for explaining, and for nothing else. */
export function readUnverifiedPart(token: string, part: 'header' | 'claims'): unknown {
  const [header = '', claims = ''] = COMPACT.test(token) ? token.split('.') : []
  return parsePart(part === 'header' ? header : claims)
}

/** The value of a JSON text in UTF-8, or `undefined` if it is none. */
export function parseBytes(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(utf8.decode(bytes)) as unknown
  } catch {
    return undefined
  }
}

/** RFC 7515 §4.1.9: `typ` is a media type, whose case does not matter, and `application/` may be left out. */
export function normaliseType(type: string): string {
  return type.toLowerCase().replace(/^application\//, '')
}

function parsePart(part: string): unknown {
  try {
    return parseBytes(decode(part))
  } catch {
    return undefined
  }
}

function isPlainPayload(header: object): boolean {
  const b64 = readName(header, 'b64')
  return b64 === undefined || b64 === true
}

function hasType(typ: unknown, { types, mayLackType }: HeaderRules): boolean {
  if (typ === undefined) return mayLackType
  return typeof typ === 'string' && types.includes(normaliseType(typ))
}
