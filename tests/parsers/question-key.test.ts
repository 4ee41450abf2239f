import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { createToldEncoder, encodeKey } from '../../src/core/request/question.ts'
import { decodeKey } from './references/question-key.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'

// The characters of the encoding itself, to find a text that could be read as two fields.
const text = textOf(
  ['0', '1', '2', '10', ':', '-', '1:', '0:', '|', '\u0000', 'a', 'é', '\ud800', '😀'],
  6,
)
const names = ['a', 'x-b', 'x-c', '1', '3:a', 'cookie']
const context = fc.record({
  headers: fc.constantFrom('all' as const, [], ['a'], ['a', 'x-b', 'x-c']),
  params: fc.constantFrom('values' as const, 'lists' as const, 'none' as const),
  path: fc.boolean(),
  method: fc.boolean(),
})
const facts = fc.record({
  path: text,
  query: text,
  method: fc.constantFrom('GET', 'POST', '3:a', ''),
  headers: fc.dictionary(fc.constantFrom(...names), text),
})

it('a cache key holds everything that the endpoint is told', SLOW, () => {
  const counts = compare(fc.tuple(context, facts, text), ([given, told, token]) => {
    const checked = resolveConfig({ context: given }).context
    const encoded = createToldEncoder(checked)(requestOf(told), told)
    const found = decodeKey(encodeKey(token, encoded ?? ''), checked)
    const sent = Object.entries(told.headers).filter(([name]) => name !== 'cookie')
    const named = given.headers === 'all' ? [] : given.headers
    const expected = {
      path: given.path ? told.path : null,
      query: given.params === 'none' ? null : told.query,
      method: given.method ? told.method : null,
      headers:
        given.headers === 'all' ? sent.flat() : named.map((name) => told.headers[name] ?? null),
      token,
      rest: '',
    }
    return { found, expected, kind: given.headers === 'all' ? 'all' : 'named' }
  })
  expect(tooRare(counts, ['all', 'named'])).toEqual([])
})

function requestOf(told: { method: string; headers: Record<string, string> }): Request {
  const headers = {
    get: (name: string) => told.headers[name] ?? null,
    forEach: (visit: (value: string, name: string) => void) => {
      for (const [name, value] of Object.entries(told.headers)) visit(value, name)
    },
  }
  return { method: told.method, headers } as unknown as Request
}
