import { expect, it } from 'vitest'
import { parseKeys } from '../../src/keys/file/document.ts'
import {
  createKeyring,
  endOfKey,
  judgeKey,
  statusOf,
  stopOfKey,
  toRecord,
} from '../../src/keys/keyring.ts'
import { hashKey } from '../../src/keys/secret.ts'
import { entry, keysText } from '../support/key-questions.ts'
import type { StoredKey } from '../../src/keys/record.ts'

const NOW = Date.UTC(2026, 0, 1)
const WHOLE = 'withauth_HjbyMuJnqiNXMVCrSVFd37Zm1hgKODiexYkOLBfAmQh1qiJB8'
const KEY: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: '0'.repeat(64) }
const RING = createKeyring(
  parseKeys(
    keysText(
      entry('plain'),
      entry('limited', { paths: ['/v1', '/v2/x'] }),
      entry('ending', { expires: '2026-01-01T00:01:00Z' }),
      entry('ended', { expires: '2026-01-01' }),
      entry('revoked', { revoked: '2026-06-01' }),
    ),
    'f',
  ).keys,
)

it.each([
  ['plain', '/v1', 'plain', undefined],
  ['plain', '', 'plain', undefined],
  ['plain', '/v1/../x', 'plain', undefined],
  ['limited', '/v1/models', 'limited', undefined],
  ['limited', '/v2/x', 'limited', undefined],
  ['limited', undefined, 'limited', undefined],
  ['ending', '/', 'ending', undefined],
  ['unknown', '/v1', undefined, 'unknown'],
  ['', '/v1', undefined, 'unknown'],
  ['Plain', '/v1', undefined, 'unknown'],
  [WHOLE, '/v1', undefined, 'unknown'],
  [WHOLE.slice(0, -1), '/v1', undefined, 'malformed'],
  [`${WHOLE}0`, '/v1', undefined, 'malformed'],
  [WHOLE.replace(/.$/, (last) => (last === '0' ? '1' : '0')), '/v1', undefined, 'malformed'],
  [WHOLE.replace(/.{6}$/, '-'.repeat(6)), '/v1', undefined, 'malformed'],
  ['withauth_', '/v1', undefined, 'malformed'],
  [`x${WHOLE.slice(0, -1)}`, '/v1', undefined, 'unknown'],
  ['limited', '/v2', 'limited', 'path'],
  ['limited', '/v1x', 'limited', 'path'],
  ['limited', '/v1/../v3', 'limited', 'path'],
  ['limited', '', 'limited', 'path'],
  ['ended', '/v1', 'ended', 'expired'],
  ['revoked', '/v1', 'revoked', 'revoked'],
])(
  'the key %j for %j is the one with the id %j, and is denied as %j',
  async (key, path, ...ids) => {
    const { found, detail } = judgeKey(RING.get(await hashKey(key)), key, path, NOW)
    expect([found?.id, detail]).toEqual(ids)
  },
)

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

it('a key without "expires" never expires', () => {
  expect(endOfKey(KEY)).toBe(Infinity)
  expect(endOfKey({ ...KEY, expires: '2026-01-01' })).toBe(NOW)
})

it('a record has every field of the key but its hash', () => {
  const rest = {
    prefix: 'withauth_abc',
    paths: ['/v1'],
    created: '2025-01-01',
    expires: '2027-01-01',
    revoked: true,
    successor: 'b',
  } as const
  const { sha256: _hash, ...shown } = { ...KEY, ...rest }
  expect(toRecord({ ...KEY, ...rest }, NOW)).toEqual({ ...shown, status: 'revoked' })
  expect(Object.keys(toRecord(KEY, NOW))).toEqual(['id', 'status', 'principal', 'attributes'])
})
