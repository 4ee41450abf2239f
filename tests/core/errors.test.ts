import { describe, expect, it } from 'vitest'
import { AuthConfigError, AuthUnavailableError, adoptUnavailable } from '../../src/core/errors.ts'

it('a config error names its option', () => {
  const error = new AuthConfigError('realm', '"realm" is wrong')
  expect(error).toBeInstanceOf(Error)
  expect(error).toMatchObject({
    name: 'AuthConfigError',
    code: 'invalid_config',
    option: 'realm',
    message: '"realm" is wrong',
  })
  const problem = { optionPath: ['realm'], expected: '"realm" is wrong', isSecret: false }
  expect(error.problems).toEqual([problem])
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

it.each(['denied', 'allow', 'bogus', ''])('there is no reason %s', (reason) => {
  expect(() => new AuthUnavailableError(reason as 'timeout')).toThrow(
    new TypeError(`Cannot create AuthUnavailableError: no such reason: ${reason}`),
  )
})

describe('an error of another copy', () => {
  const foreign = { code: 'auth_unavailable', reason: 'timeout' }
  const trap = (): never => {
    throw new Error('trap')
  }

  it('becomes ours', () => {
    const adopted = adoptUnavailable({ ...foreign, retryAfterMs: 0, status: 503 })
    expect(adopted).toBeInstanceOf(AuthUnavailableError)
    expect(adopted).toMatchObject({ reason: 'timeout', retryAfterMs: 0, status: 503 })
    expect(adopted).not.toHaveProperty('cause')
    expect(adoptUnavailable({ ...foreign, cause: 'x' })).toHaveProperty('cause', 'x')
  })

  it('brings an explanation that is a text', () => {
    const of = (explanation: unknown): unknown => adoptUnavailable({ ...foreign, explanation })
    expect(of('closed')).toHaveProperty('explanation', 'closed')
    expect(of(7)).toHaveProperty('explanation', undefined)
  })

  it('brings a detail that exists', () => {
    const of = (detail: unknown): unknown => adoptUnavailable({ ...foreign, detail })
    expect(of('unknown_key')).toHaveProperty('detail', 'unknown_key')
    expect(of('a secret')).toHaveProperty('detail', undefined)
    expect(() => new AuthUnavailableError('timeout', { detail: 'a secret' as never })).toThrow(
      new TypeError('Cannot create AuthUnavailableError: no such detail'),
    )
  })

  it.each([[-1], [Infinity], [Number.NaN], ['5'], [null]])(
    'does not bring %j as a number',
    (bad) => {
      expect(adoptUnavailable({ ...foreign, retryAfterMs: bad, status: bad })).toMatchObject({
        reason: 'timeout',
        retryAfterMs: undefined,
        status: undefined,
      })
    },
  )

  it.each([
    [undefined],
    [null],
    ['auth_unavailable'],
    [new Error('bug')],
    [{ reason: 'timeout' }],
    [{ ...foreign, code: 'ENOTFOUND' }],
    [{ ...foreign, reason: 'denied' }],
    [{ ...foreign, reason: ['timeout'] }],
    [new AuthUnavailableError('timeout')],
  ])('is not taken for %j', (other) => {
    expect(adoptUnavailable(other)).toBe(other)
  })

  it('is read once, so that it cannot say one thing and then another', () => {
    const reads: PropertyKey[] = []
    const counted = new Proxy(foreign, {
      get: (target, field) => {
        reads.push(field)
        return Reflect.get(target, field)
      },
    })
    adoptUnavailable(counted)
    expect(reads).toEqual([...new Set(reads)])
    class Shifting extends AuthUnavailableError {}
    Object.defineProperty(Shifting.prototype, 'message', { get: trap })
    const adopted = adoptUnavailable(new Shifting('timeout'))
    expect(Object.getPrototypeOf(adopted)).toBe(AuthUnavailableError.prototype)
  })

  it.each([
    ['a getter', Object.defineProperty({ ...foreign }, 'reason', { get: trap })],
    ['a proxy', new Proxy({}, { getPrototypeOf: trap })],
  ])('that throws when it is read, as %s may, is a bug', (_what, hostile) => {
    expect(adoptUnavailable(hostile)).toEqual(new TypeError('The thrown value cannot be read'))
  })
})
