import { expect, it } from 'vitest'
import { checkContext } from '../../../src/core/config/context.ts'

it('tells everything but the method by default', () => {
  expect(checkContext({})).toEqual({ headers: 'all', params: 'values', path: true, method: false })
})

it('keeps what is given, with header names in lower case and once each', () => {
  const context = {
    headers: ['X-Tenant', 'x-tenant', 'accept'],
    params: 'none',
    path: false,
    method: true,
  }
  expect(checkContext(context)).toEqual({ ...context, headers: ['x-tenant', 'accept'] })
})

it('keeps no hold on the list that was given', () => {
  const headers = ['accept']
  const context = checkContext({ headers })
  headers.push('cookie')
  expect(context.headers).toEqual(['accept'])
  expect(Object.isFrozen(context.headers)).toBe(true)
  expect(Object.isFrozen(context)).toBe(true)
})

it.each([
  [{ header: [] }, 'Unknown option "context.header": did you mean "headers"?'],
  [{ headers: 'none' }, '"context.headers" must be "all" or a list of names, received "none"'],
  [{ headers: ['a b'] }, '"context.headers[0]" must be a header name, received "a b"'],
  [{ headers: ['a', 5] }, '"context.headers[1]" must be a header name, received 5'],
  [{ params: 'all' }, '"context.params" must be "values" or "lists" or "none", received "all"'],
  [{ path: 'false' }, '"context.path" must be true or false, received "false"'],
  [{ method: 1 }, '"context.method" must be true or false, received 1'],
  ['all', '"context" must be an object, received "all"'],
])('refuses %j', (context, message) => {
  expect(() => checkContext(context)).toThrow(message)
})
