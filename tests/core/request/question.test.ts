import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { createQuestionBuilder, encodeQuestion } from '../../../src/core/request/question.ts'
import { parseTarget } from '../../../src/core/request/target.ts'
import { raw } from '../../support/requests.ts'
import type { Question } from '../../../src/index.ts'

function build(
  context: object,
  url = 'http://h/a/b?x=1',
  headers: Record<string, string> = {},
): Question {
  const target = parseTarget(url)
  if (target === undefined) throw new Error('The test wants a target with one meaning')
  return createQuestionBuilder(resolveConfig({ context }).context)(
    't',
    raw(url, headers, 'PUT'),
    target,
  )
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
    const question = createQuestionBuilder(resolveConfig({ context: {} }).context)('t', request, {
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
