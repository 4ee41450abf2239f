import { describe, expect, it } from 'vitest'
import { createMeter } from '../../../src/cli/metrics/meters.ts'
import { formatExposition } from '../../../src/cli/metrics/exposition.ts'
import { parseExposition, valueOf } from '../../support/exposition.ts'
import type { LogEntry } from '../../../src/cli/log.ts'

/** The reasons of each command, before and in the guard. */
const REASONS = [
  'missing_credentials',
  'malformed_credentials',
  'denied',
  'forbidden',
  'insufficient_scope',
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'invalid_response',
  'circuit_open',
  'overloaded',
  'internal_error',
  'malformed_request',
  'not_configured',
  'endpoint_unproven',
  'conflicting_forwarded_headers',
]
const VERDICTS = new Set(['denied', 'forbidden', 'insufficient_scope'])
const CACHES = ['hit', 'miss', 'stale', 'shared', 'remote', 'skipped', 'off']

function meter(source: Parameters<typeof createMeter>[0] = 'gateway') {
  const { measure, families } = createMeter(source)
  return {
    measure: (...entries: readonly LogEntry[]) => entries.forEach(measure),
    scrape: () => parseExposition(formatExposition(families())),
  }
}

const decision = (more: Record<string, string | number | boolean> = {}): LogEntry => ({
  type: 'decision',
  outcome: 'allow',
  cache: 'off',
  durationMs: 3,
  ...more,
})
const ALL = [
  ...CACHES.map((cache) => decision({ cache })),
  decision({ outcome: 'public' }),
  decision({ outcome: 'preflight' }),
  ...REASONS.flatMap((reason) =>
    CACHES.map((cache) => decision({ outcome: 'deny', reason, cache })),
  ),
  ...[200, 204, 302, 401, 403, 404, 429, 500].map((endpointStatus) =>
    decision({ endpointStatus, attempts: 1, upstreamStatus: endpointStatus, upstreamMs: 3 }),
  ),
  decision({ failure: 'upstream_timeout' }),
  { type: 'circuit', state: 'open', tokens: 'known' },
  { type: 'keys', result: 'fetched', ageMs: 1000, verifier: 'jwt' },
  { type: 'store', state: 'lost' },
  { type: 'config_error', message: 'x' },
  { type: 'warning', message: 'x' },
  { type: 'keys_error', message: 'x' },
  { type: 'dropped' },
  { type: 'answer', status: 200 },
] as const

describe('the samples', () => {
  it.each([
    ['gateway', 135],
    ['forward-auth', 107],
    ['endpoint', 12],
  ] as const)(
    'of %s are %i before the first request and after all that can happen',
    (source, count) => {
      const { measure, scrape } = meter(source)
      const namesOf = (): string[] =>
        scrape().flatMap(({ samples }) =>
          samples.map(({ name, labels }) => name + JSON.stringify(labels)),
        )
      const before = namesOf()
      measure(...ALL)
      // An age is there as soon as there are keys.
      const ages = source === 'endpoint' ? [] : ['with_auth_keys_age_seconds{}']
      expect(new Set(namesOf())).toEqual(new Set([...before, ...ages]))
      expect(before).toHaveLength(count)
      expect(count).toBeLessThanOrEqual(148)
    },
  )

  it('keep each reason, also with a cache that it is not counted for', () => {
    const { measure, scrape } = meter()
    measure(...ALL)
    const count = (labels: Readonly<Record<string, string>>) =>
      valueOf(scrape(), 'with_auth_decisions_total', labels)
    for (const reason of REASONS) {
      const isCounted = count({ reason, cache: 'hit' }) !== undefined
      expect([reason, count({ reason }), isCounted]).toEqual([reason, 7, VERDICTS.has(reason)])
    }
    expect(count({ reason: 'denied', cache: 'hit' })).toBe(2)
    expect(count({ reason: 'denied', cache: 'miss' })).toBe(4)
    // The decisions with a status of the endpoint are without a cache.
    const caches = CACHES.slice(0, -1)
    expect(caches.map((cache) => count({ outcome: 'allow', cache }))).toEqual(caches.map(() => 1))
    expect(count({ reason: 'other' })).toBe(0)
  })

  it('tell a decision in shadow mode apart, which denied nobody', () => {
    const { measure, scrape } = meter()
    measure(
      decision({ outcome: 'deny', reason: 'denied', cache: 'miss' }),
      decision({ outcome: 'deny', reason: 'denied', cache: 'miss', shadow: true }),
    )
    const count = (shadow: string): number | undefined =>
      valueOf(scrape(), 'with_auth_decisions_total', { reason: 'denied', shadow })
    expect(['', 'true'].map(count)).toEqual([1, 1])
  })

  it('have no label for what they do not know', () => {
    const { measure, scrape } = meter()
    measure(
      decision({ outcome: 'deny', reason: 'sk-secret"}\n', cache: 'x' }),
      { type: 'decision', outcome: 'deny', reason: 'endpoint_unproven', status: 503 },
      { type: 'circuit', state: 'open', tokens: 'known', verifier: 'sk-secret' },
      { type: 'keys', result: 'fetched', ageMs: 0, verifier: 'sk-secret' },
    )
    expect(JSON.stringify(scrape())).not.toContain('secret')
    expect(valueOf(scrape(), 'with_auth_decisions_total', { reason: 'other' })).toBe(1)
    const unproven = { outcome: 'deny', reason: 'endpoint_unproven', cache: 'off' }
    expect(valueOf(scrape(), 'with_auth_decisions_total', unproven)).toBe(1)
    expect(valueOf(scrape(), 'with_auth_decisions_total')).toBe(2)
  })
})

it('the histogram counts checks by their duration, and no public path', () => {
  const { measure, scrape } = meter()
  measure(
    decision({ durationMs: 5 }),
    decision({ durationMs: 80 }),
    decision({ durationMs: 20_000 }),
  )
  measure(decision({ outcome: 'public' }), decision({ outcome: 'preflight' }))
  const name = 'with_auth_check_duration_seconds'
  const bucket = (le: string) => valueOf(scrape(), `${name}_bucket`, { le })
  expect(['0.005', '0.01', '0.075', '0.1', '10', '+Inf'].map(bucket)).toEqual([1, 1, 1, 2, 2, 3])
  expect(valueOf(scrape(), `${name}_count`)).toBe(3)
  expect(valueOf(scrape(), `${name}_sum`)).toBeCloseTo(20.085)
})

it('the upstream is counted by classes of its status, by failures, and by its first byte', () => {
  const { measure, scrape } = meter()
  measure(
    ...[101, 200, 204, 302, 404, 500, 503].map((upstreamStatus) =>
      decision({ upstreamStatus, upstreamMs: 40 }),
    ),
    decision({ failure: 'upstream_unreachable' }),
    decision({ failure: 'method_not_allowed' }),
    // The guard has rejected it, so that the upstream got nothing.
    decision({ outcome: 'deny', reason: 'denied' }),
  )
  const count = (name: string, labels: Record<string, string>) => valueOf(scrape(), name, labels)
  const classes = ['1xx', '2xx', '3xx', '4xx', '5xx']
  const ofClass = (status: string) => count('with_auth_upstream_responses_total', { status })
  expect(classes.map(ofClass)).toEqual([1, 2, 1, 1, 2])
  const ofCode = (code: string) => count('with_auth_upstream_failures_total', { code })
  expect(['upstream_unreachable', 'upstream_timeout', 'other'].map(ofCode)).toEqual([1, 0, 1])
  const name = 'with_auth_upstream_first_byte_seconds'
  expect([
    count(`${name}_bucket`, { le: '0.025' }),
    count(`${name}_bucket`, { le: '0.05' }),
  ]).toEqual([0, 7])
})

it('states that last are gauges, and each event is counted', () => {
  const { measure, scrape } = meter()
  const gauges = ['store_up', 'config_reload_successful']
  const levels = () => gauges.map((name) => valueOf(scrape(), `with_auth_${name}`))
  expect(levels()).toEqual([1, 1])
  measure({ type: 'store', state: 'lost' }, { type: 'config_error', message: 'x' })
  measure({ type: 'keys_error', message: 'x' }, { type: 'dropped' })
  expect(levels()).toEqual([0, 0])
  measure({ type: 'config', hasStore: true })
  expect(levels()).toEqual([0, 1])
  measure({ type: 'store', state: 'live' })
  expect(levels()).toEqual([1, 1])
  const count = (type: string) => valueOf(scrape(), 'with_auth_events_total', { type })
  const types = ['store_lost', 'config_error', 'keys_error', 'dropped', 'warning']
  expect(types.map(count)).toEqual([1, 1, 1, 1, 0])
})

it('a new configuration begins with closed circuits, without keys, and without the store that was lost', () => {
  const { measure, scrape } = meter()
  const names = ['with_auth_circuit_state', 'with_auth_store_up', 'with_auth_keys_age_seconds']
  const levels = () => names.map((name) => valueOf(scrape(), name))
  measure({ type: 'circuit', state: 'half_open', tokens: 'unknown' })
  measure({ type: 'store', state: 'lost' })
  measure({
    type: 'keys',
    result: 'failed',
    reason: 'invalid_response',
    ageMs: 7e6,
    verifier: 'jwt',
  })
  expect(levels()).toEqual([1, 0, expect.closeTo(7000, -1)])
  measure({ type: 'config' })
  expect(levels()).toEqual([0, 1, undefined])
  expect(valueOf(scrape(), 'with_auth_keys_fetches_total', { result: 'invalid' })).toBe(1)
})
