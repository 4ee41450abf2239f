import { beforeEach, describe, expect, it, vi } from 'vitest'
import { Tries } from '../../src/verifiers/tries.ts'
import type { Attempt } from '../../src/verifiers/tries.ts'

/** Tries whose promises never end, as on Workers. tests/jwt/outage.test.ts shows their effect on callers. */

beforeEach(() => void vi.useFakeTimers())

/** Tries of one second, and a clock that stands. */
function triesOf(attempt: Attempt<string>) {
  const clock = { at: 0, now: () => clock.at, wallNow: () => clock.at }
  const ignore = (): void => undefined
  const options = { attempt, timeoutMs: 1000, onGood: ignore, onFailure: ignore }
  return { clock, tries: new Tries(options, clock) }
}

describe('a try', () => {
  it('that never ends is for others to wait for until its time has passed', () => {
    const { clock, tries } = triesOf(() => new Promise(() => undefined))
    expect(tries.underWay()).toBeUndefined()
    const lost = tries.start({})
    clock.at = 999
    expect(tries.underWay()).toBe(lost)
    clock.at = 1000
    expect(tries.underWay()).toBeUndefined()
  })

  it('that ends leaves a newer one under way, and no timer', async () => {
    const ends: ((value: string) => void)[] = []
    const { tries } = triesOf(() => new Promise((resolve) => ends.push(resolve)))
    const [first, second, third] = [tries.start({}), tries.start({}), tries.start({})]
    ends[0]?.('first')
    expect(await first?.ended).toBe('first')
    expect(tries.underWay()).toBe(third)
    ends[2]?.('third')
    expect(await third?.ended).toBe('third')
    expect(tries.underWay()).toBeUndefined()
    ends[1]?.('second')
    expect(await second?.ended).toBe('second')
    expect(vi.getTimerCount()).toBe(0)
  })
})

it('an outage lasts for the longest pause and one more try, or until a good one', async () => {
  const attempt = vi.fn<Attempt<string>>().mockRejectedValue(new Error('down'))
  const { clock, tries } = triesOf(attempt)
  expect(tries.isOutage).toBe(false)
  await tries.start({})?.ended
  clock.at = 30_999
  expect(tries.isOutage).toBe(true)
  clock.at = 31_000
  expect(tries.isOutage).toBe(false)
  await tries.start({})?.ended
  expect(tries.isOutage).toBe(true)
  attempt.mockResolvedValue('good')
  clock.at += 5000
  await tries.start({})?.ended
  expect(tries.isOutage).toBe(false)
})
