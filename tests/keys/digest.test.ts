import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createDigestTable, digest, findDigest, toHex } from '../../src/keys/digest.ts'

const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex')
const NAMES = Array.from({ length: 50 }, (_, index) => `key ${index}`)
const TABLE = createDigestTable(NAMES.map(sha256))

it('digest is SHA-256', async () => {
  for (const text of ['', 'abc', 'k'.repeat(1000), '€']) {
    expect(toHex(await digest(text))).toBe(sha256(text))
  }
})

describe('findDigest', () => {
  it('finds each, where it is', () => {
    const found = NAMES.map((name) => findDigest(TABLE, createDigestTable([sha256(name)])))
    expect(found).toEqual(NAMES.map((_, index) => index))
  })

  it('finds no other, not one that differs in a single bit', () => {
    const bit = fc.tuple(fc.nat({ max: 49 }), fc.nat({ max: 7 }), fc.nat({ max: 31 }))
    fc.assert(
      fc.property(bit, ([row, word, shift]) => {
        const near = TABLE.slice(row * 8, row * 8 + 8)
        near[word] = (near[word] ?? 0) ^ (1 << shift)
        expect(findDigest(TABLE, near)).toBe(-1)
      }),
      { numRuns: 2000 },
    )
  })

  it('finds nothing in an empty table', () => {
    for (const digests of [[], ['']]) {
      expect(createDigestTable(digests)).toHaveLength(0)
      expect(findDigest(createDigestTable(digests), TABLE.slice(0, 8))).toBe(-1)
    }
  })

  it('reads the same words in the same order, whatever is asked: the time says nothing', () => {
    const [first = '', , , last = ''] = [NAMES[0], '', '', NAMES.at(-1)]
    const near = TABLE.slice(0, 8)
    near[7] = (near[7] ?? 0) ^ 1
    const asked = [first, last, 'unknown'].map((name) => createDigestTable([sha256(name)]))
    const reads = [...asked, near].map(readsOf)
    expect(reads[0]).toHaveLength(50 * 16)
    expect(reads).toEqual(reads.map(() => reads[0]))
  })
})

/** What was read of both, in order. */
function readsOf(wanted: Uint32Array): string[] {
  const reads: string[] = []
  const watch = (name: string, words: Uint32Array): ArrayLike<number> =>
    new Proxy([...words], {
      get: (target, property) => {
        if (property !== 'length') reads.push(`${name} ${String(property)}`)
        return Reflect.get(target, property) as unknown
      },
    })
  findDigest(watch('table', TABLE), watch('wanted', wanted))
  return reads
}
