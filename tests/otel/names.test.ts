import { diag, metrics } from '@opentelemetry/api'
import { PrometheusExporter } from '@opentelemetry/exporter-prometheus'
import {
  AggregationTemporality,
  DataPointType,
  InMemoryMetricExporter,
  MeterProvider,
  PeriodicExportingMetricReader,
} from '@opentelemetry/sdk-metrics'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { observe } from '../../src/otel.ts'
import { metricsOf, prometheusName } from '../../src/telemetry/metrics.ts'
import { withExportedNames } from '../../scripts/docs/metric-page.ts'
import { findFreePort } from '../support/loopback.ts'
import { readJson, readText } from '../support/project.ts'
import type { MetricData } from '@opentelemetry/sdk-metrics'

/**
 * The names that Prometheus gets of the library. Those of the Prometheus exporter of the SDK are made here. Those of OTLP were made by
 * `NewMetricNamer("", strategy).Build` of the Go library by which the Collector and Prometheus 3 name metrics.
 */

const PAGE = 'docs/metrics.md'
const DEFAULT_STRATEGY = 'UnderscoreEscapingWithSuffixes'

interface Instrument {
  readonly name: string
  readonly unit: string
  readonly type: string
}

interface Recorded {
  readonly library: string
  readonly instruments: readonly (Instrument & {
    readonly names: Readonly<Record<string, string>>
  })[]
}

const { library, instruments } = readJson<Recorded>('tests/otel/otlp-names.json')
const OTLP = new Map(instruments.map(({ name, names }) => [name, names[DEFAULT_STRATEGY] ?? '']))

let sent: readonly MetricData[]
let text: string
const complain = vi.fn()

beforeEach(async () => {
  diag.setLogger({ error: complain, warn: complain, info() {}, debug() {}, verbose() {} })
  const port = await findFreePort()
  const exporter = new PrometheusExporter({ port, host: '127.0.0.1' })
  const memory = new InMemoryMetricExporter(AggregationTemporality.CUMULATIVE)
  const reader = new PeriodicExportingMetricReader({ exporter: memory })
  const provider = new MeterProvider({ readers: [exporter, reader] })
  metrics.setGlobalMeterProvider(provider)
  const onEvent = observe()
  onEvent({ type: 'keys', result: 'fetched', ageMs: 0, verifier: 'jwt' })
  const request = { path: '/', method: 'GET', cache: 'miss', attempts: 1, durationMs: 5 } as const
  onEvent({ type: 'decision', outcome: 'allow', endpointStatus: 200, ...request })
  const { resourceMetrics } = await reader.collect()
  sent = resourceMetrics.scopeMetrics.flatMap((scope) => scope.metrics)
  text = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  await provider.shutdown()
})
afterEach(() => {
  metrics.disable()
  diag.disable()
})

/** The names of each metric: by OTLP, and by the exporter. */
function namesOf(): readonly (readonly [name: string, otlp: string, exporter: string])[] {
  const families = [...text.matchAll(/^# TYPE (with_auth_\w+)/gm)].map(([, family = '']) => family)
  return metricsOf('library').map(([, { name }]) => {
    const stem = name.replaceAll('.', '_')
    const exported = families.filter((family) => family.startsWith(stem))
    return [name, OTLP.get(name) ?? '', exported.join(', ')]
  })
}

function typeOf(metric: MetricData): string {
  if (metric.dataPointType === DataPointType.HISTOGRAM) return 'histogram'
  return metric.dataPointType === DataPointType.SUM && metric.isMonotonic ? 'counter' : 'gauge'
}

it('the names of OTLP were made of the instruments that the SDK sends', () => {
  const seen = sent.map((metric): Instrument => {
    const { name, unit } = metric.descriptor
    return { name, unit, type: typeOf(metric) }
  })
  const named = instruments.map(({ name, unit, type }): Instrument => ({ name, unit, type }))
  expect(new Set(seen)).toEqual(new Set(named))
})

it('the SDK finds no name that two instruments share', () => {
  expect(complain).not.toHaveBeenCalled()
})

it('the page has the names of each way', async () => {
  await expect(withExportedNames(readText(PAGE), namesOf())).toMatchFileSnapshot(`../../${PAGE}`)
  const [, name = '', version = ''] = /\/(\w+) v(\d+\.\d+)/.exec(library) ?? []
  expect(readText(PAGE)).toContain(`\`${name}\` ${version}`)
})

it('OTLP names the metrics of the library as the commands do', () => {
  const served = metricsOf('library').map(([, metric]) => [metric.name, prometheusName(metric)])
  expect(served).toEqual([...OTLP])
})

/** Whether an expression selects series of this name, of those with an end for a histogram. */
function selects(expr: string, name: string): boolean {
  const series = [name, `${name}_bucket`]
  const patterns = [...expr.matchAll(/__name__=~"([^"]+)"/g)].map(([, pattern]) => pattern)
  const plain = [...expr.matchAll(/\bwith_auth_\w+/g)].map(([found]) => found)
  return [...patterns, ...plain].some((one) =>
    series.some((label) => new RegExp(`^${one}$`).test(label)),
  )
}

it('the dashboard and the alerts take the names of each way', () => {
  const dashboard = readText('examples/grafana/with-auth.json').replaceAll('\\"', '"')
  const written = `${dashboard}\n${readText('examples/prometheus/with-auth.rules.yml')}`.split('\n')
  const names = namesOf().flatMap(([, ...both]) => both)
  expect(names.filter((name) => !written.some((line) => selects(line, name)))).toEqual([])
})

it('the exporter has the labels and the zeros of the commands', () => {
  expect(text).toMatch(/^with_auth_decisions_total\{[^}]*outcome="allow",cache="miss"[^}]*\} 1\b/m)
  expect(text).toMatch(/^with_auth_keys_fetches_total\{[^}]*result="timeout"[^}]*\} 0\b/m)
  expect(text).toMatch(/^with_auth_store_up(?:\{[^}]*\})? 1\b/m)
})
