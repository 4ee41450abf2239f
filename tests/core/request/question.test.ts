import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import {
  createQuestionBuilder,
  createToldEncoder,
  encodeKey,
  encodeQuestion,
} from '../../../src/core/request/question.ts'
import { parseTarget } from '../../../src/core/request/target.ts'
import { raw } from '../../support/requests.ts'
import type { Question } from '../../../src/index.ts'
import type { Context } from '../../../src/core/request/question.ts'

function contextOf(context: object): Context {
  return resolveConfig({ context }).context
}

function build(
  context: object,
  url = 'http://h/a/b?x=1',
  headers: Record<string, string> = {},
): Question {
  const target = parseTarget(url)
  if (target === undefined) throw new Error('The test wants a target with one meaning')
  return createQuestionBuilder(contextOf(context))('t', raw(url, headers, 'PUT'), target)
}

function told(context: object, url?: string, headers?: Record<string, string>): unknown {
  return JSON.parse(encodeQuestion(build(context, url, headers)))
}

describe('a question', () => {
  const headers = {
    Authorization: 'Bearer t',
    Accept: 'a, b',
    Cookie: 'c=d',
    'Proxy-Authorization': 'Basic x',
  }

  it('tells the token, the path, the parameters and the headers less cookies by default', () => {
    expect(told({}, 'http://h/%61/b?x=1&y=2&y=3&z', headers)).toEqual({
      api_key: 't',
      request: {
        path: '/a/b',
        headers: { authorization: 'Bearer t', accept: 'a, b' },
        params: { x: '1', y: ['2', '3'], z: '' },
      },
    })
  })

  it('tells only the headers that are named, whatever they are, and only where they are', () => {
    const named = build({ headers: ['Cookie', 'accept', 'x-tenant'] }, undefined, headers)
    expect(named.request.headers).toEqual({ cookie: 'c=d', accept: 'a, b' })
    expect(build({ headers: [] }, undefined, headers).request.headers).toEqual({})
  })

  it('tells a header that Fetch does not join, joined', () => {
    const repeated = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    const request = Object.defineProperty(new Request('http://h/'), 'headers', { value: repeated })
    const question = createQuestionBuilder(contextOf({}))('t', request, {
      path: '/',
      query: '',
    })
    expect(question.request.headers).toEqual({ 'set-cookie': 'a=1, b=2' })
  })

  it('tells every parameter as a list if lists are asked for', () => {
    expect(told({ params: 'lists' }, 'http://h/?x=1&y=2&y=')).toMatchObject({
      request: { params: { x: ['1'], y: ['2', ''] } },
    })
  })

  it('tells what is left out as empty', () => {
    expect(told({ headers: [], params: 'none', path: false })).toEqual({
      api_key: 't',
      request: { path: '', headers: {}, params: {} },
    })
  })

  it('tells the method if it is asked for', () => {
    expect(told({ method: true })).toMatchObject({ request: { method: 'PUT' } })
    expect(told({})).not.toHaveProperty('request.method')
  })

  it.each([
    ['a=b+c;d=e', { a: 'b c;d=e' }],
    ['a=%zz&b=%&c=%E0%A4', { a: '%zz', b: '%', c: '\ufffd' }],
    ['a[]=1&a[0]=2&a.b=3', { 'a[]': '1', 'a[0]': '2', 'a.b': '3' }],
    ['=x&&y', { '': 'x', y: '' }],
    ['?tenant=mine&tenant=victim', { '?tenant': 'mine', tenant: 'victim' }],
    ['??a=b', { '??a': 'b' }],
    ['%F0%9F%98%80=%22', { '😀': '"' }],
    // Raw characters of a server, beside bytes that are not UTF-8.
    ['é=%FF&\u2126%FF=\ud800', { é: '\ufffd', '\u2126\ufffd': '\ufffd' }],
  ])('reads the query %s as a handler does', (query, params) => {
    expect(told({}, `http://h/?${query}`)).toMatchObject({ request: { params } })
    const own = new URL(`http://h/?${query}`).searchParams
    for (const [name, value] of Object.entries(params)) expect(own.get(name)).toBe(value)
  })

  it('is always well-formed JSON that says what was sent', { tags: ['slow'] }, () => {
    const name = fc.oneof(fc.constantFrom('__proto__', 'constructor', 'toString'), fc.string())
    fc.assert(
      fc.property(
        fc.array(fc.tuple(name, fc.string({ unit: 'binary' })), { maxLength: 5 }),
        (pairs) => {
          const query = new URLSearchParams(pairs)
          const question = build({ params: 'lists' }, `http://h/?${query}`)
          const { request } = JSON.parse(encodeQuestion(question)) as Question
          for (const each of new Set(query.keys())) {
            expect(Object.getOwnPropertyDescriptor(request.params, each)?.value).toEqual(
              query.getAll(each),
            )
          }
        },
      ),
    )
  })
})

interface Facts {
  readonly path: string
  readonly query: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
}

const FACTS: Facts = { path: '/a', query: 'x=1', method: 'GET', headers: { a: '1', 'x-b': '' } }

function encode(context: object, facts: Partial<Facts> = {}, token = 't', endpoint = 'e'): string {
  const { path, query, method, headers } = { ...FACTS, ...facts }
  const encoded = createToldEncoder(contextOf(context), [endpoint])(
    raw('http://h/', headers, method),
    { path, query },
  )
  if (encoded === undefined) throw new Error('The test tells no more than an endpoint is told')
  return encodeKey(token, encoded)
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
      fc.property(safe, ([given, asked, token, endpoint]) => {
        const request = { ...asked, method: 'GET' }
        const key = encode(given, request, token, endpoint)
        const names = given.headers === 'all' ? [] : given.headers
        expect(decode(key, given)).toEqual({
          version: '1',
          scope: [[endpoint], given],
          path: given.path ? asked.path : null,
          query: given.params === 'none' ? null : asked.query,
          method: given.method ? 'GET' : null,
          fields:
            given.headers === 'all'
              ? Object.entries(asked.headers).flat()
              : names.map((name) => asked.headers[name] ?? null),
          token,
          rest: '',
        })
      }),
      { numRuns: 10_000 },
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
    return createToldEncoder(contextOf(context), ['e'])(request, { path, query }) !== undefined
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
