import { mkdirSync, writeFileSync } from 'node:fs'
import { beforeEach, expect, it, vi } from 'vitest'
import { reportKeys } from '../../../src/keys.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyUse } from '../../../src/keys.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 5, 30, 23, 59, 59)

beforeEach(() => void vi.useFakeTimers({ now: NOW, toFake: ['Date'] }))

function keysWith(fields: string, uses?: readonly KeyUse[]): string {
  const file = pathOf('keys.yaml')
  const sha256 = 'a'.repeat(64)
  writeFileSync(file, `keys:\n  - { id: a, principal: alice, sha256: ${sha256}${fields} }\n`)
  if (uses) writeFileSync(`${file}.usage`, JSON.stringify({ uses, merged: [] }))
  return file
}

function useOn(day: string, checks = 1): KeyUse {
  return { id: 'a', day, checks, lastUsed: `${day}T12:00:00Z` }
}

it('adds up today, the last 7 and the last 30 days in UTC', async () => {
  const days = ['2026-06-30', '2026-06-24', '2026-06-23', '2026-06-01', '2026-05-31']
  const uses = days.map((day, index) => useOn(day, 10 ** index))
  const file = keysWith('', uses)
  writeFileSync(
    `${file}.usage.0123456789abcdef`,
    JSON.stringify({ uses: [useOn('2026-06-30', 5)], merged: [] }),
  )
  const [key] = (await reportKeys(file)).keys
  expect(key).toMatchObject({
    lastUsed: '2026-06-30T12:00:00Z',
    checks: { today: 6, last7Days: 16, last30Days: 1116 },
    attention: [],
  })
  expect(key?.checks?.days).toHaveLength(30)
  expect([key?.checks?.days[0], key?.checks?.days[1], key?.checks?.days[29]]).toEqual([
    { day: '2026-06-01', checks: 1000 },
    { day: '2026-06-02', checks: 0 },
    { day: '2026-06-30', checks: 6 },
  ])
})

it.each([
  ['', [useOn('2026-06-30')], []],
  ['', [useOn('2026-04-02')], []],
  ['', [useOn('2026-04-01')], ['unused']],
  ['', [{ ...useOn('2026-04-01'), lastUsed: '2026-04-01T23:59:59Z' }], ['unused']],
  ['', [useOn('2026-06-30', 0)], []],
  ['', [], ['never_used']],
  ['', undefined, ['never_used']],
  [', expires: 2026-07-14T23:59:59Z', [useOn('2026-06-30')], ['expires_soon']],
  [', expires: 2026-07-15T00:00:00Z', [useOn('2026-06-30')], []],
  [', expires: 2026-07-01', [], ['expires_soon', 'never_used']],
  [', expires: 2026-06-30', [], []],
  [', revoked: true, expires: 2026-07-01', [], []],
] as const)(
  'a key with "%s" and the use %j needs attention: %j',
  async (fields, uses, attention) => {
    const { keys } = await reportKeys(keysWith(fields, uses))
    expect(keys).toMatchObject([{ attention }])
  },
)

it.each([
  ['{', 'does not hold the use of keys. Remove it: the counts in it are lost'],
  ['{"uses":[]}', 'does not hold the use of keys. Remove it: the counts in it are lost'],
  ['\xff', 'does not hold the use of keys'],
])('lists the keys beside a broken file of use: %s', async (text, message) => {
  const file = keysWith('')
  writeFileSync(`${file}.usage`, text)
  const { keys, useError } = await reportKeys(file)
  expect(keys).toMatchObject([{ id: 'a', attention: [] }])
  expect(keys[0]).not.toHaveProperty('checks')
  expect(useError?.code).toBe('malformed')
  expect(useError?.message).toBe(
    `${file}.usage ${message}${message.endsWith('lost') ? '' : '. Remove it: the counts in it are lost'}`,
  )
})

it('lists the keys beside a file of use that cannot be read', async () => {
  const file = keysWith('')
  mkdirSync(`${file}.usage`)
  const { keys, useError } = await reportKeys(file)
  expect(keys).toMatchObject([{ id: 'a', attention: [] }])
  expect(useError).toMatchObject({ code: 'unreadable' })
})

it('ignores entries that do not have the form of a use', async () => {
  const wrong = [
    null,
    { ...useOn('2026-06-30'), checks: -1 },
    { ...useOn('2026-06-30'), checks: 1.5 },
    { ...useOn('2026-06-30'), id: '../a' },
    { ...useOn('2026-06-30'), day: 'today' },
    { ...useOn('2026-06-30'), day: '2026-06-31' },
    { ...useOn('2026-06-30'), day: '2026-06-30T12:00:00Z' },
    { ...useOn('2026-06-30'), lastUsed: ['2026-06-30T12:00:00Z'] },
    { ...useOn('2026-06-30'), lastUsed: '\u001b[31m' },
  ]
  const { keys } = await reportKeys(keysWith('', wrong as KeyUse[]))
  expect(keys).toMatchObject([{ checks: { last30Days: 0 }, attention: ['never_used'] }])
  expect(keys[0]).not.toHaveProperty('lastUsed')
})
