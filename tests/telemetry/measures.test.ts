import { expect, it } from 'vitest'
import { isOutage, Measures } from '../../src/telemetry/measures.ts'
import type { CountedDecision } from '../../src/telemetry/measures.ts'
import type { MetricId } from '../../src/telemetry/metrics.ts'

/** The series that are not zero, each as the values of its labels. */
function countedBy(id: MetricId, count: (measures: Measures) => void): readonly string[] {
  const measures = new Measures('library')
  count(measures)
  return measures
    .samples(id)
    .filter(({ value }) => value > 0)
    .map(({ labels, value }) => `${Object.values(labels).join(' ').trim()} = ${value}`)
}

it.each([
  ['denied', false],
  ['forbidden', false],
  ['malformed_request', false],
  ['timeout', true],
  ['circuit_open', true],
  ['internal_error', true],
  ['not_configured', true],
] as const)('%s is an outage: %s', (reason, expected) => {
  expect(isOutage({ reason })).toBe(expected)
  // A trial fails no request.
  expect(isOutage({ reason, shadow: true })).toBe(false)
})

it('a key that was not searched for is no outage, and is counted by itself', () => {
  const why = { reason: 'overloaded', detail: 'unknown_key' } as const
  expect(isOutage(why)).toBe(false)
  expect([isOutage({ reason: 'overloaded' }), isOutage({})]).toEqual([true, false])
  const reasonOf = (more: Partial<CountedDecision>): readonly string[] =>
    countedBy('decisions', (measures) => measures.decide({ outcome: 'deny', ...more }))
  expect(reasonOf(why)).toEqual(['deny unknown_key off = 1'])
  expect(reasonOf({ reason: 'denied', detail: 'unknown_key' })).toEqual(['deny denied off = 1'])
  expect(reasonOf({ reason: 'overloaded' })).toEqual(['deny overloaded off = 1'])
})

it.each([
  [{ result: 'fetched' }, 'ok'],
  [{ result: 'failed', reason: 'timeout' }, 'timeout'],
  [{ result: 'failed', reason: 'invalid_response' }, 'invalid'],
  [{ result: 'failed', reason: 'unreachable' }, 'error'],
  [{ result: 'failed' }, 'error'],
] as const)('a fetch of keys %j has the result %s', (event, result) => {
  const count = (measures: Measures): void =>
    measures.note({ type: 'keys', verifier: 'jwt', ...event })
  expect(countedBy('keysFetches', count)).toEqual([`${result} = 1`])
})

it.each<[facts: Partial<CountedDecision>, status: string | undefined]>([
  [{ endpointStatus: 200 }, '200'],
  [{ endpointStatus: 204 }, '2xx'],
  [{ endpointStatus: 302 }, '3xx'],
  [{ endpointStatus: 401 }, '401'],
  [{ endpointStatus: 403 }, '403'],
  [{ endpointStatus: 404 }, '4xx'],
  [{ endpointStatus: 429 }, '429'],
  [{ endpointStatus: 500 }, '5xx'],
  [{ endpointStatus: 503, attempts: 2 }, '5xx'],
  [{ reason: 'timeout' }, 'none'],
  [{ reason: 'unreachable' }, 'none'],
  [{ outcome: 'allow', cache: 'stale' }, 'none'],
  // The call of another check, which counts it.
  [{ endpointStatus: 200, cache: 'shared' }, undefined],
  [{ attempts: 0, cache: 'hit' }, undefined],
  [{ attempts: 0, reason: 'circuit_open' }, undefined],
  // A verifier that asks no endpoint.
  [{ reason: 'denied' }, undefined],
  [{ outcome: 'allow' }, undefined],
])('an answer of the endpoint %j is counted by %s', (facts, status) => {
  const decision = { outcome: 'deny', attempts: 1, cache: 'miss', ...facts }
  const counted = countedBy('endpointResponses', (measures) => measures.decide(decision))
  expect(counted).toEqual(status === undefined ? [] : [`${status} = 1`])
})
