import { describe, expect, it } from 'vitest'
import { endOfKey, statusOf, stopOfKey, toRecord } from '../../src/keys/state.ts'
import type { StoredKey } from '../../src/keys/record.ts'

const NOW = Date.UTC(2026, 0, 1)
const KEY: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: '0'.repeat(64) }

describe('a key is', () => {
  it.each<[string, Partial<StoredKey>]>([
    ['active', {}],
    ['active', { expires: '2026-01-01T00:00:00.001Z' }],
    ['expired', { expires: '2026-01-01T00:00:00Z' }],
    ['expired', { expires: '2025-12-31' }],
    ['expired', { expires: 'a time that cannot be read' }],
    ['revoked', { revoked: '2025-12-31' }],
    ['revoked', { revoked: '2027-01-01' }],
    ['revoked', { revoked: true }],
    ['revoked', { revoked: true, expires: '2025-12-31' }],
  ])('%s with %j', (status, fields) => {
    expect(statusOf({ ...KEY, ...fields }, NOW)).toBe(status)
  })
})

it('without an end it lasts for ever', () => {
  expect(endOfKey(KEY)).toBe(Infinity)
  expect(endOfKey({ ...KEY, expires: '2026-01-01' })).toBe(NOW)
})

it.each<[Partial<StoredKey>, number]>([
  [{}, Infinity],
  [{ expires: '2026-01-01' }, NOW],
  [{ revoked: '2026-01-01' }, NOW],
  [{ revoked: '2099-01-01' }, NOW + 1],
  [{ expires: '2099-01-01' }, Date.UTC(2099, 0)],
  [{ revoked: '2026-01-01', expires: '2027-01-01' }, NOW],
  [{ revoked: '2027-01-01', expires: '2026-01-01' }, NOW],
  [{ revoked: true, expires: '2026-01-01' }, 0],
  [{ revoked: 'a time that cannot be read' }, 0],
])('with %j it stops at %d', (fields, time) => {
  expect(stopOfKey({ ...KEY, ...fields }, NOW + 1)).toBe(time)
})

it('what is shown of a key has everything but its hash', () => {
  const rest = {
    prefix: 'withauth_abc',
    paths: ['/v1'],
    created: '2025-01-01',
    expires: '2027-01-01',
    revoked: true,
  } as const
  const { sha256: _hash, ...shown } = { ...KEY, ...rest }
  expect(toRecord({ ...KEY, ...rest }, NOW)).toEqual({ ...shown, status: 'revoked' })
  expect(Object.keys(toRecord(KEY, NOW))).toEqual(['id', 'status', 'principal', 'attributes'])
})
