import { tripletAt } from './characters.ts'
import { decodeUtf8, encodeUtf8 } from './utf8.ts'

/** The pairs of a query (URL Standard §5.1, application/x-www-form-urlencoded). */
export function readQuery(query: string): [name: string, value: string][] {
  const pairs: [string, string][] = []
  for (const pair of pairsOf(query)) {
    let equals = 0
    while (equals < pair.length && pair[equals] !== '=') equals += 1
    pairs.push([decode(pair.slice(0, equals)), decode(pair.slice(equals + 1))])
  }
  return pairs
}

/** Every pair that is not empty, still encoded. */
export function pairsOf(query: string): string[] {
  const pairs: string[] = []
  let pair = ''
  for (const character of `${query}&`) {
    if (character !== '&') {
      pair += character
      continue
    }
    if (pair !== '') pairs.push(pair)
    pair = ''
  }
  return pairs
}

function decode(text: string): string {
  const bytes: number[] = []
  let rest = ''
  const flush = (): void => {
    bytes.push(...encodeUtf8(rest))
    rest = ''
  }
  for (let index = 0; index < text.length; index += 1) {
    const byte = tripletAt(text, index)
    if (byte < 0) {
      rest += text[index] === '+' ? ' ' : text.charAt(index)
      continue
    }
    flush()
    bytes.push(byte)
    index += 2
  }
  flush()
  return decodeUtf8(bytes)
}
