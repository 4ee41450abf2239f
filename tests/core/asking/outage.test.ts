import { expect, it } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import {
  RecentOutage,
  isOutage,
  isWorthRetrying,
  permitsStaleOfLocal,
} from '../../../src/core/asking/outage.ts'

const error = (
  reason: AuthUnavailableError['reason'],
  status?: number,
  detail?: 'unknown_key',
): AuthUnavailableError => new AuthUnavailableError(reason, { status, detail })

const failing = new RecentOutage(false)
failing.note(0)

function kindsOf(thrown: unknown): string {
  const kinds = [
    isOutage(thrown) && 'outage',
    isWorthRetrying(thrown) && 'retry',
    failing.permitsStale(thrown, 0) && 'stale',
    permitsStaleOfLocal(thrown) && 'local',
  ]
  return kinds.filter(Boolean).join(' ')
}

it.each([
  ['no answer in time', error('timeout'), 'outage stale'],
  ['no connection', error('unreachable'), 'outage retry stale local'],
  ['a body that broke off', error('unreachable', 200), 'outage stale local'],
  ['a 502', error('service_error', 502), 'outage retry stale local'],
  ['a 503', error('service_error', 503), 'outage retry stale local'],
  ['a 504', error('service_error', 504), 'outage retry stale local'],
  ['a 500', error('service_error', 500), ''],
  ['a 501', error('service_error', 501), ''],
  ['a service error without a status', error('service_error'), ''],
  ['a 429', error('rate_limited', 429), ''],
  ['a gateway that limits the rate', error('rate_limited', 503), ''],
  ['a bad body', error('invalid_response', 200), ''],
  ['an open circuit', error('circuit_open'), 'stale local'],
  ['too many checks', error('overloaded'), 'stale'],
  ['a key that is not found', error('unreachable', undefined, 'unknown_key'), 'outage retry'],
  ['a bug', new TypeError('bug'), ''],
])('%s', (_what, thrown, expected) => {
  expect(kindsOf(thrown)).toBe(expected)
})

it.each([
  { reason: 'timeout' },
  { reason: 'unreachable' },
  { reason: 'service_error', status: 503 },
  { reason: 'overloaded' },
  undefined,
  null,
  'unreachable',
])('%j is none of these, whatever a verifier means by throwing it', (thrown) => {
  expect(kindsOf(thrown)).toBe('')
})

it.each([
  ['overloaded', false],
  ['circuit_open', false],
  ['timeout', false],
  ['unreachable', false],
] as const)('%s where the endpoint has not failed lately: stale is %s', (reason, stale) => {
  expect(new RecentOutage(false).permitsStale(error(reason), 0)).toBe(stale)
})

it('an outage that a check met itself lets its own expired allow stand in, and no other without a circuit', () => {
  for (const hasCircuit of [true, false]) {
    const outage = new RecentOutage(hasCircuit)
    const own = error('unreachable')
    outage.noteFailure(own, 0)
    expect(outage.permitsStale(own, 0)).toBe(true)
    expect(outage.permitsStale(error('overloaded'), 0)).toBe(!hasCircuit)
  }
})

it('remembers an outage for a while, and none at first', () => {
  let now = 0
  const outage = new RecentOutage(false)
  expect(outage.isRecent(now)).toBe(false)
  now = 5000
  outage.note(now)
  expect(outage.isRecent(now)).toBe(true)
  now = 14_999
  expect(outage.isRecent(now)).toBe(true)
  now = 15_000
  expect(outage.isRecent(now)).toBe(false)
})

it.each<[string, unknown, number, number | undefined, boolean]>([
  ['a call that ended late', error('timeout'), 1, undefined, true],
  ['a call that waited, and no other was answered since', error('timeout'), 1, 200, true],
  ['a call that waited, and another was answered at that moment', error('timeout'), 1, 100, false],
  ['a call that waited, and another was answered since', error('timeout'), 1, 50, false],
  ['a call that waited, and was not answered at all', error('unreachable'), 1, 50, true],
  ['a check that never got to its call', error('timeout'), 0, undefined, false],
  ['an answer', error('rate_limited'), 1, undefined, false],
  ['a bug', new TypeError('bug'), 1, undefined, false],
])('an outage is shown by %s: %#', (_what, thrown, attempts, waitedSince, isShown) => {
  const outage = new RecentOutage(false)
  outage.noteAnswer(100)
  expect(outage.isShownBy(thrown, attempts, waitedSince)).toBe(isShown)
})

it('an outage is shown by a late call that waited, where the endpoint never answered', () => {
  const outage = new RecentOutage(false)
  expect(outage.isShownBy(error('timeout'), 1, 50)).toBe(true)
})
