import { describe, expect, it } from 'vitest'
import { checkContext } from '../../../src/core/config/context.ts'
import {
  checkCache,
  checkCircuitBreaker,
  checkConcurrency,
  checkRetry,
} from '../../../src/core/config/policies.ts'

const named = checkContext({ headers: [] })

describe('the policies', () => {
  it('have the documented defaults', () => {
    expect(checkRetry({})).toEqual({ attempts: 1, minDelayMs: 50, maxDelayMs: 250 })
    expect(checkConcurrency({})).toEqual({ maxInFlight: 64, maxWaiting: 1024 })
    expect(checkCircuitBreaker({})).toEqual({
      minChecks: 10,
      failureRatio: 0.5,
      windowMs: 10_000,
      openMs: 5000,
    })
    expect(checkCache({}, named)).toEqual({
      allowTtlMs: 30_000,
      denyTtlMs: 5000,
      staleIfErrorMs: 0,
      maxEntries: 10_000,
      maxBytes: 33_554_432,
    })
  })

  it('can be switched off, but for the bound of what is under way', () => {
    expect([checkRetry(false), checkCircuitBreaker(false), checkCache(false, named)]).toEqual([
      false,
      false,
      false,
    ])
    expect(checkCache(false, checkContext({}))).toBe(false)
    expect(() => checkConcurrency(false)).toThrow('"concurrency" must be an object, received false')
  })

  it('keep what is given, at the edges of what is allowed', () => {
    const most = {
      allowTtlMs: 3_600_000,
      denyTtlMs: 30_000,
      staleIfErrorMs: 300_000,
      maxEntries: 1_000_000,
      maxBytes: 2 ** 30,
    }
    const least = {
      allowTtlMs: 0,
      denyTtlMs: 0,
      staleIfErrorMs: 0,
      maxEntries: 1,
      maxBytes: 65_536,
    }
    expect([checkCache(most, named), checkCache(least, named)]).toEqual([most, least])
    const retry = { attempts: 5, minDelayMs: 60_000, maxDelayMs: 60_000 }
    expect(checkRetry(retry)).toEqual(retry)
    expect(checkRetry({ minDelayMs: 1000 })).toMatchObject({ minDelayMs: 1000, maxDelayMs: 1000 })
    const breaker = { minChecks: 1, failureRatio: 1, windowMs: 600_000, openMs: 100 }
    expect(checkCircuitBreaker(breaker)).toEqual(breaker)
    const concurrency = { maxInFlight: 1, maxWaiting: 0 }
    expect(checkConcurrency(concurrency)).toEqual(concurrency)
  })
})

it.each<[() => unknown, string]>([
  [() => checkRetry(true), '"retry" must be an object or false, received true'],
  [() => checkRetry({ attempt: 1 }), 'Unknown option "retry.attempt": did you mean "attempts"?'],
  [
    () => checkRetry({ attempts: 6 }),
    '"retry.attempts" must be a whole number from 0 to 5, received 6',
  ],
  [() => checkRetry({ attempts: 0.5 }), '"retry.attempts" must be a whole number from 0 to 5'],
  [
    () => checkRetry({ minDelayMs: -1 }),
    '"retry.minDelayMs" must be a number of milliseconds from 0',
  ],
  [
    () => checkRetry({ minDelayMs: 100, maxDelayMs: 99 }),
    '"retry.maxDelayMs" must be a number of milliseconds from 100',
  ],
  [
    () => checkCircuitBreaker({ openMS: 1 }),
    'Unknown option "circuitBreaker.openMS": did you mean "openMs"?',
  ],
  [
    () => checkCircuitBreaker({ minChecks: 0 }),
    '"circuitBreaker.minChecks" must be a whole number from 1 to 10000',
  ],
  [
    () => checkCircuitBreaker({ failureRatio: 0 }),
    '"circuitBreaker.failureRatio" must be a number above 0 and at most 1, received 0',
  ],
  [
    () => checkCircuitBreaker({ failureRatio: 50 }),
    '"circuitBreaker.failureRatio" must be a number above 0',
  ],
  [
    () => checkCircuitBreaker({ failureRatio: '0.5' }),
    '"circuitBreaker.failureRatio" must be a number above 0',
  ],
  [
    () => checkCircuitBreaker({ windowMs: 999 }),
    '"circuitBreaker.windowMs" must be a number of milliseconds from 1000',
  ],
  [
    () => checkCircuitBreaker({ openMs: 99 }),
    '"circuitBreaker.openMs" must be a number of milliseconds from 100',
  ],
  [
    () => checkConcurrency({ maxInFlight: 0 }),
    '"concurrency.maxInFlight" must be a whole number from 1 to 10000',
  ],
  [
    () => checkConcurrency({ maxWaiting: Infinity }),
    '"concurrency.maxWaiting" must be a whole number',
  ],
  [() => checkCache(true, named), '"cache" must be an object or false, received true'],
  [() => checkCache({ ttlMs: 5 }, named), 'Unknown option "cache.ttlMs"'],
  [
    () => checkCache({ allowTtlMs: 3_600_001 }, named),
    '"cache.allowTtlMs" must be a number of milliseconds from 0 to 3600000',
  ],
  [
    () => checkCache({ allowTtlMs: '60' }, named),
    '"cache.allowTtlMs" must be a number of milliseconds',
  ],
  [
    () => checkCache({ denyTtlMs: 30_001 }, named),
    '"cache.denyTtlMs" must be a number of milliseconds from 0 to 30000',
  ],
  [
    () => checkCache({ staleIfErrorMs: 300_001 }, named),
    '"cache.staleIfErrorMs" must be a number of milliseconds from 0 to 300000',
  ],
  [() => checkCache({ maxEntries: 0 }, named), '"cache.maxEntries" must be a whole number from 1'],
  [
    () => checkCache({ maxBytes: 1024 }, named),
    '"cache.maxBytes" must be a whole number from 65536',
  ],
  [
    () => checkCache({}, checkContext({})),
    '"cache" needs "context.headers" as a list: the endpoint is told all headers, its verdict may depend on each, and so ' +
      'no two requests would share one. Name those that it decides by, such as context: { headers: [] } if it decides by ' +
      'the token alone',
  ],
  [() => checkCircuitBreaker(5), '"circuitBreaker" must be an object or false, received 5'],
  [() => checkConcurrency({ maxWaitng: 1 }), 'Unknown option "concurrency.maxWaitng"'],
])('bad options are refused (%#)', (check, message) => {
  const [, option] = /"(.+?)"/.exec(message) ?? []
  const told = expect.stringContaining(message) as string
  expect(check).toThrow(expect.objectContaining({ code: 'invalid_config', option, message: told }))
})
