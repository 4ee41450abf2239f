/** RFC 7239 §4. Unlike there a value without quotation marks may have colons and brackets, as some proxies send it. */
const PAIR = /\s*([\w!#$%&'*+.^`|~-]+)=(?:([^\s";,\\]+)|"((?:[^"\\]|\\.)*)")\s*(;|$)/y

/** The `for` of each element of a `Forwarded` field, from the right; `null` if it has none, `undefined` if it is malformed. */
export function* forwardedFor(field: string): Generator<string | null | undefined> {
  for (let end = field.length; end >= 0;) {
    const comma = findComma(field, end)
    yield comma === undefined ? undefined : readFor(field.slice(comma + 1, end).trim())
    end = comma ?? -1
  }
}

/**
 * Finds the comma before the last element, or -1, or `undefined` where a quotation mark has no partner. It looks from the right,
 * so that a quotation mark which a client left open cannot swallow the element that the proxy has added.
 */
function findComma(field: string, end: number): number | undefined {
  for (let at = end - 1; at >= 0; at -= 1) {
    if (field[at] === ',') return at
    if (field[at] !== '"') continue
    at = findOpening(field, at)
    if (at < 0) return undefined
  }
  return -1
}

function findOpening(field: string, closing: number): number {
  for (let at = closing - 1; at >= 0; at -= 1) {
    if (field[at] !== '"') continue
    const escapes = countBackslashes(field, at)
    if (escapes % 2 === 0) return at
    at -= escapes
  }
  return -1
}

function countBackslashes(field: string, end: number): number {
  let count = 0
  while (field[end - 1 - count] === '\\') count += 1
  return count
}

function readFor(element: string): string | null | undefined {
  const found: string[] = []
  for (let at = 0; at >= 0;) {
    PAIR.lastIndex = at
    const [pair, name, token, quoted = '', next] = PAIR.exec(element) ?? []
    if (pair === undefined) return undefined
    if (name?.toLowerCase() === 'for') found.push(token ?? quoted.replace(/\\(.)/g, '$1'))
    at = next === ';' ? at + pair.length : -1
  }
  if (found.length === 0) return null
  return found.length === 1 ? found[0] : undefined
}
