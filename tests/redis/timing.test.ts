import { expect, it, vi } from 'vitest'
import { EngineError, reasonOf } from '../../src/redis/engine.ts'
import { settleWithin, systemTiming } from '../../src/redis/timing.ts'

/** The timers of a store, and what ends a wait. */

it.each([
  [undefined, false],
  [false, false],
  [true, true],
])('a timer keeps the process alive only if told so: %s', (keepsAlive, hasRef) => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const cancel = systemTiming.schedule(60_000, () => undefined, keepsAlive)
  expect(timers.mock.results.map(({ value }) => value.hasRef())).toEqual([hasRef])
  cancel()
})

it('a cancelled timer does not fire', () => {
  vi.useFakeTimers()
  const [first, second] = [vi.fn(), vi.fn()]
  systemTiming.schedule(10, first)()
  systemTiming.schedule(10, second)
  vi.advanceTimersByTime(10)
  expect(first).not.toHaveBeenCalled()
  expect(second).toHaveBeenCalledOnce()
})

it('a wait ends as a timeout, and keeps the process alive until then', async () => {
  const schedule = vi.fn((_ms: number, run: () => void) => {
    run()
    return () => undefined
  })
  const error = new EngineError('timeout')
  await expect(settleWithin({ schedule }, 5, new Promise(() => undefined))).rejects.toEqual(error)
  expect(schedule).toHaveBeenCalledExactlyOnceWith(5, expect.any(Function), true)
})

it('an error of an engine has a code, and any other has none', () => {
  const error = new EngineError('NOPERM')
  expect(String(error)).toBe('EngineError: The store cannot be used: NOPERM')
  expect([reasonOf(error), reasonOf(new Error('hunter2'))]).toEqual(['NOPERM', 'internal_error'])
})
