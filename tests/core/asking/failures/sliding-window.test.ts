import { expect, it } from 'vitest'
import { SlidingWindow } from '../../../../src/core/asking/failures/sliding-window.ts'

it('counts what is in the window, and forgets it by tenths', () => {
  const window = new SlidingWindow(1000)
  window.add(0)
  window.add(99)
  window.add(500)
  expect(window.total(999)).toBe(3)
  expect(window.total(1000)).toBe(1)
  expect(window.total(1499)).toBe(1)
  expect(window.total(1500)).toBe(0)
})

it('counts nothing after it is cleared, or after a long time', () => {
  const window = new SlidingWindow(1000)
  window.add(5000)
  window.clear()
  expect(window.total(5000)).toBe(0)
  window.add(5000)
  window.add(9000)
  expect(window.total(9000)).toBe(1)
})

it('counts what was read from the clock a moment ago as now', () => {
  const window = new SlidingWindow(1000)
  window.add(5000)
  window.add(4800)
  expect(window.total(4900)).toBe(2)
  expect([window.total(5999), window.total(6000)]).toEqual([2, 0])
})

it('counts a million events in constant memory', { tags: ['slow'] }, () => {
  const window = new SlidingWindow(1000)
  for (let now = 0; now < 1_000_000; now += 1) window.add(now)
  expect(window.total(999_999)).toBe(1000)
})
