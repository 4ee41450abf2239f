import { expect, it, vi } from 'vitest'
import { PendingFills } from '../../../../src/core/policies/cache/pending-fills.ts'
import { checkOf } from '../../../support/checks.ts'

const clock = { now: () => 100, wallNow: () => 1000 }

it('knows when a fill began, by both clocks', () => {
  const check = checkOf()
  expect(new PendingFills(clock).begin(check, 5000)).toEqual({
    check,
    deadline: 5000,
    startedAt: 100,
    wallStartedAt: 1000,
    isOutdated: false,
  })
})

it('outdates all of a token, or all', () => {
  const fills = new PendingFills(clock)
  const [a, b, other] = [checkOf('t', 'a'), checkOf('t', 'b'), checkOf('u')].map((check) =>
    fills.begin(check, 5000),
  )
  fills.outdate('t')
  fills.outdate('unknown')
  expect([a?.isOutdated, b?.isOutdated, other?.isOutdated]).toEqual([true, true, false])
  fills.outdate()
  expect(other?.isOutdated).toBe(true)
})

it('outdates what asked the same before', () => {
  const fills = new PendingFills(clock)
  const checks = [
    checkOf('t', 'a'),
    checkOf('t', 'b'),
    checkOf('u', 'a'),
    checkOf('t', 'a'),
    checkOf('t', 'a'),
  ]
  const begun = checks.map((check) => fills.begin(check, 5000))
  if (begun[3] !== undefined) fills.outdateOthers(begun[3], 'older')
  expect(begun.map(({ isOutdated }) => isOutdated)).toEqual([true, false, false, false, false])
  if (begun[3] !== undefined) fills.outdateOthers(begun[3], 'all')
  expect(begun.map(({ isOutdated }) => isOutdated)).toEqual([true, false, false, false, true])
})

it('says whether it outdated any', () => {
  const fills = new PendingFills(clock)
  const [first, second] = [fills.begin(checkOf(), 5000), fills.begin(checkOf(), 5000)]
  expect(fills.outdateOthers(first, 'older')).toBe(false)
  expect(fills.outdateOthers(second, 'older')).toBe(true)
  expect(fills.outdateOthers(fills.begin(checkOf('alone'), 5000), 'all')).toBe(false)
})

it('still outdates the others of a token when one has ended', () => {
  const fills = new PendingFills(clock)
  const [ended, other] = [
    fills.begin(checkOf('t', 'a'), 5000),
    fills.begin(checkOf('t', 'b'), 5000),
  ]
  fills.end(ended)
  fills.outdate('t')
  expect([ended.isOutdated, other.isOutdated]).toEqual([false, true])
})

it('has nothing to do with what has ended', () => {
  const fills = new PendingFills(clock)
  const fill = fills.begin(checkOf(), 5000)
  fills.end(fill)
  fills.end(fill)
  fills.outdate()
  expect(fills.outdateOthers(fill, 'older')).toBe(false)
  expect(fills.outdateOthers(fill, 'all')).toBe(false)
  expect(fill.isOutdated).toBe(false)
})

it('drops what is past its deadline when there is much of it, and nothing else', () => {
  let now = 0
  const fills = new PendingFills({ now: () => now, wallNow: () => now })
  const begin = (token: string, deadline: number) => fills.begin(checkOf(token), deadline)
  const [lost, late, alive] = [begin('lost', 9), begin('late', 10), begin('alive', 5000)]
  for (let turn = 0; turn < 2045; turn += 1) begin(`t${turn}`, 5000)
  // A call may come back a moment after its deadline.
  now = 1010
  begin('one more', 5000)
  expect([lost.isOutdated, late.isOutdated, alive.isOutdated]).toEqual([true, false, false])
  // It comes after all, and says nothing about what was asked later.
  const younger = [begin('lost', 5000), begin('lost', 5000)]
  expect(fills.outdateOthers(lost, 'older')).toBe(false)
  expect(younger.map((fill) => fills.outdateOthers(fill, 'older'))).toEqual([false, true])
  expect(younger.map(({ isOutdated }) => isOutdated)).toEqual([true, false])
})

it('looks for nothing where all have ended', () => {
  const now = vi.fn(() => 0)
  const fills = new PendingFills({ now, wallNow: () => 0 })
  for (let turn = 0; turn < 4096; turn += 1) fills.end(fills.begin(checkOf(`t${turn}`), 5000))
  expect(now).toHaveBeenCalledTimes(4096)
})

it('looks for what is lost again at twice as many, and not each time', () => {
  const now = vi.fn(() => 0)
  const fills = new PendingFills({ now, wallNow: () => 0 })
  const begin = (count: number, prefix: string): number => {
    now.mockClear()
    for (let turn = 0; turn < count; turn += 1) fills.begin(checkOf(`${prefix}${turn}`), 5000)
    return now.mock.calls.length - count
  }
  expect(begin(2048, 'a')).toBe(0)
  expect(begin(2048, 'b')).toBe(1)
  expect(begin(1, 'c')).toBe(1)
})

it('does not compare the questions of one token with each other', () => {
  const fills = new PendingFills(clock)
  let reads = 0
  const begun = Array.from({ length: 500 }, (_, index) => {
    const check = checkOf('t', `told ${index}`)
    const { told } = check
    const read = (): string => {
      reads += 1
      return told
    }
    return fills.begin(Object.defineProperty(check, 'told', { get: read }), 5000)
  })
  for (const fill of begun) expect(fills.outdateOthers(fill, 'all')).toBe(false)
  // To make the key.
  expect(reads).toBeLessThanOrEqual(500)
})

it('drops the lost fills of one question when it is asked again', () => {
  let now = 100
  const fills = new PendingFills({ now: () => now, wallNow: () => 1000 })
  const begin = (deadline: number) => fills.begin(checkOf(), deadline)
  const [lost, late] = [begin(1000), begin(1001)]
  now = 2001
  const again = begin(3000)
  expect([lost.isOutdated, late.isOutdated]).toEqual([true, false])
  expect(fills.outdateOthers(again, 'older')).toBe(true)
  now = 2002
  const last = begin(3000)
  expect([late, again].map(({ isOutdated }) => isOutdated)).toEqual([true, false])
  fills.end(again)
  expect(fills.outdateOthers(last, 'all')).toBe(false)
})

it('outdates the others after one of them, or the fill itself, has ended', () => {
  const fills = new PendingFills(clock)
  const [ended, first, second] = [checkOf(), checkOf(), checkOf()].map((check) =>
    fills.begin(check, 5000),
  )
  if (ended === undefined || first === undefined || second === undefined) throw new Error('none')
  fills.end(ended)
  expect(fills.outdateOthers(second, 'older')).toBe(true)
  expect([first, second].map(({ isOutdated }) => isOutdated)).toEqual([true, false])
  expect(fills.outdateOthers(ended, 'older')).toBe(false)
  expect(fills.outdateOthers(ended, 'all')).toBe(true)
  expect(second.isOutdated).toBe(true)
})
