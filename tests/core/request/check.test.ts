import { expect, it, vi } from 'vitest'
import { Check } from '../../../src/core/request/check.ts'

it('makes its question when it is needed, and once', () => {
  const question = { token: 't', request: { path: '/', headers: {}, params: {} } }
  const ask = vi.fn(() => question)
  const check = new Check('t', 'told', ask, [])
  expect(ask).not.toHaveBeenCalled()
  expect([check.question, check.question]).toEqual([question, question])
  expect(ask).toHaveBeenCalledOnce()
})

it('builds its question early, before other code can change the request', () => {
  let path = '/asked'
  const ask = () => ({ token: 't', request: { path, headers: {}, params: {} } })
  const check = new Check('t', 'told', ask, [])
  check.prepare()
  path = '/changed'
  expect(check.question.request.path).toBe('/asked')
})

it('has a key of all that is told, token included', () => {
  const ask = (): never => {
    throw new Error('A key needs no question')
  }
  const key = (token: string, told: string): string => new Check(token, told, ask, []).key
  expect(key('t', 'told')).toBe('told1:t')
  expect(new Set([key('t', 'a'), key('t', 'b'), key('u', 'a')]).size).toBe(3)
})
