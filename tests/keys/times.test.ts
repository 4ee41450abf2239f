import { expect, it } from 'vitest'
import { formatTimestamp, parseDuration, parseTimestamp } from '../../src/keys/times.ts'

it.each([
  ['2026-12-31T23:59:59Z', Date.UTC(2026, 11, 31, 23, 59, 59)],
  ['2026-12-31T23:59:59.5Z', Date.UTC(2026, 11, 31, 23, 59, 59, 500)],
  ['2026-12-31T23:59:59+01:00', Date.UTC(2026, 11, 31, 22, 59, 59)],
  ['2026-12-31T00:00:00+23:59', Date.UTC(2026, 11, 30, 0, 1)],
  ['2026-12-31T23:59:59-20:00', Date.UTC(2027, 0, 1, 19, 59, 59)],
  ['2024-02-29T00:00:00Z', Date.UTC(2024, 1, 29)],
  ['2026-12-31', Date.UTC(2026, 11, 31)],
])('parseTimestamp reads %s', (text, time) => {
  expect(parseTimestamp(text)).toBe(time)
})

const DAYS = '2026-13-01|2025-02-29|31.12.2026|+012026-12-31|x2026-12-31|2026-12-31Z'
const TIMES =
  '24:00:00Z|23:59:60Z|23:59:59|23:59:59+24:00|23:59:59+30:00|23:59:59+01:60|23:59:59.1234Z|23:59:59Z '

it.each([
  '',
  'never',
  '1798761599',
  ' 2026-12-31',
  '2026-12-31\n',
  '2026-12-31 23:59:59Z',
  '2026-02-30T00:00:00Z',
  ...DAYS.split('|'),
  ...TIMES.split('|').map((time) => `2026-12-31T${time}`),
])('parseTimestamp rejects %j', (text) => {
  expect(parseTimestamp(text)).toBeUndefined()
})

it('formatTimestamp omits milliseconds that are zero', () => {
  expect(formatTimestamp(Date.UTC(2026, 0, 2))).toBe('2026-01-02T00:00:00Z')
  expect(formatTimestamp(Date.UTC(2026, 0, 2) + 7)).toBe('2026-01-02T00:00:00.007Z')
})

it.each([
  ['1s', 1000],
  ['30m', 1_800_000],
  ['12h', 43_200_000],
  ['90d', 7_776_000_000],
  ['2w', 1_209_600_000],
])('parseDuration reads %s', (text, milliseconds) => {
  expect(parseDuration(text)).toBe(milliseconds)
})

it.each(['', '0d', '90', 'd', '-1d', '1.5h', '90D', '1y', '90 d', '1d1h', '1234567s'])(
  'parseDuration rejects %j',
  (text) => {
    expect(parseDuration(text)).toBeUndefined()
  },
)
