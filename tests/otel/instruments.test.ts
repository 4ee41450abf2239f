import { SpanStatusCode } from '@opentelemetry/api'
import { describe, expect, it } from 'vitest'
import { AuthUnavailableError, memoryCache, withAuth } from '../../src/index.ts'
import { observe } from '../../src/otel.ts'
import { readJson } from '../support/project.ts'
import { get } from '../support/requests.ts'
import { collect, collectAll, guard, setupTelemetry, spans, TOKEN } from './telemetry-sdk.ts'
import type { AskVerifier, AuthConfig } from '../../src/index.ts'

setupTelemetry()

describe('the metrics', () => {
  it('count each decision once, and time those with a check', async () => {
    const guarded = guard({}, { cache: memoryCache(), context: { headers: [] } })
    for (const token of [TOKEN, TOKEN, 'sk-wrong']) await guarded(get('/v1/models', token))
    await guarded(get('/open'))
    const found = await collect()
    expect(found['with_auth.decisions']).toEqual([
      { attributes: { outcome: 'allow', cache: 'hit' }, value: 1 },
      { attributes: { outcome: 'allow', cache: 'miss' }, value: 1 },
      { attributes: { outcome: 'public', cache: 'off' }, value: 1 },
      { attributes: { outcome: 'deny', reason: 'denied', cache: 'miss' }, value: 1 },
    ])
    expect(found['with_auth.check.duration']).toMatchObject([
      {
        attributes: {},
        value: {
          count: 3,
          buckets: {
            boundaries: [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10],
          },
        },
      },
    ])
    expect(found['with_auth.keys.age']).toBeUndefined()
  })

  it('begin with zero for all that can happen, before the first request', async () => {
    observe()
    const names = [
      'decisions',
      'endpoint.responses',
      'circuit.state',
      'keys.fetches',
      'store.up',
      'revocations.pending',
      'events',
      'build.info',
    ]
    const found = await collectAll()
    const counts = names.map((name) => [name, found[`with_auth.${name}`]?.length ?? 0] as const)
    expect(Object.fromEntries(counts)).toEqual({
      decisions: 64,
      'endpoint.responses': 9,
      'circuit.state': 2,
      'keys.fetches': 4,
      'store.up': 1,
      'revocations.pending': 1,
      events: 4,
      'build.info': 1,
    })
    const values = new Set(
      Object.values(found).flatMap((points) => points.map(({ value }) => value)),
    )
    expect(values).toEqual(new Set([0, 1]))
    // A histogram has no zero before the first value. No alert reads it.
    expect(found['with_auth.check.duration']).toBeUndefined()
    expect(found['with_auth.store.up']).toEqual([{ attributes: {}, value: 1 }])
    expect(found['with_auth.revocations.pending']).toEqual([{ attributes: {}, value: 0 }])
    const { version } = readJson<{ version: string }>('package.json')
    expect(found['with_auth.build.info']).toEqual([{ attributes: { version }, value: 1 }])
  })

  it('count what the endpoint answers, and events that are no decision', async () => {
    const onEvent = observe()
    let status = 404
    const config = { fetch: () => Promise.resolve(new Response('{}', { status })), retry: false }
    const guarded = withAuth(() => new Response('in'), {
      endpoint: 'http://127.0.0.1:1',
      onEvent,
      ...config,
    } as AuthConfig)
    await guarded(get('/', TOKEN))
    status = 200
    await guarded(get('/', TOKEN))
    onEvent({ type: 'store', state: 'lost' })
    onEvent({ type: 'warning', message: TOKEN })
    const found = await collectAll()
    const counted = (name: string) =>
      found[name]?.filter(({ value }) => value !== 0).map(({ attributes }) => attributes)
    expect(counted('with_auth.endpoint.responses')).toEqual([{ status: '200' }, { status: '4xx' }])
    expect(counted('with_auth.events')).toEqual([{ type: 'warning' }, { type: 'store_lost' }])
    expect(found['with_auth.store.up']).toEqual([{ attributes: {}, value: 0 }])
    expect(JSON.stringify(found)).not.toContain(TOKEN)
  })

  it('and the spans mark decisions in shadow mode, so that a trial is no outage', async () => {
    const down: AskVerifier = () => {
      throw new AuthUnavailableError('unreachable')
    }
    await guard({}, { verifier: down, mode: 'shadow' })(get('/', TOKEN))
    const { 'with_auth.decisions': decisions } = await collect()
    const attributes = { outcome: 'deny', reason: 'unreachable', cache: 'off', shadow: 'true' }
    expect(decisions).toEqual([{ attributes, value: 1 }])
    const [span] = spans()
    expect(span?.status.code).toBe(SpanStatusCode.UNSET)
    expect(span?.attributes).toMatchObject({ 'with_auth.shadow': true })
    expect(span?.attributes).not.toHaveProperty('error.type')
  })

  it('have the state of the circuits and the keys, of all observers together', async () => {
    const [first, second] = [observe(), observe()]
    first({ type: 'circuit', state: 'open', tokens: 'known' })
    second({ type: 'circuit', state: 'half_open', tokens: 'known' })
    second({ type: 'keys', result: 'fetched', ageMs: 60_000, verifier: 'jwt' })
    second({ type: 'keys', result: 'failed', reason: 'timeout', ageMs: 90_000, verifier: 'jwt' })
    first({ type: 'store', state: 'lost' })
    const before = await collect()
    expect(before['with_auth.circuit.state']).toEqual([
      { attributes: { tokens: 'known' }, value: 2 },
    ])
    expect(before['with_auth.keys.age']?.[0]?.value).toBeGreaterThanOrEqual(90)
    expect(before['with_auth.keys.fetches']).toEqual([
      { attributes: { result: 'ok' }, value: 1 },
      { attributes: { result: 'timeout' }, value: 1 },
    ])
    first({ type: 'circuit', state: 'closed', tokens: 'known' })
    expect((await collect())['with_auth.circuit.state']?.[0]?.value).toBe(1)
    expect(spans()).toEqual([])
  })

  it('count what a route check rejects, beside the allow of the guard', async () => {
    const status = 403
    const onEvent = observe()
    const event = { path: '/secret', method: 'GET', principal: 'ada', status } as const
    onEvent({ type: 'access', outcome: 'deny', reason: 'insufficient_scope', ...event })
    const found = await collect()
    expect(found['with_auth.decisions']).toEqual([
      { attributes: { outcome: 'deny', reason: 'insufficient_scope', cache: 'off' }, value: 1 },
    ])
    expect(found['with_auth.check.duration']).toBeUndefined()
  })

  it('stay as many for 100,000 callers and paths', async () => {
    const onEvent = observe({ spans: false })
    const seriesOf = async (): Promise<string[]> =>
      Object.entries(await collectAll()).flatMap(([name, points]) =>
        points.map(({ attributes }) => `${name} ${JSON.stringify(attributes)}`),
      )
    const send = (index: number): void =>
      onEvent({
        type: 'decision',
        ...(index % 2 === 0 ? { outcome: 'allow' } : { outcome: 'deny', reason: 'denied' }),
        path: `/v1/${index}`,
        principal: `ada-${index}`,
        requestId: `id-${index}`,
        method: 'GET',
        cache: 'miss',
        durationMs: index,
        attempts: 1,
      })
    send(0)
    send(1)
    const before = await seriesOf()
    for (let index = 2; index < 100_000; index += 1) send(index)
    expect(await seriesOf()).toEqual(before)
    expect(before.join()).not.toMatch(/v1|ada|id-/)
    const { 'with_auth.decisions': decisions = [], 'with_auth.check.duration': durations } =
      await collect()
    expect(decisions.map(({ value }) => value)).toEqual([50_000, 50_000])
    // In seconds.
    expect(durations).toMatchObject([{ value: { min: 0, max: 99.999 } }])
  })
})
