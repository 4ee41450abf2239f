/** The character classes of the reference parsers. They compare codes and use no regular expression. */

export function isDigit(code: number): boolean {
  return code >= 0x30 && code <= 0x39
}

export function isLetter(code: number): boolean {
  return (code >= 0x41 && code <= 0x5a) || (code >= 0x61 && code <= 0x7a)
}

export function isOneOf(code: number, characters: string): boolean {
  return characters.includes(String.fromCharCode(code))
}

/** RFC 3986 §2.3. */
export function isUnreserved(code: number): boolean {
  return isLetter(code) || isDigit(code) || isOneOf(code, '-._~')
}

/** RFC 9110 §5.6.2. */
export function isTokenCharacter(code: number): boolean {
  return isLetter(code) || isDigit(code) || isOneOf(code, "!#$%&'*+-.^_`|~")
}

/** The value of a hexadecimal digit, or -1. */
export function hexValue(code: number): number {
  if (isDigit(code)) return code - 0x30
  if (code >= 0x41 && code <= 0x46) return code - 0x41 + 10
  return code >= 0x61 && code <= 0x66 ? code - 0x61 + 10 : -1
}

/** The byte of the percent-encoded triplet at an index, or -1 without one. */
export function tripletAt(text: string, index: number): number {
  if (text[index] !== '%') return -1
  const high = hexValue(text.charCodeAt(index + 1))
  const low = hexValue(text.charCodeAt(index + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

export function trimBlanks(text: string): string {
  let start = 0
  let end = text.length
  while (start < end && isOneOf(text.charCodeAt(start), ' \t')) start += 1
  while (end > start && isOneOf(text.charCodeAt(end - 1), ' \t')) end -= 1
  return text.slice(start, end)
}

/** Lower case of ASCII letters only. */
export function lowerAscii(text: string): string {
  let lower = ''
  for (const character of text) {
    const code = character.charCodeAt(0)
    lower += code >= 0x41 && code <= 0x5a ? String.fromCharCode(code + 0x20) : character
  }
  return lower
}
