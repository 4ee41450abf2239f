// Letters and digits alone behind it: a double click selects the whole, and it may be a Bearer token (RFC 6750 §2.1), a
// WebSocket sub-protocol or a file name as it stands.
const PREFIX = 'withauth_'
const DIGITS = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'
// 62 to the power of 43 is more than 2 to the power of 256, and of 6 more than of 32.
const SECRET_DIGITS = 43
const CHECKSUM_DIGITS = 6
// Of 256 random bits this shows 36.
const SHOWN_DIGITS = 6

/** How a key begins, which is no secret. */
export function visiblePrefix(key: string): string {
  return key.slice(0, PREFIX.length + SHOWN_DIGITS)
}

/**
 * Makes a key: `withauth_`, 256 random bits in 43 digits of base 62, and their CRC-32 in six more, by which a scanner for leaked
 * secrets tells a key from what only looks like one.
 */
export function generateKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32))
  const secret = toBase62(
    bytes.reduce((sum, byte) => sum * 256n + BigInt(byte), 0n),
    SECRET_DIGITS,
  )
  return `${PREFIX}${secret}${checksum(secret)}`
}

/** The SHA-256 of a key, in hex, by which a file knows it. */
export async function hashKey(key: string): Promise<string> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(key))
  return Array.from(new Uint8Array(bytes), (byte) => byte.toString(16).padStart(2, '0')).join('')
}

/** Makes the id of a key: 60 random bits, which say nothing about it. */
export function generateId(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(12))
  return `key_${Array.from(bytes, (byte) => 'abcdefghijklmnopqrstuvwxyz234567'.charAt(byte % 32)).join('')}`
}

function checksum(text: string): string {
  return toBase62(BigInt(crc32(text)), CHECKSUM_DIGITS)
}

function toBase62(value: bigint, length: number): string {
  let digits = ''
  for (let rest = value; digits.length < length; rest /= 62n) {
    digits = DIGITS.charAt(Number(rest % 62n)) + digits
  }
  return digits
}

// CRC-32 of ISO-HDLC, bit by bit: it is run once a key.
function crc32(text: string): number {
  let crc = 0xffffffff
  for (const byte of new TextEncoder().encode(text)) {
    crc ^= byte
    for (let bit = 0; bit < 8; bit += 1) crc = (crc >>> 1) ^ (crc & 1 ? 0xedb88320 : 0)
  }
  return (crc ^ 0xffffffff) >>> 0
}
