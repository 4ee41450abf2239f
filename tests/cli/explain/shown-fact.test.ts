import { afterEach, expect, it, vi } from 'vitest'
import { showTime } from '../../../src/cli/explain/shown-fact.ts'

afterEach(() => {
  vi.unstubAllEnvs()
})

it.each([
  ['Asia/Kolkata', 60_000, '1970-01-01 05:30:00 +05:30 (1 minute ago)'],
  ['America/New_York', -7_200_000, '1969-12-31 19:00:00 -05:00 (in 2 hours)'],
])('shows a time as the clocks of %s do', (zone, now, expected) => {
  vi.stubEnv('TZ', zone)
  expect(showTime(0, now)).toBe(expected)
})

// A token names any time, and one at the end of all times is another day elsewhere.
it.each([
  ['Asia/Kolkata', 8.64e15],
  ['America/New_York', -8.64e15],
  ['UTC', 1e300],
  ['UTC', Number.NaN],
])('shows no time in %s that no clock has: %d', (zone, time) => {
  vi.stubEnv('TZ', zone)
  expect(showTime(time)).toBe('no time that can be shown')
})
