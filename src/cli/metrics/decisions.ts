import type { DenialReason } from '../../core/types.ts'
import type { Sample } from './exposition.ts'

const CACHES = ['hit', 'miss', 'stale', 'shared', 'remote', 'skipped', 'off']
/** Whether a rejection for this reason is a verdict, which may come from the cache. */
const IS_VERDICT: Readonly<Record<DenialReason, boolean>> = {
  denied: true,
  forbidden: true,
  insufficient_scope: true,
  missing_credentials: false,
  malformed_credentials: false,
  malformed_request: false,
  rate_limited: false,
  service_error: false,
  timeout: false,
  unreachable: false,
  invalid_response: false,
  circuit_open: false,
  overloaded: false,
  internal_error: false,
  not_configured: false,
}
const REASONS = Object.entries(IS_VERDICT)
const VERDICTS = REASONS.flatMap(([reason, isVerdict]) => (isVerdict ? [reason] : []))
/** Rejections without a verdict. The last five come from the commands alone. */
const FAILURES = [
  ...REASONS.flatMap(([reason, isVerdict]) => (isVerdict ? [] : [reason])),
  'unknown_key',
  'endpoint_unproven',
  'conflicting_forwarded_headers',
  'proxy_misconfigured',
  'method_not_allowed',
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
