import { property } from '../core/runtime.ts'

// A key has letters, digits and `_` only: a double click selects all of it, and it is valid as a Bearer token (RFC 6750 §2.1),
// as a WebSocket sub-protocol and as a file name.
export const KEY_PREFIX = 'withauth_'
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
// 62 ** 43 is more than 2 ** 256, and 62 ** 6 more than 2 ** 32.
const SECRET_DIGITS = 43
const CHECKSUM_DIGITS = 6
// These reveal 36 of 256 random bits.
const SHOWN_DIGITS = 6

/** Tells whether a text is a key by its looks, such as one that was pasted in place of an id. */
export function isKeyLike(text: string): boolean {
  return text.startsWith(KEY_PREFIX)
}

/** Tells whether a text begins as a key, but is none as a whole: a part of it was cut off or changed. */
export function isMalformedKey(text: string): boolean {
  if (!isKeyLike(text)) return false
  const secret = text.slice(KEY_PREFIX.length, -CHECKSUM_DIGITS)
  return secret.length !== SECRET_DIGITS || text !== withChecksum(secret)
}

/** Returns the first characters of a key, which may be shown. */
export function visiblePrefix(key: string): string {
  return key.slice(0, KEY_PREFIX.length + SHOWN_DIGITS)
}

/**
 * Makes a key: `withauth_`, 256 random bits as 43 digits of base 62, and the CRC-32 of these digits as six more. Scanners for
 * leaked secrets recognize a key by its checksum.
 */
export function generateKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const bits = bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n)
  return withChecksum(toBase62(bits, SECRET_DIGITS))
}

function withChecksum(secret: string): string {
  return `${KEY_PREFIX}${secret}${toBase62(BigInt(crc32(secret)), CHECKSUM_DIGITS)}`
}

/** Returns the SHA-256 of a key in hex. The file holds this in place of the key. */
export async function hashKey(key: string): Promise<string> {
  hashAtOnce ??= findHash()
  if (hashAtOnce !== false) return hashAtOnce('sha256', key)
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

type Hash = (algorithm: 'sha256', text: string) => string

let hashAtOnce: Hash | false | undefined

// Web Crypto hashes in another thread, which costs more than the rest of a check. `false` without `node:crypto`, as on Workers.
function findHash(): Hash | false {
  const process: unknown = Reflect.get(globalThis, 'process')
  const load: unknown = property(process, 'getBuiltinModule')
  const found: unknown = typeof load === 'function' ? load.call(process, 'node:crypto') : undefined
  const hash = property(found, 'hash')
  return typeof hash === 'function' ? (...asked) => String(hash.call(found, ...asked)) : false
}

/** Makes the id of a key: 60 random bits, independent of the key. */
export function generateId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return `key_${Array.from(bytes, (byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(byte % 32)).join('')}`
}

function toBase62(value: bigint, length: number): string {
  let digits = ''
  for (let rest = value; digits.length < length; rest /= 62n) {
    digits = DIGITS.charAt(Number(rest % 62n)) + digits
  }
  return digits
}

// CRC-32 of ISO-HDLC, bit by bit: it runs once for each new key, and for unknown ones.
function crc32(text: string): number {
  let crc = 0xffffffff
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
