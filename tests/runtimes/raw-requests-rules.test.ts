import { describe, expect, it } from 'vitest'
import { findUnadmitted } from './raw-requests/admission.ts'
import type { HandlerCall } from './raw-requests/admission.ts'
import type { Question } from './raw-requests/endpoint.ts'
import type { Program } from './raw-requests/row.ts'

/** The rule that judges every raw request must notice each mistake of a broken guard. */

const ALLOW: Question = { token: 'good', path: '/admin', params: {}, headers: {}, isAllowed: true }
const CALL: HandlerCall = {
  method: 'GET',
  url: 'http://h/admin',
  route: 'any',
  authorization: 'Bearer good',
  variant: null,
  fence: null,
  inherited: [],
}

function judge(
  call: Partial<HandlerCall>,
  questions: readonly Question[] = [],
  program: Program = 'function',
): boolean {
  return findUnadmitted(program, [{ ...CALL, ...call }], questions).length === 0
}

describe('the rule admits', () => {
  it.each<[string, Partial<HandlerCall>, Partial<Question>]>([
    ['what was allowed', {}, {}],
    ['a path that means the same', { url: 'http://h/%61dmin' }, {}],
    ['a token written in another way', { authorization: ' bearer  good\t' }, {}],
    [
      'the parameters that were told',
      { url: 'http://h/admin?a=1&a=2' },
      { params: { a: ['1', '2'] } },
    ],
  ])('%s', (_name, call, allow) => {
    expect(judge(call, [{ ...ALLOW, ...allow }])).toBe(true)
  })

  it.each(['/', '/healthz', '/public/x', '/%70ublic/x', '/healthz?/admin'])(
    'the public path %s',
    (path) => {
      expect(judge({ url: `http://h${path}`, authorization: null })).toBe(true)
    },
  )
})

describe('the rule does not admit', () => {
  it.each<[string, Partial<HandlerCall>, Partial<Question>]>([
    ['what was denied', {}, { isAllowed: false }],
    ['another token', { authorization: 'Bearer evil' }, {}],
    ['two tokens', { authorization: 'Bearer good, Bearer evil' }, {}],
    ['no token', { authorization: null }, {}],
    ['another path', { url: 'http://h/admin/x' }, {}],
    ['a path that only a router decodes', { url: 'http://h/x%2fadmin' }, { path: '/x/admin' }],
    ['another route', { url: 'http://h/public/x', route: 'admin' }, { path: '/public/x' }],
    ['parameters that were not told', { url: 'http://h/admin?a=1' }, {}],
    ['their other order', { url: 'http://h/admin?a=2&a=1' }, { params: { a: ['1', '2'] } }],
  ])('%s', (_name, call, allow) => {
    expect(judge(call, [{ ...ALLOW, ...allow }])).toBe(false)
  })

  it.each<[string, Partial<HandlerCall>]>([
    ['a request without a call to the endpoint', {}],
    ['a public path for POST', { url: 'http://h/healthz', method: 'POST' }],
    ['a public path in another method', { url: 'http://h/healthz', method: 'get' }],
    ['a public path that a router takes for another', { url: 'http://h/public/x', route: 'admin' }],
    ['a public path in the host alone', { url: 'http://h\\public/admin' }],
    ['a query in the host', { url: 'http://h?/admin' }],
    ['a fragment in the host', { url: 'http://h#/admin' }],
    ['dot segments', { url: 'http://h/public/../admin' }],
    ['encoded dot segments', { url: 'http://h/public/%2e%2e/admin' }],
    ['encoded slashes', { url: 'http://h/public/..%2fadmin' }],
    ['a backslash', { url: 'http://h/public/..%5cadmin' }],
    ['a path that resembles a public one', { url: 'http://h/healthz/' }],
  ])('%s', (_name, call) => {
    expect(judge(call)).toBe(false)
  })

  it('a second call for one allow, except with a cache', () => {
    expect(findUnadmitted('function', [CALL, CALL], [ALLOW])).toEqual([CALL])
    expect(findUnadmitted('cached', [CALL, CALL], [ALLOW])).toEqual([])
  })
})
