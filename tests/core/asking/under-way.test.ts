import { expect, it } from 'vitest'
import { PendingCall, UnderWay } from '../../../src/core/asking/under-way.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import { checkOf } from '../../support/checks.ts'

const GUARD = {}

const callOf = (
  check = checkOf(),
  deadline = 5000,
  now = 100,
  by = GUARD,
  isShared = true,
): PendingCall =>
  new PendingCall({ check, facts: createFacts(), deadline, now }, by, isShared, 0, undefined)

function trackCalls() {
  const underWay = new UnderWay()
  const begin = (
    token = 't',
    told = 'told',
    deadline = 5000,
    now = 100,
    by = GUARD,
  ): PendingCall => {
    const call = callOf(checkOf(token, told), deadline, now, by)
    underWay.begin(call)
    return call
  }
  const others = (call: PendingCall) => underWay.outdateOthers(call)
  return { underWay, begin, others }
}

const keyOf = (call: PendingCall): string => call.start.check.key
const areSuperseded = (calls: readonly PendingCall[]) =>
  calls.map(({ isSuperseded }) => isSuperseded)
const areOutdated = (calls: readonly PendingCall[]) => calls.map(({ isOutdated }) => isOutdated)

it('has nothing to do with what has ended, and still outdates the others', () => {
  const { underWay, begin, others } = trackCalls()
  const [ended, first, second] = [begin(), begin(), begin()]
  underWay.end(ended)
  underWay.end(ended)
  underWay.supersedeOlder(second)
  expect(areSuperseded([ended, first, second])).toEqual([false, true, false])
  expect(others(second)).toBe(true)
  expect(areOutdated([ended, first, second])).toEqual([false, true, false])
  underWay.end(first)
  underWay.end(second)
  underWay.outdate()
  const after = begin()
  underWay.supersedeOlder(ended)
  expect(others(after)).toBe(false)
  expect(areOutdated([ended, second, after])).toEqual([false, false, false])
  expect(areSuperseded([second, after])).toEqual([false, false])
})

it('drops the lost calls for a question when it is asked again', () => {
  const { begin, others } = trackCalls()
  const [lost, late] = [begin('t', 'a', 1000), begin('t', 'a', 1001)]
  // A call may come back a moment after its deadline.
  const again = begin('t', 'a', 3000, 2001)
  expect(areOutdated([lost, late])).toEqual([true, false])
  const last = begin('t', 'a', 3000, 2002)
  expect(areOutdated([late, again])).toEqual([true, false])
  expect(others(last)).toBe(true)
  expect(again.isOutdated).toBe(true)
})

it('looks at few of many calls for one question when one more begins', () => {
  const { begin } = trackCalls()
  let looks = 0
  for (let turn = 0; turn < 200; turn += 1) {
    const call = begin()
    const deadline = { get: () => ((looks += 1), 5000) }
    Object.assign(call, { start: Object.defineProperty({ ...call.start }, 'deadline', deadline) })
  }
  looks = 0
  begin()
  expect(looks).toBeLessThan(5)
})

it('drops the lost calls for all questions after 256 have begun, and nothing else', () => {
  const { underWay, begin } = trackCalls()
  const [lost, late, alive] = [begin('lost', '', 9), begin('late', '', 10), begin('alive')]
  for (let turn = 0; turn < 253; turn += 1) underWay.end(begin(`t${turn}`))
  expect(lost.isOutdated).toBe(false)
  begin('one more', '', 5000, 1010)
  expect(areOutdated([lost, late, alive])).toEqual([true, false, false])
  expect(underWay.newest(keyOf(lost), GUARD)).toBeUndefined()
  expect(underWay.newest(keyOf(late), GUARD)).toBe(late)
  // Its verdict comes after all, and says nothing about what was asked later.
  const younger = begin('lost', '')
  underWay.supersedeOlder(lost)
  expect(younger.isSuperseded).toBe(false)
})

it('looks for lost calls rarely, however many are under way, and still drops them', () => {
  const { underWay, begin } = trackCalls()
  let looks = 0
  const first = callOf(checkOf('first'))
  Object.defineProperty(first.start, 'deadline', {
    get: () => {
      looks += 1
      return 5000
    },
  })
  underWay.begin(first)
  for (let turn = 0; turn < 10_000; turn += 1) begin(`t${turn}`)
  expect(looks).toBeLessThan(10)
  for (let turn = 0; turn < 10_000; turn += 1) begin(`u${turn}`, 'told', 12_000, 7000)
  expect(first.isOutdated).toBe(true)
})
