import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { redisStore } from '../../src/redis.ts'
import { FakeEngine } from './fake-engine.ts'

/** The options of a store. Neither its URL nor its secrets are shown. */

const SECRET = 's'.repeat(32)
const URL = 'redis://app:hunter2@127.0.0.1'
const HIDDEN = ' (its value is not shown)'
const URL_NEEDS = `"url" must be a URL that begins with "redis://" or "rediss://"${HIDDEN}`
const SECRET_NEEDS = `"secret" must be a text of at least 32 bytes, or a list of at most 3 of them, with "shareVerdicts"${HIDDEN}`

function errorOf(options: object): string {
  try {
    redisStore({ client: new FakeEngine().client, ...options } as never).stop()
    return 'none'
  } catch (error) {
    if (!(error instanceof AuthConfigError)) throw error
    return error.message
  }
}

describe('the URL', () => {
  it.each(['redis://h', 'rediss://h', 'redis://h/', 'redis://h/7', 'redis://u:p%25@h:1/0'])(
    'may be %s',
    (url) => expect(errorOf({ url })).toBe('none'),
  )

  it.each([
    'http://h/hunter2',
    'x-redis://hunter2',
    'redis:///hunter2',
    'redis:// hunter2',
    'redis://hunter2:x:y',
    ['redis://hunter2'],
    5,
  ])('may not be %s', (url) => expect(errorOf({ url })).toBe(URL_NEEDS))

  it.each([
    ['redis://h/hunter2', 'a URL whose path is empty or the number of a database'],
    ['redis://h/1/2', 'a URL whose path is empty or the number of a database'],
    ['redis://%zz@h', 'a URL whose user and password are percent-encoded ("%" as "%25")'],
    ['redis://u:%zz@h', 'a URL whose user and password are percent-encoded ("%" as "%25")'],
  ])('may not be %s, and says why', (url, needs) => {
    expect(errorOf({ url })).toBe(`"url" must be ${needs}${HIDDEN}`)
  })
})

describe('the secrets', () => {
  it.each([
    ['32 bytes', SECRET],
    ['16 letters of two bytes', 'é'.repeat(16)],
    ['a list of one', [SECRET]],
    ['a list of three', [SECRET, `${SECRET}2`, `${SECRET}3`]],
  ])('may be %s', (_what, secret) => {
    expect(errorOf({ url: URL, shareVerdicts: true, secret })).toBe('none')
  })

  it.each([
    ['31 bytes', 'hunter2'.padEnd(31)],
    ['32 numbers', Array(32).fill(1)],
    ['a list with a short one', [SECRET, 'hunter2']],
    ['an empty list', []],
    ['a list of four', [1, 2, 3, 4].map((each) => `${SECRET}${each}`)],
    ['a number', 5],
  ])('may not be %s', (_what, secret) => {
    expect(errorOf({ url: URL, shareVerdicts: true, secret })).toBe(SECRET_NEEDS)
  })

  it('are needed to share allows, and are good for nothing else', () => {
    expect(errorOf({ url: URL, shareVerdicts: true })).toMatch(/^"secret" must be/)
    expect(errorOf({ url: URL, secret: SECRET })).toBe(
      '"secret" must be left out without "shareVerdicts"',
    )
  })
})

it.each([
  [{ tls: { ca: '-----BEGIN CERTIFICATE-----' } }, 'none', 'rediss://h'],
  [{ tls: { ca: 'hunter2' } }, `"tls.ca" must be a text in PEM form${HIDDEN}`, 'rediss://h'],
  [{ tls: {} }, '"tls" must be left out, unless "url" begins with "rediss://"', URL],
  [{ lostPushTtlMs: 1000 }, 'none', URL],
  [{ revocationMs: 500, lostPushTtlMs: 500 }, 'none', URL],
  [{ lostPushTtlMs: 999 }, wrongTime('lostPushTtlMs', '1000 to 3600000', '999'), URL],
  [
    { revocationMs: 5000, lostPushTtlMs: 4999 },
    wrongTime('lostPushTtlMs', '5000 to 3600000', '4999'),
    URL,
  ],
  [
    { revocationMs: 'soon', lostPushTtlMs: 300 },
    wrongTime('revocationMs', '250 to 10000', '"soon"'),
    URL,
  ],
])('%j: %s', (options, message, url) => {
  expect(errorOf({ url, ...options })).toBe(message)
})

function wrongTime(option: string, range: string, received: string): string {
  return `"${option}" must be a number of milliseconds from ${range}, received ${received}`
}
