import { expect, it, vi } from 'vitest'
import { createCheckFactory } from '../../../src/core/request/check.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import { raw } from '../../support/requests.ts'
import type { CheckFactory } from '../../../src/core/request/check.ts'
import type { AuthConfig } from '../../../src/index.ts'

const request = raw('http://h/a?x=1', { 'x-tenant': 'acme', accept: '*/*' }, 'POST')
const target = { path: '/a', query: 'x=1' }

function make(
  config: AuthConfig = {},
  endpoint: string | undefined = 'https://e',
  args: unknown[] = [],
) {
  return checkBy(createCheckFactory(resolveConfig(config), endpoint), args)
}

function checkBy({ tell, createCheck }: CheckFactory, args: unknown[] = []) {
  const told = tell(request, target)
  return told && createCheck('t', told, request, target, args)
}

it('asks what it is the key of', () => {
  const check = make({ context: { headers: ['x-tenant'], method: true } })
  expect(check?.question).toEqual({
    token: 't',
    request: { path: '/a', headers: { 'x-tenant': 'acme' }, params: { x: '1' }, method: 'POST' },
  })
  expect(check?.told).toMatch(/2:\/a3:x=14:POST4:acme$/)
})

it('tells all headers where all are told, and has them in the key', () => {
  const check = make()
  expect(check?.question.request.headers).toEqual({ 'x-tenant': 'acme', accept: '*/*' })
  expect(check?.told).toMatch(/8:x-tenant4:acme6:accept3:\*\/\*$/)
})

it('has another key with another endpoint or another demand on the identity (A-K3, Ory CVE-2026-33496)', () => {
  const keys = [
    make(),
    make({}, 'https://f'),
    checkBy(createCheckFactory(resolveConfig({}), undefined)),
    make({ identity: 'required' }),
  ].map((check) => check?.key)
  expect(new Set(keys).size).toBe(4)
})

it('is not made where too much would be told', () => {
  const { tell } = createCheckFactory(resolveConfig({}), 'https://e')
  expect(tell(request, { path: '/', query: 'a&'.repeat(2000) })).toBeUndefined()
})

it('takes waitUntil from the argument that has it', () => {
  const waitUntil = vi.fn<(call: Promise<unknown>) => void>()
  const call = Promise.resolve()
  make({}, 'https://e', [{}, { waitUntil }])?.keepAlive?.(call)
  expect(waitUntil).toHaveBeenCalledExactlyOnceWith(call)
  expect(make()?.keepAlive).toBeUndefined()
})
