import { metrics } from '@opentelemetry/api'
import { GAUGES } from '../telemetry/levels.ts'
import { isChecked, Measures } from '../telemetry/measures.ts'
import { METRICS, metricsOf } from '../telemetry/metrics.ts'
import type { Histogram, Meter, MeterProvider, ObservableCallback } from '@opentelemetry/api'
import type { Levels } from '../telemetry/levels.ts'
import type { Sample } from '../telemetry/counts.ts'
import type { Metric, MetricId } from '../telemetry/metrics.ts'
import type { AuthEvent } from '../core/types.ts'

interface Instruments {
  /** The counts that the counters observe. They cost an event less than a counter of the SDK, and every series begins with zero. */
  readonly measures: Measures
  readonly duration: Histogram
  /** Of all observers. */
  readonly levels: Set<Levels>
}

/** The instruments of each provider. A program may exchange its provider. */
const MADE = new WeakMap<MeterProvider, Instruments>()

/** Makes the instruments of the provider that is registered now, if it has none. */
export function prepareMetrics(levels: Levels): Instruments {
  const provider = metrics.getMeterProvider()
  const instruments = MADE.get(provider) ?? createInstruments(provider)
  instruments.levels.add(levels)
  return instruments
}

/** Counts an event with the provider that is registered now. */
export function recordMetrics(event: AuthEvent, levels: Levels): void {
  const { measures, duration } = prepareMetrics(levels)
  levels.note(event)
  measures.note(event)
  if (event.type === 'decision' && isChecked(event)) duration.record(event.durationMs / 1000)
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter('with-auth')
  const levels = new Set<Levels>()
  const measures = new Measures('library')
  const gauges: Partial<Record<MetricId, (all: readonly Levels[]) => readonly Sample[]>> = GAUGES
  for (const [id, metric] of metricsOf('library')) {
    const read = gauges[id]
    observe(meter, metric, () => read?.([...levels]) ?? measures.samples(id))
  }
  const { name, help, boundaries = [] } = METRICS.checkDuration
  const advice = { explicitBucketBoundaries: [...boundaries] }
  const duration = meter.createHistogram(name, { description: help, unit: 's', advice })
  const instruments = { measures, levels, duration }
  MADE.set(provider, instruments)
  return instruments
}

function observe(meter: Meter, metric: Metric, read: () => readonly Sample[]): void {
  const { name, type, help, unit } = metric
  if (type === 'histogram') return
  const options = { description: help, ...(unit === undefined ? {} : { unit }) }
  const callback: ObservableCallback = (result) => {
    for (const { labels, value } of read()) result.observe(value, attributesOf(labels))
  }
  const instrument =
    type === 'counter'
      ? meter.createObservableCounter(name, options)
      : meter.createObservableGauge(name, options)
  instrument.addCallback(callback)
}

/** Without those that are empty: to Prometheus both are the same. */
function attributesOf(labels: Sample['labels']): Sample['labels'] {
  return Object.fromEntries(Object.entries(labels).filter(([, value]) => value !== ''))
}
