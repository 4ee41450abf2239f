import { expect, it } from 'vitest'
import { createPendingFills } from '../../src/core/pending-fills.ts'
import { checkOf } from '../support/checks.ts'

const clock = { now: () => 100, wallNow: () => 1000 }

it('knows when a fill began, by both clocks', () => {
  const check = checkOf()
  expect(createPendingFills(clock).begin(check)).toEqual({
    check,
    startedAt: 100,
    wallStartedAt: 1000,
    isOutdated: false,
  })
})

it('outdates all of a token, or all', () => {
  const fills = createPendingFills(clock)
  const [a, b, other] = [checkOf('t', 'a'), checkOf('t', 'b'), checkOf('u')].map(fills.begin)
  fills.outdate('t')
  fills.outdate('unknown')
  expect([a?.isOutdated, b?.isOutdated, other?.isOutdated]).toEqual([true, true, false])
  fills.outdate()
  expect(other?.isOutdated).toBe(true)
})

it('outdates what asked the same before', () => {
  const fills = createPendingFills(clock)
  const checks = [
    checkOf('t', 'a'),
    checkOf('t', 'b'),
    checkOf('u', 'a'),
    checkOf('t', 'a'),
    checkOf('t', 'a'),
  ]
  const begun = checks.map(fills.begin)
  if (begun[3] !== undefined) fills.outdateTwins(begun[3], 'older')
  expect(begun.map(({ isOutdated }) => isOutdated)).toEqual([true, false, false, false, false])
  if (begun[3] !== undefined) fills.outdateTwins(begun[3], 'all')
  expect(begun.map(({ isOutdated }) => isOutdated)).toEqual([true, false, false, false, true])
})

it('has nothing to do with what has ended', () => {
  const fills = createPendingFills(clock)
  const fill = fills.begin(checkOf())
  fills.end(fill)
  fills.end(fill)
  fills.outdate()
  fills.outdateTwins(fill, 'older')
  expect(fill.isOutdated).toBe(false)
})

it('drops what is past its deadline when there is much of it, and nothing else', () => {
  let now = 0
  const fills = createPendingFills({ now: () => now, wallNow: () => now })
  const begin = (token: string, expiresAt: number) => {
    const check = checkOf(token)
    check.expiresAt = expiresAt
    return fills.begin(check)
  }
  const [lost, alive] = [begin('lost', 5), begin('alive', 5000)]
  for (let turn = 0; turn < 2046; turn += 1) begin(`t${turn}`, 5000)
  now = 1010
  begin('one more', 5000)
  fills.outdate()
  expect([lost.isOutdated, alive.isOutdated]).toEqual([false, true])
})
