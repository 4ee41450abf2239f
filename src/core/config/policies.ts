import { AuthConfigError } from '../errors.ts'
import { checkInteger, checkMilliseconds, invalidOption, readOptions } from './option-checks.ts'
import type {
  CacheConfig,
  CircuitBreakerConfig,
  ConcurrencyConfig,
  RetryConfig,
} from '../auth-config.ts'
import type { Context } from '../request/question.ts'

const RETRY = ['attempts', 'minDelayMs', 'maxDelayMs'] as const
const BREAKER = ['minChecks', 'failureRatio', 'windowMs', 'openMs'] as const
const CONCURRENCY = ['maxInFlight', 'maxWaiting'] as const
const CACHE = ['allowTtlMs', 'denyTtlMs', 'staleIfErrorMs', 'maxEntries', 'maxBytes'] as const

export function checkRetry(value: unknown): Required<RetryConfig> | false {
  if (value === false) return false
  const options = readOptions(value, RETRY, 'retry', 'an object or false')
  const minDelayMs = checkMilliseconds('retry.minDelayMs', options.minDelayMs ?? 50, 0, 60_000)
  const maxDelayMs = checkMilliseconds(
    'retry.maxDelayMs',
    options.maxDelayMs ?? Math.max(250, minDelayMs),
    minDelayMs,
    60_000,
  )
  const attempts = checkInteger('retry.attempts', options.attempts ?? 1, 0, 5)
  return Object.freeze({ attempts, minDelayMs, maxDelayMs })
}

export function checkCircuitBreaker(value: unknown): Required<CircuitBreakerConfig> | false {
  if (value === false) return false
  const options = readOptions(value, BREAKER, 'circuitBreaker', 'an object or false')
  const name = (option: (typeof BREAKER)[number]): string => `circuitBreaker.${option}`
  return Object.freeze({
    minChecks: checkInteger(name('minChecks'), options.minChecks ?? 10, 1, 10_000),
    failureRatio: checkRatio(name('failureRatio'), options.failureRatio ?? 0.5),
    windowMs: checkMilliseconds(name('windowMs'), options.windowMs ?? 10_000, 1000, 600_000),
    openMs: checkMilliseconds(name('openMs'), options.openMs ?? 5000, 100, 600_000),
  })
}

export function checkConcurrency(value: unknown): Required<ConcurrencyConfig> {
  const options = readOptions(value, CONCURRENCY, 'concurrency')
  return Object.freeze({
    maxInFlight: checkInteger('concurrency.maxInFlight', options.maxInFlight ?? 64, 1, 10_000),
    maxWaiting: checkInteger('concurrency.maxWaiting', options.maxWaiting ?? 1024, 0, 100_000),
  })
}

export function checkCache(value: unknown, { headers }: Context): Required<CacheConfig> | false {
  if (value === false) return false
  const options = readOptions(value, CACHE, 'cache', 'an object or false')
  if (headers === 'all') throw cacheWithAllHeaders()
  const name = (option: (typeof CACHE)[number]): string => `cache.${option}`
  return Object.freeze({
    allowTtlMs: checkMilliseconds(name('allowTtlMs'), options.allowTtlMs ?? 30_000, 0, 3_600_000),
    denyTtlMs: checkMilliseconds(name('denyTtlMs'), options.denyTtlMs ?? 5000, 0, 30_000),
    staleIfErrorMs: checkMilliseconds(
      name('staleIfErrorMs'),
      options.staleIfErrorMs ?? 0,
      0,
      300_000,
    ),
    maxEntries: checkInteger(name('maxEntries'), options.maxEntries ?? 10_000, 1, 1_000_000),
    maxBytes: checkInteger(name('maxBytes'), options.maxBytes ?? 2 ** 25, 2 ** 16, 2 ** 30),
  })
}

function checkRatio(option: string, value: unknown): number {
  if (typeof value === 'number' && value > 0 && value <= 1) return value
  throw invalidOption(option, value, 'a number above 0 and at most 1')
}

function cacheWithAllHeaders(): AuthConfigError {
  return new AuthConfigError(
    'cache',
    '"cache" needs "context.headers" as a list: the endpoint is told all headers, its verdict may depend on each, and ' +
      'so no two requests would share one. Name those that it decides by, such as context: { headers: [] } if it ' +
      'decides by the token alone',
  )
}
