import { Durations } from '../../telemetry/counts.ts'
import { GAUGES, Levels } from '../../telemetry/levels.ts'
import { classOf, isChecked, Measures } from '../../telemetry/measures.ts'
import { METRICS, metricsOf, prometheusName } from '../../telemetry/metrics.ts'
import type { Sample } from '../../telemetry/counts.ts'
import type { MetricId } from '../../telemetry/metrics.ts'
import type { Source } from '../../telemetry/series.ts'
import type { AuthEvent } from '../../core/types.ts'
import type { LogEntry } from '../log.ts'
import type { Family } from './exposition.ts'

/** Makes metrics of the entries of a log. */
export interface Meter {
  readonly measure: (entry: LogEntry) => void
  /** Where the time at which the next key expires comes from, in milliseconds since 1970. */
  readonly followKeys: (nextExpiry: () => number | undefined) => void
  readonly families: () => readonly Family[]
}

/** Makes the metrics of a command. At most 150 samples. */
export function createMeter(source: Exclude<Source, 'library'>): Meter {
  const measures = new Measures(source)
  const levels = new Levels()
  const checks = new Durations(METRICS.checkDuration.boundaries)
  const firstBytes = new Durations(METRICS.upstreamFirstByte.boundaries)
  let isReloaded = true
  let nextExpiry: (() => number | undefined) | undefined

  const measureDecision = (entry: LogEntry): void => {
    const { durationMs, upstreamStatus, upstreamMs, failure, ...decision } = readDecision(entry)
    measures.decide(decision)
    // A rejection before the guard has no duration.
    if (isChecked(decision) && durationMs !== undefined) checks.add(durationMs / 1000)
    if (failure !== undefined) measures.add('upstreamFailures', failure)
    if (upstreamStatus !== undefined) measures.add('upstreamResponses', classOf(upstreamStatus))
    if (upstreamMs !== undefined) firstBytes.add(upstreamMs / 1000)
  }
  const measure = (entry: LogEntry): void => {
    if (entry.type === 'decision') return measureDecision(entry)
    if (entry.type === 'answer')
      measures.add('endpointAnswers', String(Reflect.get(entry, 'status')))
    if (entry.type === 'config' || entry.type === 'config_error') {
      isReloaded = entry.type === 'config'
    }
    if (entry.type === 'config') levels.reset(Reflect.get(entry, 'hasStore') === true)
    if (!isEvent(entry)) return measures.add('events', entry.type)
    levels.note(entry)
    measures.note(entry)
  }
  const expiry = (): readonly Sample[] => {
    const at = nextExpiry?.()
    return at === undefined ? [] : [{ labels: {}, value: at / 1000 }]
  }
  const gauges: Partial<Record<MetricId, () => readonly Sample[]>> = {
    circuitState: () => GAUGES.circuitState([levels]),
    keysAge: () => GAUGES.keysAge([levels]),
    storeUp: () => GAUGES.storeUp([levels]),
    configReload: () => [{ labels: {}, value: isReloaded ? 1 : 0 }],
    keysExpiry: expiry,
    buildInfo: () => GAUGES.buildInfo(),
    checkDuration: () => histogram(checks),
    upstreamFirstByte: () => histogram(firstBytes),
  }
  return {
    measure,
    followKeys: (next) => (nextExpiry = next),
    families: () =>
      metricsOf(source).map(([id, metric]) => ({
        name: prometheusName(metric),
        help: `${metric.help}.`,
        type: metric.type,
        samples: gauges[id]?.() ?? measures.samples(id),
      })),
  }
}

function histogram(durations: Durations): Family['samples'] {
  const { buckets, sum, count } = durations.read()
  return [
    ...buckets.map(([most, value]) => {
      const le = most === Infinity ? '+Inf' : String(most)
      return { suffix: '_bucket', labels: { le }, value } as const
    }),
    { suffix: '_sum', labels: {}, value: sum },
    { suffix: '_count', labels: {}, value: count },
  ]
}

const EVENT_TYPES: ReadonlySet<string> = new Set([
  'circuit',
  'keys',
  'store',
  'warning',
  'config_error',
])

// Only the guard, its cache and the command write entries of these types, and they are events. Decisions have more fields here.
function isEvent(entry: LogEntry): entry is AuthEvent {
  return EVENT_TYPES.has(entry.type)
}

function readDecision(entry: LogEntry) {
  const facts = new Map<string, unknown>(Object.entries(entry))
  const text = (name: string): string | undefined => {
    const value = facts.get(name)
    return typeof value === 'string' ? value : undefined
  }
  const number = (name: string): number | undefined => {
    const value = facts.get(name)
    return typeof value === 'number' ? value : undefined
  }
  return {
    outcome: text('outcome') ?? '',
    reason: text('reason'),
    detail: text('detail'),
    cache: text('cache'),
    shadow: facts.get('shadow') === true,
    attempts: number('attempts'),
    endpointStatus: number('endpointStatus'),
    durationMs: number('durationMs'),
    upstreamStatus: number('upstreamStatus'),
    upstreamMs: number('upstreamMs'),
    failure: text('failure'),
  }
}
