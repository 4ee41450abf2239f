const WORDS = 8

/** The SHA-256 of a text, as eight words. */
export async function digest(text: string): Promise<Uint32Array> {
  const bytes = await crypto.subtle.digest('SHA-256', new TextEncoder().encode(text))
  const view = new DataView(bytes)
  return Uint32Array.from({ length: WORDS }, (_, index) => view.getUint32(index * 4))
}

export function toHex(words: Uint32Array): string {
  return Array.from(words, (word) => word.toString(16).padStart(8, '0')).join('')
}

/** Puts digests, in hex, one behind the other. */
export function createDigestTable(digests: readonly string[]): Uint32Array {
  const words = digests.flatMap((hex) => hex.match(/.{8}/g) ?? [])
  return Uint32Array.from(words, (word) => Number.parseInt(word, 16))
}

/**
 * Finds a digest in a table: its index, or -1. All of the table is read, and nothing is decided by what is read, so that the
 * time says neither whether it is there, nor where, nor how much of another is like it.
 */
export function findDigest(table: ArrayLike<number>, wanted: ArrayLike<number>): number {
  let found = 0
  for (let row = 0; row < table.length / WORDS; row += 1) {
    let difference = 0
    for (let word = 0; word < WORDS; word += 1) {
      difference |= (table[row * WORDS + word] ?? 0) ^ (wanted[word] ?? 0)
    }
    // All ones if there is no difference, else zero: a 32-bit number or its negative has its highest bit set.
    const isSame = ((difference | -difference) >> 31) ^ -1
    found |= (row + 1) & isSame
  }
  return found - 1
}
