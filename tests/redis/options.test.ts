import { expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { redisStore } from '../../src/redis.ts'
import { redisStore as onWorkers } from '../../src/redis/workerd.ts'

const url = 'redis://user:hunter2@redis.example.com'
const secret = 'hunter2 '.repeat(4)

function errorOf(options: object): unknown {
  try {
    redisStore({ url, ...options })
    return undefined
  } catch (error) {
    return error
  }
}

it.each<[object, RegExp]>([
  [{ url: 'http://hunter2' }, /^"url" must be a URL/],
  [{ revocationMs: 249 }, /^"revocationMs" must be a number of milliseconds from 250 to 10000/],
  [{ lostPushTtlMs: 900 }, /^"lostPushTtlMs" must be a number of milliseconds from 1000/],
  [{ timeoutMs: 0 }, /^"timeoutMs"/],
  [{ prefix: 'two words' }, /^"prefix" must be 1 to 64 visible ASCII characters/],
  [{ scope: '' }, /^"scope" must be a text/],
  [{ secret }, /^"secret" must be left out without "shareVerdicts"/],
  [{ shareVerdicts: true }, /^"secret" must be a text of at least 32 bytes/],
  [{ shareVerdicts: true, secret: 'hunter2' }, /^"secret" must be a text/],
  [{ shareVerdicts: true, secret: Array.from('abcd', (end) => secret + end) }, /at most 3 of them/],
  [{ tls: { ca: 'hunter2' } }, /^"tls.ca" must be a text in PEM form/],
  [{ client: 5 }, /^"client" must be a function/],
  [{ ulr: 1 }, /^Unknown option "ulr": did you mean "url"\?/],
])('rejects %j', (options, message) => {
  const error = errorOf(options)
  expect(error).toBeInstanceOf(AuthConfigError)
  expect(error).toMatchObject({ message: expect.stringMatching(message) as unknown })
  expect(String(error)).not.toContain('hunter2')
})

it('takes PEM texts and several secrets', () => {
  const pem = '-----BEGIN CERTIFICATE-----'
  const tls = { ca: pem, cert: pem, key: pem }
  expect(errorOf({ tls, shareVerdicts: true, secret: [secret, secret] })).toBeUndefined()
})

it('says on Workers what to do instead', () => {
  expect(() => onWorkers()).toThrow(/"cache.allowTtlMs" to 1000/)
})
