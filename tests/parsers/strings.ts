import { readdirSync } from 'node:fs'
import fc from 'fast-check'
import { onTestFinished } from 'vitest'
import { IS_NIGHTLY } from '../support/nightly.ts'

/** The number of strings for each parser. */
export const STRINGS: number = IS_NIGHTLY ? 1_000_000 : 20_000
export const SLOW = { tags: ['slow'], timeout: 900_000 }

/** These files compare parsers. A run without one of them records no figure. */
const FILES = readdirSync(import.meta.dirname)
  .filter((name) => name.endsWith('.test.ts'))
  .map((name) => `parsers/${name}`)

/** Makes texts from the pieces that a parser looks for, so that many of them are almost valid. */
export function textOf(pieces: readonly string[], maxLength = 10): fc.Arbitrary<string> {
  return fc
    .array(fc.constantFrom(...pieces), { maxLength, size: 'max' })
    .map((chosen) => chosen.join(''))
}

/** The result of a parser, the result of its reference, and the kind of result. */
interface Comparison {
  readonly found: unknown
  readonly expected: unknown
  readonly kind: string
}

/** Compares `STRINGS` values. Returns the number of results of each kind. */
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

/** The kinds with fewer than one result in `oneIn`. */
export function tooRare(
  counts: ReadonlyMap<string, number>,
  kinds: readonly string[],
  oneIn = 50,
): string[] {
  return kinds.filter((kind) => (counts.get(kind) ?? 0) < STRINGS / oneIn)
}
