import fc from 'fast-check'
import { expect, it } from 'vitest'
import { parseCacheControl } from '../../src/core/endpoint/freshness.ts'
import { words } from '../support/words.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'
import type { Freshness } from '../../src/core/endpoint/freshness.ts'

const NAMES = words('no-store No-Cache max-age MAX-AGE must-revalidate private x x!')
const VALUES = words(String.raw`=60 =5 ="60" =0 =99999999999 =-1 ="a" ="\"" ="\"x=" ="6\0" =`)
const SYNTAX = [...words(', = " \\ ; é İ'), ', ', ' ', '\t', '\u00a0', '\u0000', '\n']
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

interface Directive {
  readonly name: string
  readonly value: string | undefined
}

const TOKEN = "[\\w!#$%&'*+.^`|~-]+"
// RFC 9110 §5.6.4: a backslash escapes the next character.
const QUOTED = String.raw`"(?<quoted>(?:[^"\\]|\\[^])*)"`

/** `#( token [ "=" ( token / quoted-string ) ] )` of RFC 9111 §5.2. Returns `undefined` for an invalid list. */
function readGrammar(field: string): Directive[] | undefined {
  const item = new RegExp(
    `[ \\t]*(?:(?<name>${TOKEN})(?:=(?:${QUOTED}|(?<plain>${TOKEN})))?)?[ \\t]*(?:,|$)`,
    'y',
  )
  const directives: Directive[] = []
  while (item.lastIndex < field.length) {
    const { groups } = item.exec(field) ?? {}
    if (groups === undefined) return undefined
    const { name, quoted, plain } = groups
    if (name === undefined) continue
    directives.push({ name: name.toLowerCase(), value: quoted?.replace(/\\([^])/g, '$1') ?? plain })
  }
  return directives
}

/** Everything that looks like a directive, also in an invalid list, with blanks around `=`. Skips a quotation mark without another one. */
function readLoosely(field: string): Directive[] {
  const directive = new RegExp(
    `(?<name>${TOKEN})(?:[ \\t]*(?<equals>=)[ \\t]*(?:${QUOTED}|(?<plain>[^\\s,"]*)))?`,
    'g',
  )
  return Array.from(field.matchAll(directive), ({ groups = {} }) => ({
    name: String(groups['name']).toLowerCase(),
    value: groups['quoted'] ?? groups['plain'],
  }))
}

/** Combines directives. The shorter of two times counts; a value that is not a number of seconds is 0. */
function freshnessOf(directives: readonly Directive[]): Freshness {
  const times = directives.flatMap(({ name, value = '' }) => {
    if (name === 'no-store' || name === 'no-cache') return 0
    if (name !== 'max-age') return []
    return /^\d{1,10}$/.test(value) ? Number(value) * 1000 : 0
  })
  return {
    ...(times.length > 0 && { maxAgeMs: Math.min(...times) }),
    ...(directives.some(({ name }) => name === 'must-revalidate') && { mustRevalidate: true }),
  }
}
