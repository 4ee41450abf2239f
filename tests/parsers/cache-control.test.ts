import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseCacheControl } from '../../src/core/endpoint/freshness.ts'
import { freshnessOf, readGrammar, readLoosely } from './references/cache-control.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'
import type { Freshness } from '../../src/core/endpoint/freshness.ts'

const NAMES = [
  'no-store',
  'No-Cache',
  'max-age',
  'MAX-AGE',
  'must-revalidate',
  'private',
  'x',
  'x!',
]
const VALUES = [
  '=60',
  '=5',
  '="60"',
  '=0',
  '=99999999999',
  '=-1',
  '="a"',
  '="\\""',
  '="\\"x="',
  '="6\\0"',
  '=',
]
const SYNTAX = [', ', ',', ' ', '\t', '=', '"', '\\', ';', 'é', '\u00a0', '\u0000', 'İ', '\n']
const listed = fc
  .array(fc.tuple(fc.constantFrom(...NAMES), fc.constantFrom('', ...VALUES)), { maxLength: 5 })
  .map((directives) => directives.map((parts) => parts.join('')).join(', '))
const FIELDS = fc.oneof(textOf([...NAMES, ...VALUES, ...SYNTAX]), listed)

it('Cache-Control has the directives that the reference parser finds', SLOW, () => {
  const counts = compare(FIELDS, (field) => {
    const expected = ordered(freshnessOf(readLoosely(field)))
    return { found: ordered(parseCacheControl(field)), expected, kind: kindOf(expected) }
  })
  expect(tooRare(counts, ['silent', 'none', 'some'])).toEqual([])
})

it('Cache-Control never lasts longer than its grammar allows', SLOW, () => {
  const counts = compare(FIELDS, (field) => {
    const directives = readGrammar(field)
    if (directives === undefined) return { found: '', expected: '', kind: 'malformed' }
    const expected = ordered(freshnessOf(directives))
    const found = ordered(parseCacheControl(field))
    // We ignore a number with an escape. That must not make the decision last longer.
    return field.includes('\\') && isShorter(found, expected)
      ? { found, expected: found, kind: 'escaped' }
      : { found, expected, kind: 'list' }
  })
  expect(tooRare(counts, ['malformed', 'list', 'escaped'])).toEqual([])
})

type Ordered = readonly [maxAgeMs: number | undefined, mustRevalidate: boolean]

function ordered({ maxAgeMs, mustRevalidate }: Freshness): Ordered {
  return [maxAgeMs, mustRevalidate === true]
}

function isShorter([one, isStrict]: Ordered, [other, isStrictToo]: Ordered): boolean {
  return (one ?? Infinity) <= (other ?? Infinity) && (isStrict || !isStrictToo)
}

function kindOf([maxAgeMs]: Ordered): string {
  if (maxAgeMs === undefined) return 'silent'
  return maxAgeMs === 0 ? 'none' : 'some'
}
