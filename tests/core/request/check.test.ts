import { expect, it } from 'vitest'
import { createSetupSource } from '../../../src/core/setup.ts'
import { checkOf } from '../../support/checks.ts'
import { raw } from '../../support/requests.ts'
import type { CheckFactory } from '../../../src/core/request/check.ts'
import type { AuthConfig } from '../../../src/index.ts'

it('has a key of all that is told, token included', () => {
  const key = (token: string, told: string): string => checkOf(token, told).key
  expect(key('t', 'told')).toBe('told1:t')
  expect(new Set([key('t', 'a'), key('t', 'b'), key('u', 'a')]).size).toBe(3)
})

const request = raw('http://h/a?x=1', { 'x-tenant': 'acme', accept: '*/*' }, 'POST')
const target = { path: '/a', query: 'x=1' }

const FOR_ENDPOINT: AuthConfig = { endpoint: 'https://e' }

function checksOf(config: AuthConfig): CheckFactory {
  const setup = createSetupSource(config).get([])
  if (setup.decisions === undefined) throw new Error('Not ready')
  return setup.checks
}

function make(config: AuthConfig = {}, args: unknown[] = []) {
  const given = config.verifier === undefined ? { ...FOR_ENDPOINT, ...config } : config
  const { tell, createCheck } = checksOf(given)
  const told = tell(request, target, [])
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

it.each(['all', ['x-tenant']] as const)(
  'asks what the request said when it came, if other code changes its headers later (told: %s)',
  (headers) => {
    const { tell, createCheck } = checksOf({ ...FOR_ENDPOINT, context: { headers } })
    const changed = new Request('http://h/a', { headers: { 'x-tenant': 'acme' } })
    const told = tell(changed, target, [])
    const check = told && createCheck('t', told, changed, target, [])
    changed.headers.set('x-tenant', 'other')
    expect(check?.question.request.headers).toEqual({ 'x-tenant': 'acme' })
  },
)

it('has the address that the endpoint was told, and reads no other one', () => {
  let reads = 0
  const { tell, createCheck } = checksOf({
    ...FOR_ENDPOINT,
    context: { headers: [], clientAddress: () => `192.0.2.${(reads += 1)}` },
  })
  const told = tell(request, target, [])
  const check = told && createCheck('t', told, request, target, [])
  expect([check?.readAddress?.(), reads]).toEqual(['192.0.2.1', 1])
})

it('is not made where too much would be told', () => {
  const { tell } = checksOf(FOR_ENDPOINT)
  expect(tell(request, { path: '/', query: 'a&'.repeat(2000) }, [])).toBeUndefined()
})
