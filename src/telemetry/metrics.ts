import { decisionSeries, ENDPOINT_STATUSES, EVENTS } from './series.ts'
import type { Source } from './series.ts'

/**
 * All metrics, as data: the exposition of the commands, the instruments of OpenTelemetry, what is zero from the start, and the
 * table of the documentation are made of it.
 */

export interface Metric {
  /** The name for OpenTelemetry. */
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** A sentence without its full stop. */
  readonly help: string
  readonly unit?: 's'
  readonly sources: readonly Source[]
  readonly labels?: readonly string[]
  /** The values of the labels that can occur, and so exist from the start. `''`: without the label. */
  readonly series?: (source: Source) => readonly (readonly string[])[]
  /** The bounds of a histogram. */
  readonly boundaries?: readonly number[]
}

/** In seconds: those of the HTTP metrics of OpenTelemetry. */
const CHECK_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10]
/** A model may think for minutes before its first byte. */
const UPSTREAM_BOUNDARIES = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120]

const GUARDS = ['library', 'gateway', 'forward-auth'] as const
const COMMANDS = ['gateway', 'forward-auth', 'endpoint'] as const
const each = (values: readonly string[]) => () => values.map((value) => [value])

export type MetricId =
  | 'decisions'
  | 'checkDuration'
  | 'endpointResponses'
  | 'circuitState'
  | 'keysFetches'
  | 'keysAge'
  | 'storeUp'
  | 'revocationsPending'
  | 'events'
  | 'upstreamResponses'
  | 'upstreamFailures'
  | 'upstreamFirstByte'
  | 'endpointAnswers'
  | 'configReload'
  | 'keysExpiry'
  | 'buildInfo'

export const METRICS: Readonly<Record<MetricId, Metric>> = {
  decisions: {
    name: 'with_auth.decisions',
    type: 'counter',
    help: 'Decisions about requests',
    sources: GUARDS,
    labels: ['outcome', 'reason', 'cache', 'shadow'],
    series: decisionSeries,
  },
  checkDuration: {
    name: 'with_auth.check.duration',
    type: 'histogram',
    help: 'Duration of checks, without public paths, preflights, the handler and the upstream',
    unit: 's',
    sources: GUARDS,
    boundaries: CHECK_BOUNDARIES,
  },
  endpointResponses: {
    name: 'with_auth.endpoint.responses',
    type: 'counter',
    help: 'Checks by the last status that the auth endpoint answered, or none',
    sources: GUARDS,
    labels: ['status'],
    series: each(ENDPOINT_STATUSES),
  },
  circuitState: {
    name: 'with_auth.circuit.state',
    type: 'gauge',
    help: 'The worst circuit breaker: 0 closed, 1 half open, 2 open',
    sources: GUARDS,
    labels: ['tokens'],
    series: each(['known', 'unknown']),
  },
  keysFetches: {
    name: 'with_auth.keys.fetches',
    type: 'counter',
    help: 'Fetches of the keys of issuers',
    sources: GUARDS,
    labels: ['result'],
    series: each(['ok', 'error', 'timeout', 'invalid']),
  },
  keysAge: {
    name: 'with_auth.keys.age',
    type: 'gauge',
    help: 'Age of the oldest keys of an issuer in use',
    unit: 's',
    sources: GUARDS,
  },
  storeUp: {
    name: 'with_auth.store.up',
    type: 'gauge',
    help: '0 while the connection to the store is lost, otherwise 1',
    sources: GUARDS,
  },
  revocationsPending: {
    name: 'with_auth.revocations.pending',
    type: 'gauge',
    help: '1 while the store has not taken a revocation, otherwise 0',
    sources: ['library'],
  },
  events: {
    name: 'with_auth.events',
    type: 'counter',
    help: 'Warnings, errors and lost log lines',
    sources: [...GUARDS, 'endpoint'],
    labels: ['type'],
    series: (source) => EVENTS[source].map((type) => [type]),
  },
  upstreamResponses: {
    name: 'with_auth.upstream.responses',
    type: 'counter',
    help: 'Responses of the upstream, by the class of their status',
    sources: ['gateway'],
    labels: ['status'],
    series: each(['1xx', '2xx', '3xx', '4xx', '5xx']),
  },
  upstreamFailures: {
    name: 'with_auth.upstream.failures',
    type: 'counter',
    help: 'Admitted requests without a response of the upstream',
    sources: ['gateway'],
    labels: ['code'],
    series: each([
      'upstream_unreachable',
      'upstream_timeout',
      'invalid_response',
      'identity_not_forwardable',
      'loop_detected',
      'client_left',
      'other',
    ]),
  },
  upstreamFirstByte: {
    name: 'with_auth.upstream.first_byte',
    type: 'histogram',
    help: 'Time until the upstream started its response',
    unit: 's',
    sources: ['gateway'],
    boundaries: UPSTREAM_BOUNDARIES,
  },
  endpointAnswers: {
    name: 'with_auth.endpoint.answers',
    type: 'counter',
    help: 'Answers to questions about keys',
    sources: ['endpoint'],
    labels: ['status'],
    series: each(['200', '400', '401', '403', '405', '408', '413', '500', 'other']),
  },
  configReload: {
    name: 'with_auth.config_reload_successful',
    type: 'gauge',
    help: '1 if the last change of the configuration file took effect, otherwise 0',
    sources: ['gateway', 'forward-auth'],
  },
  keysExpiry: {
    name: 'with_auth.keys.next_expiry_timestamp',
    type: 'gauge',
    help: 'When the next API key expires that was not rotated',
    unit: 's',
    sources: COMMANDS,
  },
  buildInfo: {
    name: 'with_auth.build.info',
    type: 'gauge',
    help: 'Always 1, with the version of with-auth',
    sources: [...GUARDS, 'endpoint'],
    labels: ['version'],
  },
}

/** The metrics of a source. */
export function metricsOf(source: Source): readonly (readonly [id: MetricId, metric: Metric])[] {
  const all = Object.entries(METRICS) as readonly (readonly [MetricId, Metric])[]
  return all.filter(([, { sources }]) => sources.includes(source))
}

/** The name for Prometheus, with its unit, as its own converters of OpenTelemetry make it. */
export function prometheusName({ name, unit, type }: Metric): string {
  const end = (unit === 's' ? '_seconds' : '') + (type === 'counter' ? '_total' : '')
  return name.replaceAll('.', '_') + end
}
