import { context, metrics, trace } from '@opentelemetry/api'
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
import { afterEach, beforeEach, expect } from 'vitest'
import { withAuth } from '../../src/index.ts'
import { observe } from '../../src/otel.ts'
import { defineVerifier } from '../../src/verifiers.ts'
import type { Attributes, Tracer } from '@opentelemetry/api'
import type { ReadableSpan } from '@opentelemetry/sdk-trace-base'
import type { AskVerifier, AuthConfig } from '../../src/index.ts'
import type { ObserveOptions } from '../../src/otel.ts'

let exporter: InMemorySpanExporter
let metricExporter: InMemoryMetricExporter
let reader: PeriodicExportingMetricReader
export let tracer: Tracer
const HOUR_MS = 3_600_000

export function register(): void {
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

export async function unregister(): Promise<void> {
  trace.disable()
  metrics.disable()
  await reader.shutdown()
}

/** Registers the providers of the SDK for each test. */
export function setupTelemetry(): void {
  beforeEach(() => {
    context.setGlobalContextManager(new AsyncLocalStorageContextManager().enable())
    register()
  })
  afterEach(async () => {
    context.disable()
    await unregister()
  })
}

interface Point {
  readonly attributes: Attributes
  readonly value: unknown
}

/** The points of each metric that are not zero, as they are exported now. */
export async function collect(): Promise<Record<string, readonly Point[]>> {
  const all = Object.entries(await collectAll())
  return Object.fromEntries(
    all.map(([name, points]) => [name, points.filter(({ value }) => value !== 0)]),
  )
}

export async function collectAll(): Promise<Record<string, readonly Point[]>> {
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

export const spans = (): readonly ReadableSpan[] => exporter.getFinishedSpans()
export const TOKEN = 'sk-0123456789abcdef'

export const verifier: AskVerifier = ({ token }) => {
  if (token === 'fails') throw new Error('broken')
  if (token !== TOKEN) return { outcome: 'deny', detail: 'unknown_token' }
  return { outcome: 'allow', principal: 'ada@example.com' }
}

export function guard(options: ObserveOptions = {}, config: AuthConfig = {}) {
  const onEvent = observe(options)
  return withAuth(() => new Response('in'), {
    verifier: defineVerifier({ ask: verifier, label: 'ours' }),
    public: ['/open'],
    onEvent,
    ...config,
  })
}
