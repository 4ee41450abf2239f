import { context, metrics, SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { AsyncLocalStorageContextManager } from '@opentelemetry/context-async-hooks'
import {
  AggregationTemporality,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  SimpleSpanProcessor,
} from '@opentelemetry/sdk-trace-base'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { AuthUnavailableError, memoryCache, withAuth } from '../src/index.ts'
import { observe } from '../src/otel.ts'
import { get } from './support/requests.ts'
import { defineVerifier } from '../src/verifiers.ts'
import type { Attributes, Tracer } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { AuthConfig, AuthEvent, AskVerifier } from '../src/index.ts'
import type { ObserveOptions } from '../src/otel.ts'

let exporter: InMemorySpanExporter
let metricExporter: InMemoryMetricExporter
let reader: PeriodicExportingMetricReader
let tracer: Tracer
const HOUR_MS = 3_600_000

function register(): void {
  exporter = new InMemorySpanExporter()
  const spans = new BasicTracerProvider({ spanProcessors: [new SimpleSpanProcessor(exporter)] })
  trace.setGlobalTracerProvider(spans)
  tracer = spans.getTracer('test')
  metricExporter = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  reader = new PeriodicExportingMetricReader({
    exporter: metricExporter,
    exportIntervalMillis: HOUR_MS,
  })
  metrics.setGlobalMeterProvider(new MeterProvider({ readers: [reader] }))
}

async function unregister(): Promise<void> {
  trace.disable()
  metrics.disable()
  await reader.shutdown()
}

beforeEach(() => {
  context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
  register()
})
afterEach(async () => {
  context.disable()
  await unregister()
})

interface Point {
  readonly attributes: Attributes
  readonly value: unknown
}

/** The points of each metric, as they are exported now. */
async function collect(): Promise<Record<string, readonly Point[]>> {
  metricExporter.reset()
  await reader.forceFlush()
  const exported = metricExporter.getMetrics().flatMap(({ scopeMetrics }) => scopeMetrics)
  expect(exported.map(({ scope }) => scope.name)).toEqual(['with-auth'])
  const points = exported
    .flatMap((one) => one.metrics)
    .map(({ descriptor, dataPoints }) => [
      descriptor.name,
      dataPoints.map(({ attributes, value }): Point => ({ attributes, value })),
    ])
  return Object.fromEntries(points) as Record<string, readonly Point[]>
}

const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans()
const TOKEN = 'sk-0123456789abcdef'

const verifier: AskVerifier = ({ token }) => {
  if (token === 'fails') throw new Error('broken')
  if (token !== TOKEN) return { outcome: 'deny', detail: 'unknown_token' }
  return { outcome: 'allow', principal: 'ada@example.com' }
}

function guard(options: ObserveOptions = {}, config: AuthConfig = {}) {
  const onEvent = observe(options)
  return withAuth(() => new Response('in'), {
    verifier: defineVerifier({ ask: verifier, label: 'ours' }),
    public: ['/open'],
    onEvent,
    ...config,
  })
}

describe('a decision', () => {
  it('has one span in the span of its request, which begins when the check began', async () => {
    const slow: AskVerifier = async (...asked) => {
      await new Promise((resolve) => setTimeout(resolve, 30))
      return verifier(...asked)
    }
    const guarded = guard({}, { verifier: slow })
    const requests = ['a', 'b'].map((name) =>
      tracer.startActiveSpan(name, async (parent) => {
        await guarded(get('/v1/models', TOKEN, { 'x-name': name }))
        parent.end()
      }),
    )
    await Promise.all(requests)
    const checks = spans().filter(({ name }) => name === 'with-auth check')
    expect(checks).toHaveLength(2)
    for (const { parentSpanContext, kind, duration, startTime } of checks) {
      const parent = spans().find((span) => span.spanContext().spanId === parentSpanContext?.spanId)
      expect(parent?.name).toMatch(/^[ab]$/)
      expect(kind).toBe(SpanKind.INTERNAL)
      expect(duration[0] * 1000 + duration[1] / 1e6).toBeGreaterThan(20)
      expect(toMs(startTime)).toBeGreaterThan(toMs(parent?.startTime) - 5)
    }
    expect(new Set(checks.map(({ parentSpanContext }) => parentSpanContext?.spanId)).size).toBe(2)
  })

  it('has attributes that say why, and no token, path or principal', async () => {
    const guarded = guard()
    await guarded(get(`/secret/${TOKEN}`, TOKEN))
    await guarded(get('/secret/path', 'sk-wrong'))
    await guarded(get('/secret/path', 'fails'))
    await guarded(get('/open'))
    expect(spans().map(({ attributes, status }) => [attributes, status.code])).toEqual([
      [
        {
          'with_auth.outcome': 'allow',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.UNSET,
      ],
      [
        {
          'with_auth.outcome': 'deny',
          'with_auth.reason': 'denied',
          'with_auth.detail': 'unknown_token',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.UNSET,
      ],
      [
        {
          'with_auth.outcome': 'deny',
          'with_auth.reason': 'internal_error',
          'error.type': 'internal_error',
          'with_auth.cache': 'off',
          'with_auth.verifier': 'ours',
          'with_auth.attempts': 1,
        },
        SpanStatusCode.ERROR,
      ],
      [
        { 'with_auth.outcome': 'public', 'with_auth.cache': 'off', 'with_auth.attempts': 0 },
        SpanStatusCode.UNSET,
      ],
    ])
  })

  it('names the caller only if that is asked for', async () => {
    const guarded = guard({ principal: true })
    await guarded(get('/', TOKEN))
    await guarded(get('/', 'sk-wrong'))
    expect(spans().map(({ attributes }) => attributes['user.id'])).toEqual([
      'ada@example.com',
      undefined,
    ])
  })

  it('about a key that was not searched for is not an outage, and has a reason of its own', async () => {
    const flooded: AskVerifier = () => {
      throw new AuthUnavailableError('overloaded', { detail: 'unknown_key' })
    }
    await guard({}, { verifier: flooded })(get('/', TOKEN))
    expect(spans().map(({ status }) => status.code)).toEqual([SpanStatusCode.UNSET])
    const reason = 'unknown_key'
    const { 'with_auth.decisions': decisions } = await collect()
    expect(decisions?.map(({ attributes }) => attributes)).toMatchObject([{ reason }])
  })

  it('has no span with spans: false, and is counted', async () => {
    await guard({ spans: false })(get('/', TOKEN))
    expect(spans()).toEqual([])
    const { 'with_auth.decisions': decisions } = await collect()
    expect(decisions).toEqual([{ attributes: { outcome: 'allow', cache: 'off' }, value: 1 }])
  })
})

describe('the metrics', () => {
  it('count each decision once, and time those with a check', async () => {
    const guarded = guard({}, { cache: memoryCache(), context: { headers: [] } })
    for (const token of [TOKEN, TOKEN, 'sk-wrong']) await guarded(get('/v1/models', token))
    await guarded(get('/open'))
    const found = await collect()
    expect(found['with_auth.decisions']).toEqual([
      { attributes: { outcome: 'allow', cache: 'miss' }, value: 1 },
      { attributes: { outcome: 'allow', cache: 'hit' }, value: 1 },
      { attributes: { outcome: 'deny', reason: 'denied', cache: 'miss' }, value: 1 },
      { attributes: { outcome: 'public', cache: 'off' }, value: 1 },
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
    expect(found['with_auth.circuit.state']).toEqual([{ attributes: {}, value: 0 }])
    expect(found['with_auth.keys.age']).toBeUndefined()
  })

  it('have the state of the circuits and the keys, of all observers together', async () => {
    const [first, second] = [observe(), observe()]
    first({ type: 'circuit', state: 'open', tokens: 'known' })
    second({ type: 'circuit', state: 'half_open', tokens: 'known' })
    second({ type: 'keys', result: 'fetched', ageMs: 60_000, verifier: 'jwt' })
    second({ type: 'keys', result: 'failed', reason: 'timeout', ageMs: 90_000, verifier: 'jwt' })
    first({ type: 'store', state: 'lost' })
    const before = await collect()
    expect(before['with_auth.circuit.state']?.[0]?.value).toBe(2)
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
      Object.entries(await collect()).flatMap(([name, points]) =>
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
    const { 'with_auth.decisions': decisions = [] } = await collect()
    expect(decisions.map(({ value }) => value)).toEqual([50_000, 50_000])
  })
})

describe('the providers', () => {
  it('may be registered later, and exchanged', async () => {
    await unregister()
    const guarded = guard()
    await guarded(get('/', TOKEN))
    for (const _ of ['one', 'another']) {
      register()
      await guarded(get('/', TOKEN))
      expect(spans()).toHaveLength(1)
      expect((await collect())['with_auth.decisions']?.map(({ value }) => value)).toEqual([1])
      await unregister()
    }
    register()
  })

  it.each(['now', 'later'])(
    'may throw: the decision stands, and next gets the event (%s)',
    async (when) => {
      const next = vi.fn<(event: AuthEvent) => unknown>(() =>
        when === 'later' ? Promise.reject(new Error('ignored')) : undefined,
      )
      const written = vi.spyOn(console, 'error').mockReturnValue()
      const broken = vi.spyOn(metrics, 'getMeterProvider').mockImplementation(() => {
        throw new TypeError('no provider')
      })
      const response = await guard({ next })(get('/', TOKEN))
      broken.mockRestore()
      expect(response.status).toBe(200)
      expect(next).toHaveBeenCalledExactlyOnceWith(expect.objectContaining({ outcome: 'allow' }))
      expect(written).toHaveBeenCalledExactlyOnceWith(
        expect.stringContaining('"onEvent" threw TypeError'),
      )
      written.mockRestore()
    },
  )
})

describe('the options', () => {
  it('give each event to next', async () => {
    const events: AuthEvent[] = []
    const next = (event: AuthEvent): void => void events.push(event)
    const onEvent = observe({ next })
    onEvent({ type: 'warning', message: 'x' })
    await guard({ next })(get('/', TOKEN))
    expect(events.map(({ type }) => type)).toEqual(['warning', 'decision'])
    expect(JSON.stringify(await collect())).not.toContain('ada')
  })

  it.each([
    [{ span: true }, 'Unknown option "span": did you mean "spans"?'],
    [{ spans: 'yes' }, '"spans" must be true or false'],
    [{ principal: undefined }, '"principal" must be left out or given a value'],
    [{ next: 5 }, '"next" must be a function'],
    ['spans', 'an object'],
  ])('that cannot be used are an error: %j', (options, message) => {
    expect(() => observe(options as ObserveOptions)).toThrow(message)
    expect(() => observe(options as ObserveOptions)).toThrow(
      expect.objectContaining({ name: 'AuthConfigError' }) as Error,
    )
  })
})

function toMs(time: readonly [number, number] = [Infinity, 0]): number {
  return time[0] * 1000 + time[1] / 1e6
}
