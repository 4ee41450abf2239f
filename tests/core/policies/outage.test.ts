import { expect, it } from 'vitest'
import { AuthUnavailableError } from '../../../src/core/errors.ts'
import {
  RecentOutage,
  isOutage,
  isWorthRetrying,
  permitsStale,
} from '../../../src/core/policies/outage.ts'

const error = (reason: AuthUnavailableError['reason'], status?: number): AuthUnavailableError =>
  new AuthUnavailableError(reason, { status })

const failing = { isRecent: () => true }

it.each([
  ['no answer in time', error('timeout'), { outage: true, retry: false, stale: true }],
  ['no connection', error('unreachable'), { outage: true, retry: true, stale: true }],
  ['a body that broke off', error('unreachable', 200), { outage: true, retry: false, stale: true }],
  ['a 502', error('service_error', 502), { outage: true, retry: true, stale: true }],
  ['a 503', error('service_error', 503), { outage: true, retry: true, stale: true }],
  ['a 504', error('service_error', 504), { outage: true, retry: true, stale: true }],
  ['a 500', error('service_error', 500), { outage: false, retry: false, stale: false }],
  ['a 501', error('service_error', 501), { outage: false, retry: false, stale: false }],
  [
    'a service error without a status',
    error('service_error'),
    { outage: false, retry: false, stale: false },
  ],
  ['a 429', error('rate_limited', 429), { outage: false, retry: false, stale: false }],
  [
    'a gateway that limits the rate',
    error('rate_limited', 503),
    { outage: false, retry: false, stale: false },
  ],
  ['a bad body', error('invalid_response', 200), { outage: false, retry: false, stale: false }],
  ['an open circuit', error('circuit_open'), { outage: false, retry: false, stale: true }],
  ['too many checks', error('overloaded'), { outage: false, retry: false, stale: true }],
  ['a bug', new TypeError('bug'), { outage: false, retry: false, stale: false }],
])('%s', (_what, thrown, { outage, retry, stale }) => {
  expect([isOutage(thrown), isWorthRetrying(thrown), permitsStale(thrown, failing)]).toEqual([
    outage,
    retry,
    stale,
  ])
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
  expect([isOutage(thrown), isWorthRetrying(thrown), permitsStale(thrown, failing)]).toEqual([
    false,
    false,
    false,
  ])
})

it.each([
  ['overloaded', false],
  ['circuit_open', true],
  ['timeout', false],
  ['unreachable', false],
] as const)('%s where the endpoint has not failed lately: stale is %s', (reason, stale) => {
  const well = { isRecent: () => false }
  expect(permitsStale(error(reason), well)).toBe(stale)
})

it('remembers an outage for a while, and none at first', () => {
  let now = 0
  const outage = new RecentOutage(1000, () => now)
  expect(outage.isRecent()).toBe(false)
  now = 5000
  outage.note()
  expect(outage.isRecent()).toBe(true)
  now = 5999
  expect(outage.isRecent()).toBe(true)
  now = 6000
  expect(outage.isRecent()).toBe(false)
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
  let now = 100
  const outage = new RecentOutage(1000, () => now)
  outage.noteAnswer()
  now = 300
  expect(outage.isShownBy(thrown, { attempts, waitedSince })).toBe(isShown)
})

it('an outage is shown by a late call that waited, where the endpoint never answered', () => {
  const outage = new RecentOutage(1000, () => 300)
  expect(outage.isShownBy(error('timeout'), { attempts: 1, waitedSince: 50 })).toBe(true)
})
