import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import {
  createQuestion,
  createToldEncoder,
  encodeKey,
  encodeQuestion,
} from '../../../src/core/request/question.ts'
import { parseTarget } from '../../../src/core/request/target.ts'
import { runs } from '../../support/nightly.ts'
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
  return createQuestion(contextOf(context), 't', raw(url, headers, 'PUT'), target)
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
    const question = createQuestion(contextOf({}), 't', request, {
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
    expect(Object.keys(build({}).request)).toEqual(['path', 'headers', 'params'])
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
})

interface Facts {
  readonly path: string
  readonly query: string
  readonly method: string
  readonly headers: Readonly<Record<string, string>>
  readonly token: string
}

const FACTS: Facts = {
  path: '/a',
  query: 'x=1',
  method: 'GET',
  headers: { a: '1', 'x-b': '' },
  token: 't',
}

function encode(context: object, { path, query, method, headers, token }: Facts): string {
  const request = raw('http://h/', headers, method)
  const encoded = createToldEncoder(contextOf(context))(request, { path, query })
  if (encoded === undefined) throw new Error('The test tells no more than an endpoint is told')
  return encodeKey(token, encoded)
}

describe('a key', () => {
  it('is pinned to its bytes', () => {
    const context = { headers: ['a', 'x-b', 'x-c'], method: true }
    // The order of parameters is a part of it: an endpoint may read the first or the last of a name.
    const facts = { ...FACTS, query: 'x=2&x=1' }
    expect(encode(context, facts)).toBe('2:/a7:x=2&x=13:GET1:10:-1:t')
    const all = { headers: 'all', params: 'none', path: false }
    expect(encode(all, FACTS)).toBe('1:a1:13:x-b0:1:t')
  })

  interface Told {
    readonly headers: 'all' | readonly string[]
    readonly params: 'values' | 'none'
    readonly path: boolean
    readonly method: boolean
  }

  /** What the endpoint is told, whatever a query means. */
  function toldOf(context: Told, { path, query, method, headers, token }: Facts): string {
    const secret = new Set(['cookie', 'proxy-authorization'])
    const fields =
      context.headers === 'all'
        ? Object.entries(headers).filter(([name]) => !secret.has(name))
        : context.headers.map((name) => headers[name] ?? false)
    const parts = [
      context.path && path,
      context.params === 'values' && query,
      context.method && method,
    ]
    return JSON.stringify([token, parts, fields])
  }

  it('is the same for two requests exactly if the endpoint is told the same of both', () => {
    // Some of them end or begin as the length or the end of another one.
    const text = fc.constantFrom('', '1', '1:', '1:a', '0:', '-', 'a')
    const name = fc.constantFrom('a', 'x-b', 'x-c', 'cookie', 'proxy-authorization')
    const facts: { readonly [Name in keyof Facts]: fc.Arbitrary<Facts[Name]> } = {
      path: text.map((end) => `/${end}`),
      query: fc.constantFrom('', 'x', 'x=1', 'x=%31'),
      method: fc.constantFrom('GET', 'POST'),
      headers: fc.dictionary(name, text),
      token: text,
    }
    const context: fc.Arbitrary<Told> = fc.record({
      headers: fc.constantFrom('all' as const, [], ['a'], ['a', 'x-b']),
      params: fc.constantFrom('values', 'none'),
      path: fc.boolean(),
      method: fc.boolean(),
    })
    const change = fc.record(facts, { requiredKeys: [] })
    fc.assert(
      fc.property(context, fc.record(facts), change, (chosen, one, changed) => {
        const other = { ...one, ...changed }
        const isSame = toldOf(chosen, one) === toldOf(chosen, other)
        expect(encode(chosen, one) === encode(chosen, other)).toBe(isSame)
      }),
      { numRuns: runs(5000) },
    )
  })
})

describe('what is told', () => {
  const isTold = (context: object, facts: Partial<Facts>): boolean => {
    const { path, query, method, headers } = { ...FACTS, headers: {}, query: '', ...facts }
    const request = raw('http://h/', headers, method)
    return createToldEncoder(contextOf(context))(request, { path, query }) !== undefined
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
