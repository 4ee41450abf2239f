import { afterEach, expect, it, vi } from 'vitest'
import { showTime } from '../../../src/cli/explain/shown-fact.ts'

// The clock of the zone, since a thread has that of its process.
const inZone = (minutes: number) =>
  vi.spyOn(Date.prototype, 'getTimezoneOffset').mockReturnValue(-minutes)

afterEach(() => {
  vi.restoreAllMocks()
})

it.each([
  [330, 60_000, '1970-01-01 05:30:00 +05:30 (1 minute ago)'],
  [-300, -7_200_000, '1969-12-31 19:00:00 -05:00 (in 2 hours)'],
  [0, 0, '1970-01-01 00:00:00 +00:00 (now)'],
])('shows a time as the clocks do that go %i minutes before', (minutes, now, expected) => {
  inZone(minutes)
  expect(showTime(0, now)).toBe(expected)
})

// A token names any time, and one at the end of all times is another day elsewhere.
it.each([
  [330, 8.64e15],
  [-300, -8.64e15],
  [0, 1e300],
  [0, Number.NaN],
])('shows no time that no clock has, %i minutes before: %d', (minutes, time) => {
  inZone(minutes)
  expect(showTime(time)).toBe('no time that can be shown')
})
