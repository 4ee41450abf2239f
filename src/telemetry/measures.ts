import { isUnavailableReason } from '../core/errors.ts'
import { isUnsearched } from '../core/response/denial.ts'
import { Counts } from './counts.ts'
import { metricsOf } from './metrics.ts'
import { ENDPOINT_STATUSES } from './series.ts'
import type { AuthEvent, DecisionEvent, KeysEvent } from '../core/types.ts'
import type { Sample } from './counts.ts'
import type { Metric, MetricId } from './metrics.ts'
import type { Source } from './series.ts'

/** The counted facts of a decision: of an event, or of a rejection before the guard. */
export interface CountedDecision {
  readonly outcome: string
  readonly reason?: string | undefined
  readonly detail?: string | undefined
  readonly cache?: string | undefined
  readonly shadow?: boolean | undefined
  readonly attempts?: number | undefined
  readonly endpointStatus?: number | undefined
}

/** Whether the server failed, and not the caller. A decision in shadow mode fails no request. */
export function isOutage(event: Pick<DecisionEvent, 'reason' | 'detail' | 'shadow'>): boolean {
  const { reason = '', detail, shadow = false } = event
  if (shadow || isUnsearched(reason, detail)) return false
  return isUnavailableReason(reason) || reason === 'internal_error' || reason === 'not_configured'
}

/** Whether a decision is about a check that took time: a public path and a preflight are not checked. */
export function isChecked({ outcome }: Pick<CountedDecision, 'outcome'>): boolean {
  return outcome === 'allow' || outcome === 'deny'
}

/** The class of a status, such as `2xx`. */
export function classOf(status: number): string {
  return `${Math.floor(status / 100)}xx`
}

/** Where a denial is counted that came from the cache in another way: the endpoint was asked now, or earlier. */
const ASKED: Readonly<Record<string, string>> = {
  stale: 'hit',
  shared: 'miss',
  remote: 'miss',
  skipped: 'miss',
}

/** All counters of a source. Those of guards count by their events. */
export class Measures {
  readonly #counts: ReadonlyMap<MetricId, Counts>

  constructor(source: Source) {
    const counters = metricsOf(source).filter(([, { type }]) => type === 'counter')
    this.#counts = new Map(counters.map(([id, metric]) => [id, createCounts(metric, source)]))
  }

  /** Counts an event of a guard. */
  note(event: AuthEvent): void {
    if (event.type === 'decision' || event.type === 'access') return this.decide(event)
    if (event.type === 'keys') this.add('keysFetches', keysResult(event))
    this.add('events', event.type === 'store' ? storeEvent(event.state) : event.type)
  }

  decide(decision: CountedDecision): void {
    const { outcome, cache = 'off', shadow = false } = decision
    const reason = countedReason(decision) ?? ''
    const counts = this.#counts.get('decisions')
    const mark = shadow ? 'true' : ''
    const count = (one: string): boolean =>
      counts?.add([outcome, reason, one, mark].join(' ')) ?? true
    const isCounted = count(cache) || count(ASKED[cache] ?? cache) || count('off')
    if (!isCounted) counts?.add(['deny', 'other', 'off', mark].join(' '))
    const status = countedStatus(decision)
    if (status !== undefined) this.add('endpointResponses', status)
  }

  /** Counts one of a metric, by the value of its label. Any other value is `other`, if the metric has that. */
  add(id: MetricId, value: string): void {
    const counts = this.#counts.get(id)
    if (counts?.add(value) === false) counts.add('other')
  }

  samples(id: MetricId): readonly Sample[] {
    return this.#counts.get(id)?.samples() ?? []
  }
}

function createCounts({ labels = [], series }: Metric, source: Source): Counts {
  return new Counts(labels, series?.(source) ?? [])
}

/** The reason that a decision is counted by: `unknown_key` is an `overloaded` without an outage. */
function countedReason({ reason, detail }: CountedDecision): string | undefined {
  return isUnsearched(reason, detail) ? detail : reason
}

const NAMED: ReadonlySet<string> = new Set(ENDPOINT_STATUSES)

/** The status by which a check is counted. `undefined` if this decision asked no endpoint, as a verifier of keys at hand. */
function countedStatus(decision: CountedDecision): string | undefined {
  const { attempts = 0, cache, reason, endpointStatus } = decision
  if (attempts === 0 || cache === 'shared') return undefined
  if (endpointStatus === undefined) {
    return cache === 'stale' || reason === 'timeout' || reason === 'unreachable'
      ? 'none'
      : undefined
  }
  const status = String(endpointStatus)
  return NAMED.has(status) ? status : classOf(endpointStatus)
}

function keysResult({ result, reason }: KeysEvent): string {
  if (result === 'fetched') return 'ok'
  if (reason === 'timeout') return 'timeout'
  return reason === 'invalid_response' ? 'invalid' : 'error'
}

function storeEvent(state: string): string {
  return state === 'lost' ? 'store_lost' : state
}
