import { expect, it } from 'vitest'
import {
  describeOutcome,
  describeView,
  isOutage,
  isRedirect,
  isVerdict,
  leftOut,
  skipped,
  whyLeftOut,
} from '../../../src/cli/conformance/finding.ts'
import { answered, found } from '../../support/probe-outcomes.ts'

it('says what came in numbers', () => {
  expect(describeOutcome(answered(401, { durationMs: 12.4 }))).toBe('401 in 12 ms')
  const silence = { kind: 'silence', durationMs: 5000.2 } as const
  expect(describeOutcome({ ...silence, reason: 'timeout' })).toBe('no answer within 5000 ms')
  expect(describeOutcome({ ...silence, reason: 'unreachable' })).toBe('no answer')
  const refused = { ...silence, reason: 'unreachable', code: 'ECONNREFUSED' } as const
  expect(describeOutcome(refused)).toBe('no answer: ECONNREFUSED')
})

it('says what the wrapper makes of it', () => {
  expect(describeView({ passes: true, isNamed: true })).toBe('allows, with principal')
  expect(describeView({ passes: true, isNamed: false })).toBe('allows, no principal')
  expect(describeView({ passes: false, reason: 'denied' })).toBe('rejects: denied')
})

it.each([
  [200, false, false],
  [299, false, false],
  [300, false, true],
  [307, false, true],
  [399, false, true],
  [400, false, false],
  [401, false, false],
  [429, true, false],
  [500, true, false],
  [599, true, false],
])('takes %i for an outage: %s, for a redirect: %s', async (status, outage, redirect) => {
  const finding = await found(answered(status))
  expect([isOutage(finding), isRedirect(finding)]).toEqual([outage, redirect])
})

it('takes silence for an outage', async () => {
  const finding = await found({ kind: 'silence', reason: 'timeout', durationMs: 1 })
  expect([isOutage(finding), isRedirect(finding)]).toEqual([true, false])
})

it('says why something was not examined', () => {
  expect(skipped('identity', 'no key')).toEqual({
    check: 'identity',
    result: 'skipped',
    did: 'no key',
    wrapper: '-',
  })
})

it.each([
  [200, true],
  [201, false],
  [401, true],
  [403, true],
  [404, false],
  [500, false],
])('takes %i for a verdict: %s', async (status, expected) => {
  expect(isVerdict(await found(answered(status)))).toBe(expected)
})

it('tells what was left out from what was skipped', () => {
  const row = leftOut('identity', 'nothing listens there')
  expect(row).toEqual(skipped('identity', 'not asked: nothing listens there'))
  expect(whyLeftOut(row)).toBe('nothing listens there')
  expect(whyLeftOut(skipped('identity', 'no key'))).toBeUndefined()
  expect(whyLeftOut({ ...row, result: 'ok' })).toBeUndefined()
})
