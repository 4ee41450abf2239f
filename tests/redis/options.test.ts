import { describe, expect, it } from 'vitest'
import { redisStore } from '../../src/redis.ts'
import type { RedisStoreOptions } from '../../src/redis.ts'

/** Options that the client would refuse later, with the password in its message. */

const PEM = '-----BEGIN CERTIFICATE-----'

function problemOf(options: RedisStoreOptions): string {
  try {
    redisStore(options).stop()
    return ''
  } catch (error) {
    return String(error)
  }
}

describe('redisStore', () => {
  it.each<[string, RedisStoreOptions, RegExp]>([
    ['a path', { url: 'redis://app:hunter2@127.0.0.1/prod' }, /path is empty or the number/],
    ['more than a number', { url: 'redis://:hunter2@127.0.0.1/1/2' }, /path is empty or/],
    ['a password', { url: 'redis://app:%ZZhunter2@127.0.0.1' }, /percent-encoded/],
    ['a user', { url: 'redis://%ZZ:hunter2@127.0.0.1' }, /percent-encoded/],
    ['tls', { url: 'redis://app:hunter2@127.0.0.1', tls: { ca: PEM } }, /"tls" must be left out/],
  ])('refuses %s that cannot be used, and shows no password', (_what, options, problem) => {
    expect(problemOf(options)).toMatch(problem)
    expect(problemOf(options)).not.toContain('hunter2')
  })

  it.each<RedisStoreOptions>([
    { url: 'redis://127.0.0.1' },
    { url: 'redis://127.0.0.1/' },
    { url: 'redis://app:p%25w@127.0.0.1/3' },
    { url: 'rediss://app:p%25w@127.0.0.1/3', tls: { ca: PEM } },
  ])('takes %j', (options) => {
    expect(problemOf(options)).toBe('')
  })
})
