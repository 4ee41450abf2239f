import { expect, it } from 'vitest'
import { AuthConfigError, AuthUnavailableError } from '../../src/core/errors.ts'

it('a config error names its option', () => {
  const error = new AuthConfigError('realm', '"realm" is wrong')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'AuthConfigError',
    code: 'invalid_config',
    option: 'realm',
    message: '"realm" is wrong',
  })
})

it('an unavailable error has its reason, and its cause only if one is given', () => {
  const cause = new Error('down')
  const error = new AuthUnavailableError('unreachable', { retryAfterMs: 5, cause })
  expect(error).toMatchObject({
    name: 'AuthUnavailableError',
    code: 'auth_unavailable',
    reason: 'unreachable',
    retryAfterMs: 5,
    cause,
    message: 'No verdict from the auth service: unreachable',
  })
  expect(new AuthUnavailableError('timeout')).not.toHaveProperty('cause')
  expect(new AuthUnavailableError('timeout').retryAfterMs).toBeUndefined()
})

it.each([
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'invalid_response',
  'circuit_open',
  'overloaded',
] as const)('there is a reason %s', (reason) => {
  expect(new AuthUnavailableError(reason).reason).toBe(reason)
})

it.each(['denied', 'allow', 'bogus', ''])('there is no reason %s', (reason) => {
  expect(() => new AuthUnavailableError(reason as 'timeout')).toThrow(
    new TypeError(`Cannot create AuthUnavailableError: no such reason: ${reason}`),
  )
})
