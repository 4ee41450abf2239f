import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { onTestFinished } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'

/** How many strings each parser is given. */
export const STRINGS: number = IS_NIGHTLY ? 1_000_000 : 20_000
export const SLOW = { tags: ['slow'], timeout: 900_000 }

/** The comparisons are in these: with one of them left out, no figure is about all parsers. */
const FILES = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `parsers/${name}`)

/** Texts that are made of what a parser looks for, so that they come near to being right in every way. */
export function textOf(pieces: readonly string[], maxLength = 10): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...pieces), { maxLength, size: 'max' })
    .map((chosen) => chosen.join(''))
}

/** What came out of a parser, what its reference says, and of which kind that is. */
export interface Comparison {
  readonly found: unknown
  readonly expected: unknown
  readonly kind: string
}

/** Compares for `STRINGS` values, and gives how many came of each kind, so that a test can see that all did. */
export function compare<Value>(
  values: fc.Arbitrary<Value>,
  compareOne: (value: Value) => Comparison,
): ReadonlyMap<string, number> {
  const counts = new Map<string, number>()
  fc.assert(
    fc.property(values, (value) => {
      const { found, expected, kind } = compareOne(value)
      counts.set(kind, (counts.get(kind) ?? 0) + 1)
      const texts = [JSON.stringify(found), JSON.stringify(expected)]
      if (texts[0] !== texts[1]) throw new Error(`found ${texts[0]}, and the reference ${texts[1]}`)
    }),
    { numRuns: STRINGS },
  )
  onTestFinished(({ task }) => {
    task.meta.figures = { parsers: { strings: STRINGS } }
    task.meta.figuresNeed = FILES
  })
  return counts
}

/** The kinds that came up less often than once in `oneIn`, with those that never did. */
export function tooRare(
  counts: ReadonlyMap<string, number>,
  kinds: readonly string[],
  oneIn = 50,
): string[] {
  return kinds.filter((kind) => (counts.get(kind) ?? 0) < STRINGS / oneIn)
}
