/** The character classes of the reference parsers. */

/** RFC 3986 §2.3. */
export function isUnreserved(code: number): boolean {
  return /^[a-z\d._~-]$/i.test(String.fromCharCode(code))
}

/** The byte of the percent-encoded triplet at an index, or -1 without one. */
export function tripletAt(text: string, index: number): number {
  const [, digits] = /^%([\da-f]{2})$/i.exec(text.slice(index, index + 3)) ?? []
  return digits === undefined ? -1 : parseInt(digits, 16)
}

/** Without the blanks of HTTP at both ends. */
export function trimBlanks(text: string): string {
  const first = text.search(/[^ \t]/)
  return first < 0 ? '' : text.slice(first).replace(/[ \t]+$/, '')
}
