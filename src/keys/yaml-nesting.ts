import type { CST } from 'yaml'

/** How many levels there may be: a key has five. */
export const MOST_LEVELS = 16

/**
 * Whether there are more levels than that: such a text must not be composed. The composer is recursive, and on a stack that
 * is full even a regular expression can end the process.
 */
export function isNestedTooDeeply(tokens: readonly CST.Token[]): boolean {
  // The document itself is one more.
  return tokens.some((token) => isDeeperThan(MOST_LEVELS + 1, token))
}

function isDeeperThan(levels: number, token: CST.Token): boolean {
  if (levels < 0) return true
  return partsOf(token).some((part) => isDeeperThan(levels - 1, part))
}

function partsOf(token: CST.Token): readonly CST.Token[] {
  if (token.type === 'document') return token.value === undefined ? [] : [token.value]
  if (!('items' in token)) return []
  return token.items.flatMap(({ key, value }) => [key ?? [], value ?? []].flat())
}
