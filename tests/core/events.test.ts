import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { AuthConfigError } from '../../src/core/errors.ts'
import { createComplain, createReport, observeWithRequest } from '../../src/core/events.ts'
import type { AuthEvent } from '../../src/index.ts'

const event: AuthEvent = { type: 'warning', message: 'careful' }
const problem = new AuthConfigError('endpoint', '"endpoint" is missing')

beforeEach(() => {
  vi.spyOn(console, 'error').mockImplementation(() => undefined)
})
afterEach(() => {
  vi.restoreAllMocks()
})

it('there is no report without an observer', () => {
  expect(createReport(undefined)).toBeUndefined()
})

it('an observer is told, and cannot change what the next is told', () => {
  const onEvent = vi.fn<(event: AuthEvent) => void>()
  createReport(onEvent)?.({ ...event })
  expect(onEvent).toHaveBeenCalledExactlyOnceWith(event)
  expect(Object.isFrozen(onEvent.mock.calls[0]?.[0])).toBe(true)
})

it('only an observer of this package gets the Request: a user would log the token with it', () => {
  const request = new Request('https://api.example.test/')
  const user = vi.fn()
  createReport(user)?.({ ...event }, request)
  expect(user).toHaveBeenCalledExactlyOnceWith(event)
  const own = vi.fn()
  createReport(observeWithRequest(own))?.({ ...event }, request)
  expect(own).toHaveBeenCalledExactlyOnceWith(event, request)
})

it('what an observer throws or rejects with is swallowed', async () => {
  const rejecting = (): void => Promise.reject(new Error('late')) as unknown as void
  const throwing = (): never => {
    throw new Error('bug')
  }
  expect(() => createReport(throwing)?.(event)).not.toThrow()
  expect(() => createReport(rejecting)?.(event)).not.toThrow()
  // An unhandled rejection would fail the run.
  await new Promise((resolve) => setTimeout(resolve, 5))
})

it('a config problem is told to the observer each time', () => {
  const report = vi.fn<(event: AuthEvent) => void>()
  const complain = createComplain()
  complain(problem, report)
  complain(problem, report)
  expect(report).toHaveBeenCalledTimes(2)
  expect(report).toHaveBeenLastCalledWith({
    type: 'config_error',
    message: '"endpoint" is missing',
  })
  expect(console.error).not.toHaveBeenCalled()
})

it('a config problem without an observer is written once, until it changes', () => {
  const complain = createComplain()
  complain(problem, undefined)
  complain(problem, undefined)
  expect(console.error).toHaveBeenCalledExactlyOnceWith('with-auth: "endpoint" is missing')
  complain(new AuthConfigError('endpoint', 'other'), undefined)
  expect(console.error).toHaveBeenCalledTimes(2)
})

it.each([
  [new RangeError('sk-secret'), 'RangeError'],
  ['sk-secret', 'string'],
  [undefined, 'undefined'],
  [Object.assign(new Error('sk-secret'), { name: 'a\nb' }), String.raw`a\nb`],
  [Object.assign(new Error('sk-secret'), { name: 'a'.repeat(1000) }), 'a'.repeat(80)],
])('of %s, thrown by a config function, only the kind is told', (thrown, kind) => {
  const report = vi.fn<(event: AuthEvent) => void>()
  createComplain()(thrown, report)
  expect(report).toHaveBeenCalledExactlyOnceWith({
    type: 'config_error',
    message: `The config could not be made: "${kind}" was thrown`,
  })
})
