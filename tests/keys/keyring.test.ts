import { expect, it } from 'vitest'
import { judgeKey, statusOf, stopOfKey } from '../../src/keys/keyring.ts'
import type { StoredKey } from '../../src/keys/record.ts'

const NOW = Date.UTC(2026, 0, 1)
const KEY: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: '0'.repeat(64) }
it('a key of other digits than those of with-auth is known by its hash alone', async () => {
  const own = { ...KEY, id: 'own' }
  expect(judgeKey(own, 'withauth_mine', '/', NOW)).toEqual({ found: own })
})

it.each<[string, number, Partial<StoredKey>]>([
  ['active', Infinity, {}],
  ['active', NOW + 1, { expires: '2026-01-01T00:00:00.001Z' }],
  ['expired', NOW, { expires: '2026-01-01T00:00:00Z' }],
  ['expired', NOW - 86_400_000, { expires: '2025-12-31' }],
  ['expired', 0, { expires: 'a time that cannot be read' }],
  ['revoked', NOW - 86_400_000, { revoked: '2025-12-31' }],
  ['revoked', NOW, { revoked: '2027-01-01' }],
  ['revoked', NOW - 86_400_000, { revoked: '2025-12-31', expires: '2027-01-01' }],
  ['revoked', NOW - 86_400_000, { revoked: '2027-01-01', expires: '2025-12-31' }],
  ['revoked', 0, { revoked: true }],
  ['revoked', 0, { revoked: true, expires: '2025-12-31' }],
  ['revoked', 0, { revoked: 'a time that cannot be read' }],
])('a key is %s since %d: %j', (status, time, fields) => {
  const key = { ...KEY, ...fields }
  expect(statusOf(key, NOW)).toBe(status)
  expect(stopOfKey(key, NOW)).toBe(time)
})
