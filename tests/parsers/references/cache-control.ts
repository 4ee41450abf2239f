import { isDigit, isOneOf, isTokenCharacter, lowerAscii } from './characters.ts'
import type { Freshness } from '../../../src/core/endpoint/freshness.ts'

interface Directive {
  readonly name: string
  readonly value: string | undefined
}

/**
 * Reads `Cache-Control` by the grammar of RFC 9111 §5.2 and RFC 9110 §5.6. Returns `undefined` for an invalid list:
 * `#( token [ "=" ( token / quoted-string ) ] )`.
 */
export function readGrammar(field: string): Directive[] | undefined {
  const directives: Directive[] = []
  let index = 0
  const skip = (isWanted: (code: number) => boolean): string => {
    const start = index
    while (index < field.length && isWanted(field.charCodeAt(index))) index += 1
    return field.slice(start, index)
  }
  const isLeft = (): boolean => index < field.length
  const blanks = (): string => skip((code) => isOneOf(code, ' \t'))
  const value = (): string | undefined => {
    if (field[index] !== '"') return skip(isTokenCharacter) || undefined
    const quoted = quotedAt(field, index)
    index = quoted?.end ?? index
    return quoted === undefined ? undefined : unescape(quoted.text)
  }
  while (isLeft()) {
    blanks()
    const name = skip(isTokenCharacter)
    const hasValue = name !== '' && field[index] === '='
    if (hasValue) index += 1
    const given = hasValue ? value() : undefined
    if (hasValue && given === undefined) return undefined
    if (name !== '') directives.push({ name: lowerAscii(name), value: given })
    blanks()
    if (isLeft() && field[index] !== ',') return undefined
    index += 1
  }
  return directives
}

/**
 * Finds everything that looks like a directive, also in an invalid list. Allows blanks around `=`. Skips a quoted
 * string without an end.
 */
export function readLoosely(field: string): Directive[] {
  const directives: Directive[] = []
  let index = 0
  const skip = (isWanted: (code: number) => boolean): string => {
    const start = index
    while (index < field.length && isWanted(field.charCodeAt(index))) index += 1
    return field.slice(start, index)
  }
  const isLeft = (): boolean => index < field.length
  const isBlank = (code: number): boolean => isOneOf(code, ' \t')
  const value = (): string => {
    const quoted = field[index] === '"' ? quotedAt(field, index) : undefined
    if (quoted === undefined) return skip((code) => !isSpace(code) && !isOneOf(code, ',"'))
    index = quoted.end
    return quoted.text
  }
  while (isLeft()) {
    skip((code) => !isTokenCharacter(code))
    const name = lowerAscii(skip(isTokenCharacter))
    const end = index
    skip(isBlank)
    const hasValue = field[index] === '='
    index = hasValue ? index + 1 : end
    if (hasValue) skip(isBlank)
    const given = hasValue ? value() : undefined
    if (name !== '') directives.push({ name, value: given })
  }
  return directives
}

/** Combines directives. The shorter of two times counts; a value that is not a number of seconds is ignored. */
export function freshnessOf(directives: readonly Directive[]): Freshness {
  let maxAgeMs = Infinity
  let mustRevalidate = false
  for (const { name, value } of directives) {
    if (name === 'no-store' || name === 'no-cache') maxAgeMs = 0
    if (name === 'max-age') maxAgeMs = Math.min(maxAgeMs, secondsOf(value ?? '') * 1000)
    if (name === 'must-revalidate') mustRevalidate = true
  }
  return {
    ...(maxAgeMs === Infinity ? {} : { maxAgeMs }),
    ...(mustRevalidate ? { mustRevalidate } : {}),
  }
}

// RFC 9110 §5.6.4: a backslash escapes the next character.
function quotedAt(field: string, start: number): { text: string; end: number } | undefined {
  for (let index = start + 1; index < field.length; index += 1) {
    if (field[index] === '"') return { text: field.slice(start + 1, index), end: index + 1 }
    if (field[index] === '\\') index += 1
  }
  return undefined
}

function unescape(text: string): string {
  let plain = ''
  for (let index = 0; index < text.length; index += 1) {
    if (text[index] === '\\') index += 1
    plain += text.charAt(index)
  }
  return plain
}

function secondsOf(text: string): number {
  if (text.length < 1 || text.length > 10) return 0
  let seconds = 0
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (!isDigit(code)) return 0
    seconds = seconds * 10 + code - 0x30
  }
  return seconds
}

function isSpace(code: number): boolean {
  return String.fromCharCode(code).trim() === ''
}
