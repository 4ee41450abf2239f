const REPLACEMENT = 0xfffd

/** Encodes a text as UTF-8, with U+FFFD for lone surrogates (Encoding Standard §8.1.2). */
export function encodeUtf8(text: string): number[] {
  const bytes: number[] = []
  for (const character of text) {
    const point = character.codePointAt(0) ?? REPLACEMENT
    bytes.push(...bytesOf(point >= 0xd800 && point <= 0xdfff ? REPLACEMENT : point))
  }
  return bytes
}

/** Decodes UTF-8, with U+FFFD for invalid bytes (Encoding Standard §8.1.1). */
export function decodeUtf8(bytes: readonly number[]): string {
  let text = ''
  let point = 0
  let needed = 0
  let lower = 0x80
  let upper = 0xbf
  const begin = (byte: number): void => {
    if (byte <= 0x7f) text += String.fromCharCode(byte)
    if ((byte >= 0x80 && byte <= 0xc1) || byte > 0xf4) text += '\ufffd'
    if (byte < 0xc2 || byte > 0xf4) return
    needed = byte < 0xe0 ? 1 : byte < 0xf0 ? 2 : 3
    point = byte & (byte < 0xe0 ? 0x1f : byte < 0xf0 ? 0xf : 0x7)
    lower = byte === 0xe0 ? 0xa0 : byte === 0xf0 ? 0x90 : 0x80
    upper = byte === 0xed ? 0x9f : byte === 0xf4 ? 0x8f : 0xbf
  }
  for (const byte of bytes) {
    const isExpected = needed > 0 && byte >= lower && byte <= upper
    if (needed > 0 && !isExpected) {
      text += '\ufffd'
      needed = 0
    }
    if (!isExpected) {
      begin(byte)
      continue
    }
    lower = 0x80
    upper = 0xbf
    point = point * 64 + (byte & 0x3f)
    needed -= 1
    if (needed === 0) text += String.fromCodePoint(point)
  }
  return needed > 0 ? `${text}\ufffd` : text
}

function bytesOf(point: number): number[] {
  const tail = (shift: number): number => 0x80 | ((point >> shift) & 0x3f)
  if (point < 0x80) return [point]
  if (point < 0x800) return [0xc0 | (point >> 6), tail(0)]
  if (point < 0x10000) return [0xe0 | (point >> 12), tail(6), tail(0)]
  return [0xf0 | (point >> 18), tail(12), tail(6), tail(0)]
}
