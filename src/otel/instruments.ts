import { metrics } from '@opentelemetry/api'
import { countedReason, DURATION_BOUNDARIES, keysResult } from '../telemetry/measures.ts'
import type { Counter, Histogram, MeterProvider } from '@opentelemetry/api'
import type { Levels } from '../telemetry/measures.ts'
import type { AuthEvent, DecisionEvent } from '../core/types.ts'

interface Instruments {
  readonly decisions: Counter
  readonly duration: Histogram
  readonly fetches: Counter
  /** Of all observers. */
  readonly levels: Set<Levels>
}

/** The instruments of each provider. A program may exchange its provider. */
const MADE = new WeakMap<MeterProvider, Instruments>()

/** Counts an event with the provider that is registered now. */
export function recordMetrics(event: AuthEvent, levels: Levels): void {
  levels.note(event)
  const instruments = instrumentsOf(metrics.getMeterProvider())
  instruments.levels.add(levels)
  if (event.type === 'keys') instruments.fetches.add(1, { result: keysResult(event) })
  if (event.type === 'decision' || event.type === 'access') count(event, instruments)
}

function count(event: Counted, { decisions, duration }: Instruments): void {
  const { outcome } = event
  const reason = countedReason(event.reason, 'detail' in event ? event.detail : undefined)
  const cache = event.type === 'decision' ? event.cache : 'off'
  decisions.add(1, { outcome, cache, ...(reason === undefined ? {} : { reason }) })
  // A public path and a preflight are not checked.
  const isChecked = outcome === 'allow' || outcome === 'deny'
  if (event.type === 'decision' && isChecked) duration.record(event.durationMs / 1000)
}

type Counted = Extract<AuthEvent, { readonly outcome: DecisionEvent['outcome'] }>

function instrumentsOf(provider: MeterProvider): Instruments {
  const instruments = MADE.get(provider) ?? createInstruments(provider)
  MADE.set(provider, instruments)
  return instruments
}

function createInstruments(provider: MeterProvider): Instruments {
  const meter = provider.getMeter('with-auth')
  const levels = new Set<Levels>()
  const state = meter.createObservableGauge('with_auth.circuit.state', {
    description: 'State of the circuit breaker: 0 closed, 1 half open, 2 open',
  })
  state.addCallback((result) =>
    result.observe(Math.max(0, ...[...levels].map((one) => one.circuitState()))),
  )
  const age = meter.createObservableGauge('with_auth.keys.age', {
    description: 'Age of the keys that tokens are checked with',
    unit: 's',
  })
  age.addCallback((result) => {
    const ages = [...levels].flatMap((one) => one.keysAgeSeconds() ?? [])
    if (ages.length > 0) result.observe(Math.max(...ages))
  })
  return {
    levels,
    decisions: meter.createCounter('with_auth.decisions', {
      description: 'Decisions about requests',
      unit: '{decision}',
    }),
    duration: meter.createHistogram('with_auth.check.duration', {
      description: 'Duration of checks, without the handler',
      unit: 's',
      advice: { explicitBucketBoundaries: [...DURATION_BOUNDARIES] },
    }),
    fetches: meter.createCounter('with_auth.keys.fetches', {
      description: 'Fetches of the keys that tokens are checked with',
      unit: '{fetch}',
    }),
  }
}
