import { isOneOf, isTokenCharacter, lowerAscii, trimBlanks } from './characters.ts'

export type Reading = { readonly token: string } | 'missing' | 'malformed'

/** `Authorization`: RFC 9110 §11.4 and §11.6.2, RFC 6750 §2.1. */
export function readBearer(field: string | null): Reading {
  const value = trimBlanks(field ?? '')
  if (value === '') return 'missing'
  let index = 0
  while (index < value.length && isTokenCharacter(value.charCodeAt(index))) index += 1
  if (lowerAscii(value.slice(0, index)) !== 'bearer') {
    return hasBearerInList(value) ? 'malformed' : 'missing'
  }
  const scheme = index
  while (value[index] === ' ') index += 1
  const spaces = index - scheme
  return spaces >= 1 && spaces <= 64 ? readToken(value.slice(index)) : 'malformed'
}

/** A header that holds only the token. */
export function readField(field: string | null): Reading {
  const value = trimBlanks(field ?? '')
  return value === '' ? 'missing' : readToken(value)
}

/** The only list item with a prefix: a cookie's name and `=`, or a prefix of a WebSocket protocol. */
export function readItem(field: string | null, separator: string, prefix: string): Reading {
  let reading: Reading = 'missing'
  for (const item of itemsOf(field ?? '', separator)) {
    if (item.slice(0, prefix.length) !== prefix) continue
    if (reading !== 'missing') return 'malformed'
    reading = readToken(item.slice(prefix.length))
  }
  return reading
}

// Servers join repeated headers with a comma, so a second `Bearer` may be a second header.
function hasBearerInList(value: string): boolean {
  return itemsOf(value, ',')
    .slice(1)
    .some((item) => {
      const isAlone = item.length === 6 || isOneOf(item.charCodeAt(6), ' \t')
      return isAlone && lowerAscii(item.slice(0, 6)) === 'bearer'
    })
}

function itemsOf(value: string, separator: string): string[] {
  const items: string[] = []
  let item = ''
  for (const character of `${value}${separator}`) {
    if (character !== separator) {
      item += character
      continue
    }
    items.push(trimBlanks(item))
    item = ''
  }
  return items
}

function readToken(text: string): Reading {
  return isVisible(text) && text.length <= 8192 ? { token: text } : 'malformed'
}

function isVisible(text: string): boolean {
  for (let index = 0; index < text.length; index += 1) {
    const code = text.charCodeAt(index)
    if (code < 0x21 || code > 0x7e || text[index] === ',') return false
  }
  return text !== ''
}
