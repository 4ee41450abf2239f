import { describe, expect, it } from 'vitest'
import { allow, deny, refuse } from '../../src/keys/answer.ts'
import type { StoredKey } from '../../src/keys/record.ts'

const KEY: StoredKey = {
  id: 'a',
  principal: 'alice',
  attributes: { roles: ['admin'] },
  sha256: '0a'.repeat(32),
}

describe('an allow', () => {
  it('says who it is, and nothing else', async () => {
    const response = allow({ key: KEY, lifeMs: Infinity }, 30)
    expect(response.status).toBe(200)
    expect(Object.fromEntries(response.headers)).toEqual({
      'cache-control': 'max-age=30',
      'content-type': 'application/json',
    })
    expect(await response.text()).toBe('{"principal":"alice","attributes":{"roles":["admin"]}}')
  })

  it('says when the key ends', async () => {
    const response = allow({ key: { ...KEY, expires: '2026-01-01T00:00:00.5Z' }, lifeMs: 9 }, 30)
    expect(await response.json()).toEqual({
      principal: 'alice',
      attributes: { roles: ['admin'] },
      exp: Date.UTC(2026, 0, 1) / 1000 + 0.5,
    })
  })

  it.each([
    [Infinity, 30, 'max-age=30'],
    [60_000, 30, 'max-age=30'],
    [29_999, 30, 'max-age=29'],
    [1000, 30, 'max-age=1'],
    [999, 30, 'no-store'],
    [Infinity, 0, 'no-store'],
    [Infinity, 3600, 'max-age=3600'],
  ])('of a key with %i ms to go, kept for %i s at most, has %s', (lifeMs, seconds, value) => {
    const response = allow({ key: { ...KEY, expires: '2026-01-01' }, lifeMs }, seconds)
    expect(response.headers.get('cache-control')).toBe(value)
  })
})

it.each([
  [30, 'max-age=5'],
  [2, 'max-age=2'],
  [0, 'no-store'],
])('a denial may be kept for five seconds, or shorter: %i, %s', async (seconds, value) => {
  const response = deny(seconds)
  expect(response.status).toBe(401)
  expect(Object.fromEntries(response.headers)).toEqual({
    'cache-control': value,
    'content-type': 'application/json',
    'www-authenticate': 'Bearer realm="keys"',
  })
  expect(await response.json()).toEqual({ error: { message: 'This key is not valid here' } })
})

it('a refusal must not be kept', async () => {
  const response = refuse(405, 'no', { allow: 'POST' })
  expect(response.status).toBe(405)
  expect(Object.fromEntries(response.headers)).toEqual({
    allow: 'POST',
    'cache-control': 'no-store',
    'content-type': 'application/json',
  })
  expect(await response.json()).toEqual({ error: { message: 'no' } })
})
