import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { createToldEncoder, createQuestion } from '../../src/core/request/question.ts'
import { words } from '../support/words.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'

const SYNTAX = words('& & = = + ? ; [] %20 %26 %3D %2B %00')
const NAMES = [...words('a b tenant __proto__ constructor 0 é 😀 \ud800'), '\u2028']
const BROKEN = words('% %z %C3 %A9 %F0%9F %98%80 %ED%A0%80 %EF%BB%BF %c0%ae %FF')
const manyPairs = fc.array(textOf([...NAMES.slice(0, 4), '=', '=%C3%A9', '+'], 3), { maxLength: 5 })
const QUERIES = fc.oneof(
  textOf([...SYNTAX, ...NAMES, ...BROKEN], 16),
  manyPairs.map((all) => all.join('&')),
)
const REQUEST = { method: 'GET', headers: new Headers() } as Request

it('a query has the parameters that the reference parser reads', SLOW, () => {
  const lists = resolveConfig({ context: { params: 'lists' } }).context
  const values = resolveConfig({ context: { params: 'values' } }).context
  const counts = compare(QUERIES, (query) => {
    const target = { path: '/', query }
    const expected = readQuery(query)
    const found = [lists, values].map((context) =>
      byName(createQuestion(context, 't', REQUEST, target).request.params),
    )
    return { found, expected: [expected, unwrap(expected)].map(byName), kind: kindOf(expected) }
  })
  expect(tooRare(counts, ['none', 'single', 'repeated'])).toEqual([])
})

it('a query with more than 1,000 parameters is rejected (hash flooding)', () => {
  const encode = createToldEncoder(resolveConfig({ context: { headers: [] } }).context)
  const isTold = (query: string): boolean => encode(REQUEST, { path: '/', query }) !== undefined
  for (let count = 990; count < 1010; count += 1) {
    for (const pair of ['a&', '&a&', 'a=b&&', '=&', '&&']) {
      const query = pair.repeat(count)
      expect(isTold(query)).toBe(pairsOf(query).length <= 1000)
    }
  }
})

type Lists = Readonly<Record<string, readonly string[]>>

/** Every pair that is not empty, still encoded. */
function pairsOf(query: string): string[] {
  return query.split('&').filter((pair) => pair !== '')
}

/** The values of a query by name (URL Standard §5.1, application/x-www-form-urlencoded). */
function readQuery(query: string): Lists {
  const lists = new Map<string, string[]>()
  for (const pair of pairsOf(query)) {
    const [name = '', ...values] = pair.split('=')
    const key = decode(name)
    lists.set(key, [...(lists.get(key) ?? []), decode(values.join('='))])
  }
  return Object.fromEntries(lists)
}

const UTF8 = new TextDecoder('utf-8', { ignoreBOM: true })

function decode(text: string): string {
  const parts = text.replaceAll('+', ' ').split(/%([\da-f]{2})/i)
  // Each second part is the digits of a triplet.
  const bytes = parts.map((part, index) => Buffer.from(part, index % 2 === 0 ? 'utf8' : 'hex'))
  return UTF8.decode(Buffer.concat(bytes))
}

function unwrap(lists: Lists): Readonly<Record<string, unknown>> {
  const values = Object.entries(lists).map(([name, list]) => [
    name,
    list.length === 1 ? list[0] : list,
  ])
  return Object.fromEntries(values) as Record<string, unknown>
}

function byName(params: object): unknown[] {
  return Object.entries(params)
}

function kindOf(lists: Lists): string {
  const all = Object.values(lists)
  if (all.length === 0) return 'none'
  return all.some((list) => list.length > 1) ? 'repeated' : 'single'
}
