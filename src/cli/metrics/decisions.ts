import type { Sample } from './exposition.ts'

const CACHES = ['hit', 'miss', 'stale', 'shared', 'remote', 'skipped', 'off']
const VERDICTS = ['denied', 'forbidden', 'insufficient_scope']
/** Rejections without a verdict. */
const FAILURES = [
  'missing_credentials',
  'malformed_credentials',
  'malformed_request',
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'invalid_response',
  'circuit_open',
  'overloaded',
  'internal_error',
  'not_configured',
  'endpoint_unproven',
  'conflicting_forwarded_headers',
  'other',
]

type Series = readonly [outcome: string, reason: string, cache: string]

/** All that there can be, so that a label never has a value of a client, and a rate begins with the first event. */
const SERIES: readonly Series[] = [
  ...CACHES.map((cache): Series => ['allow', '', cache]),
  ['public', '', 'off'],
  ['preflight', '', 'off'],
  ...VERDICTS.flatMap((reason) =>
    ['hit', 'miss', 'off'].map((cache): Series => ['deny', reason, cache]),
  ),
  ...FAILURES.map((reason): Series => ['deny', reason, 'off']),
]

/** Where a denial is counted that came from the cache in another way: the endpoint was asked now, or earlier. */
const ASKED = new Map([
  ['stale', 'hit'],
  ['shared', 'miss'],
  ['remote', 'miss'],
  ['skipped', 'miss'],
])

/** Counts decisions by outcome, reason and cache. */
export class DecisionCounts {
  readonly #counts = new Map(SERIES.map((series) => [nameOf(series), 0]))

  add(outcome: string, reason: string, cache: string): void {
    const names = [cache, ASKED.get(cache) ?? cache, 'off'].map((one) =>
      nameOf([outcome, reason, one]),
    )
    const name = names.find((one) => this.#counts.has(one)) ?? nameOf(['deny', 'other', 'off'])
    this.#counts.set(name, (this.#counts.get(name) ?? 0) + 1)
  }

  samples(): readonly Sample[] {
    return SERIES.map((series) => {
      const [outcome, reason, cache] = series
      return { labels: { outcome, reason, cache }, value: this.#counts.get(nameOf(series)) ?? 0 }
    })
  }
}

function nameOf(series: Series): string {
  return series.join(' ')
}
