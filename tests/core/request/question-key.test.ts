import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createToldEncoder, encodeKey } from '../../../src/core/request/question.ts'
import { raw } from '../../support/requests.ts'
import { runs } from '../../support/nightly.ts'
import type { Context } from '../../../src/core/request/question.ts'

interface Facts {
  readonly path: string
  readonly query: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

const FACTS: Facts = { path: '/a', query: 'x=1', method: 'GET', headers: { a: '1', 'x-b': '' } }

function encode(context: object, facts: Partial<Facts> = {}, token = 't', endpoint = 'e'): string {
  const { path, query, method, headers } = { ...FACTS, ...facts }
  const told = createToldEncoder(resolveConfig({ context }).context, [endpoint])(
    raw('http://h/', headers, method),
    { path, query },
  )
  if (told === undefined) throw new Error('The test tells no more than an endpoint is told')
  return encodeKey(token, told)
}

/** Takes a key apart again, in the order of the contract and not with the encoder's own code. */
function decode(key: string, context: Context): unknown {
  let rest = key.slice(1)
  const field = (): string | null => {
    if (rest.startsWith('-')) {
      rest = rest.slice(1)
      return null
    }
    const colon = rest.indexOf(':')
    const end = colon + 1 + Number(rest.slice(0, colon))
    const text = rest.slice(colon + 1, end)
    rest = rest.slice(end)
    return text
  }
  const scope: unknown = JSON.parse(field() ?? '')
  const path = context.path ? field() : null
  const query = context.params === 'none' ? null : field()
  const method = context.method ? field() : null
  const fields: (string | null)[] = []
  const isLeft = (): boolean => rest !== ''
  if (context.headers !== 'all') fields.push(...context.headers.map(() => field()))
  else while (isLeft()) fields.push(field())
  const token = context.headers === 'all' ? fields.pop() : field()
  return { version: key[0], scope, path, query, method, fields, token, rest }
}

describe('a key', () => {
  it('is pinned to its bytes', () => {
    const context = { headers: ['a', 'x-b', 'x-c'], method: true }
    expect(encode(context)).toBe(
      '1' +
        '81:[["e"],{"headers":["a","x-b","x-c"],"params":"values","path":true,"method":true}]' +
        '2:/a3:x=13:GET1:10:-1:t',
    )
  })

  it('can be decoded to everything that the endpoint is told', () => {
    const text = fc.oneof(
      fc.string(),
      fc.string({ unit: fc.constantFrom('1', '0', ':', '-', '|', '\0', 'a') }),
    )
    const context = fc.record({
      headers: fc.constantFrom('all' as const, [], ['a'], ['a', 'x-b', 'x-c']),
      params: fc.constantFrom('values' as const, 'lists' as const, 'none' as const),
      path: fc.boolean(),
      method: fc.boolean(),
    })
    const facts = fc.record({
      path: text,
      query: text,
      method: fc.constantFrom('GET', 'POST', '3:a'),
      headers: fc.dictionary(fc.constantFrom('a', 'x-b', 'x-c', '1', '3:a'), text),
    })
    const safe = fc.tuple(context, facts, text, text)
    fc.assert(
      fc.property(safe, ([given, told, token, endpoint]) => {
        const request = { ...told, method: 'GET' }
        const key = encode(given, request, token, endpoint)
        const names = given.headers === 'all' ? [] : given.headers
        expect(decode(key, given)).toEqual({
          version: '1',
          scope: [[endpoint], given],
          path: given.path ? told.path : null,
          query: given.params === 'none' ? null : told.query,
          method: given.method ? 'GET' : null,
          fields:
            given.headers === 'all'
              ? Object.entries(told.headers).flat()
              : names.map((name) => told.headers[name] ?? null),
          token,
          rest: '',
        })
      }),
      { numRuns: runs(10_000) },
    )
  })

  it.each<[string, object, Partial<Facts>]>([
    ['path', {}, { path: '/b' }],
    ['query, even where it means the same', {}, { query: 'x=%31' }],
    ['order of a query', {}, { query: '' }],
    ['header that is told', { headers: ['a'] }, { headers: { a: '2' } }],
    ['header that is not there', { headers: ['a'] }, { headers: {} }],
    ['header that is empty', { headers: ['x-b'] }, { headers: { a: '1' } }],
    ['header of all', { headers: 'all' }, { headers: { a: '1', 'x-b': '', c: '' } }],
  ])('differs with the %s', (_what, context, facts) => {
    expect(encode(context, facts)).not.toBe(encode(context))
  })

  it('differs with the method where it is told', () => {
    expect(encode({ method: true }, { method: 'POST' })).not.toBe(encode({ method: true }))
    expect(encode({}, { method: 'POST' })).toBe(encode({}))
  })

  it('differs with the endpoint, the token and the configuration', () => {
    const bare = { headers: [], params: 'none', path: false }
    const keys = [
      encode(bare),
      encode(bare, {}, 't', 'f'),
      encode(bare, {}, 'u'),
      encode({ ...bare, params: 'lists' }, { query: '' }),
      encode({ ...bare, params: 'values' }, { query: '' }),
    ]
    expect(new Set(keys).size).toBe(keys.length)
  })

  it('is the same for whatever is not told', () => {
    const bare = { headers: [], params: 'none', path: false }
    expect(encode(bare, { path: '/b', query: 'y', headers: {} })).toBe(encode(bare))
    expect(encode({}, { headers: { ...FACTS.headers, cookie: 'a=b' } })).toBe(encode({}))
    expect(encode({}, { headers: { ...FACTS.headers, 'proxy-authorization': 'x' } })).toBe(
      encode({}),
    )
  })

  it.each([
    [
      ['1', ''],
      ['', '1'],
    ],
    [
      ['1:a', ''],
      ['', '1:a'],
    ],
    [
      ['a', '-'],
      ['-', 'a'],
    ],
    [
      ['', '0:'],
      ['0:', ''],
    ],
  ])('tells %j from %j (length prefixes alone would not)', (one, other) => {
    const both = (headers: readonly string[]): string =>
      encode({ headers: ['a', 'b'] }, { headers: { a: headers[0] ?? '', b: headers[1] ?? '' } })
    expect(both(one)).not.toBe(both(other))
  })
})

describe('what is told', () => {
  const isTold = (context: object, facts: Partial<Facts>): boolean => {
    const { path, query, method, headers } = { ...FACTS, headers: {}, query: '', ...facts }
    const request = raw('http://h/', headers, method)
    return (
      createToldEncoder(resolveConfig({ context }).context, ['e'])(request, { path, query }) !==
      undefined
    )
  }

  it('is at most 1,000 parameters', () => {
    expect(isTold({}, { query: 'a&'.repeat(1000) })).toBe(true)
    expect(isTold({}, { query: '&'.repeat(2000) })).toBe(true)
    expect(isTold({}, { query: 'a&'.repeat(1001) })).toBe(false)
    expect(isTold({}, { query: `${'&'.repeat(500)}${'a&'.repeat(1001)}` })).toBe(false)
    expect(isTold({ params: 'none' }, { query: 'a&'.repeat(1001) })).toBe(true)
  })

  it('is at most 64 KiB, encoded', () => {
    const path = (length: number): Partial<Facts> => ({ path: 'a'.repeat(length), query: '' })
    expect(isTold({ headers: [] }, path(65_528))).toBe(true)
    expect(isTold({ headers: [] }, path(65_529))).toBe(false)
    expect(isTold({ headers: [], path: false }, path(70_000))).toBe(true)
    expect(isTold({}, { headers: { a: 'a'.repeat(70_000) } })).toBe(false)
    expect(isTold({}, { headers: { cookie: 'a'.repeat(70_000) } })).toBe(true)
    expect(isTold({ headers: ['b'] }, { headers: { a: 'a'.repeat(70_000) } })).toBe(true)
  })
})
