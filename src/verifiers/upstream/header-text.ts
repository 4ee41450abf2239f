const ASCII = /^[\x20-\x7e]*$/

// Fetch has one character for each byte. Workers have the text, which they read and write as UTF-8.
const HEADERS_HOLD_TEXT = acceptText()

const encoder = new TextEncoder()
// `ignoreBOM` keeps a byte order mark: without it two names would become one.
const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

/** A text as the value of a header that is sent as UTF-8. */
export function toHeaderValue(text: string): string {
  if (ASCII.test(text) || HEADERS_HOLD_TEXT) return text
  return Array.from(encoder.encode(text), (byte) => String.fromCharCode(byte)).join('')
}

/** The text of a header in UTF-8. `undefined` for other bytes. */
export function fromHeaderValue(value: string): string | undefined {
  if (ASCII.test(value)) return value
  if (!HEADERS_HOLD_TEXT) return decodeUtf8(value)
  // In place of bytes that are not UTF-8.
  return value.includes('\ufffd') ? undefined : value
}

/** How many bytes a text has as a header. */
export function headerLength(text: string): number {
  return ASCII.test(text) ? text.length : encoder.encode(text).byteLength
}

function decodeUtf8(value: string): string | undefined {
  const bytes = Uint8Array.from(value, (unit) => unit.charCodeAt(0))
  if (bytes.some((byte, index) => byte !== value.charCodeAt(index))) return undefined
  try {
    return decoder.decode(bytes)
  } catch {
    return undefined
  }
}

function acceptText(): boolean {
  try {
    return new Headers([['x', '\u5c71']]).get('x') === '\u5c71'
  } catch {
    return false
  }
}
