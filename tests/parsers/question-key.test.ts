import fc from 'fast-check'
import { expect, it } from 'vitest'
import { resolveConfig } from '../../src/core/config/parse.ts'
import { createToldEncoder, encodeKey } from '../../src/core/request/question.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'
import { words } from '../support/words.ts'
import type { Context } from '../../src/core/request/question.ts'

// The characters of the encoding itself, to find a text that could be read as two fields.
const text = textOf([...words('0 1 2 10 : - 1: 0: | a é \ud800 😀'), '\u0000'], 6)
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

/** Decodes a cache key without using any code of the encoder. */
function decodeKey(key: string, told: Context): object {
  let rest = key
  const take = (length: number): string => {
    const taken = rest.slice(0, length)
    rest = rest.slice(length)
    return taken
  }
  const field = (): string | null => {
    if (rest.startsWith('-')) return take(1) && null
    const length = Number(take(rest.indexOf(':')))
    take(1)
    return take(length)
  }
  const path = told.path ? field() : null
  const query = told.params === 'none' ? null : field()
  const method = told.method ? field() : null
  const fields: (string | null)[] = []
  const isLeft = (): boolean => rest !== ''
  if (told.headers === 'all') while (isLeft()) fields.push(field())
  if (told.headers !== 'all') fields.push(...told.headers.map(() => field()), field())
  const token = fields.pop() ?? null
  return { path, query, method, headers: fields, token, rest }
}

function requestOf(told: { method: string; headers: Record<string, string> }): Request {
  const headers = {
    get: (name: string) => told.headers[name] ?? null,
    forEach: (visit: (value: string, name: string) => void) => {
      for (const [name, value] of Object.entries(told.headers)) visit(value, name)
    },
  }
  return { method: told.method, headers } as unknown as Request
}
