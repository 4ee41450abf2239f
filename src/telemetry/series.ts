import { ROWS } from '../core/response/denial.ts'

/** The values of labels that can occur. */

/** The measuring part: `withAuth` with an observer, or a command. */
export type Source = 'library' | 'gateway' | 'forward-auth' | 'endpoint'

const CACHES = ['hit', 'miss', 'stale', 'shared', 'remote', 'skipped', 'off']
/** The rejections that are a verdict, which may come from the cache. */
const VERDICTS = ['denied', 'forbidden', 'insufficient_scope']
/** The other rejections of a guard. */
const FAILURES = [
  ...Object.keys(ROWS).filter((reason) => !VERDICTS.includes(reason)),
  'unknown_key',
  'other',
]
/** The rejections before the guard. */
const REJECTED: Readonly<Record<Source, readonly string[]>> = {
  library: [],
  endpoint: [],
  gateway: ['endpoint_unproven', 'conflicting_forwarded_headers'],
  'forward-auth': ['endpoint_unproven', 'proxy_misconfigured', 'method_not_allowed'],
}

/** Outcome, reason, cache and shadow. */
export function decisionSeries(source: Source): readonly (readonly string[])[] {
  const ofGuard = [
    ...CACHES.map((cache) => ['allow', '', cache]),
    ['public', '', 'off'],
    ['preflight', '', 'off'],
    ...VERDICTS.flatMap((reason) => ['hit', 'miss', 'off'].map((cache) => ['deny', reason, cache])),
    ...FAILURES.map((reason) => ['deny', reason, 'off']),
  ]
  return [
    ...ofGuard.map((values) => [...values, '']),
    ...REJECTED[source].map((reason) => ['deny', reason, 'off', '']),
    ...ofGuard.map((values) => [...values, 'true']),
  ]
}

/** Types of events. */
export const EVENTS: Readonly<Record<Source, readonly string[]>> = {
  // The commands revoke nothing while they serve.
  library: ['warning', 'config_error', 'store_lost', 'revocation_pending'],
  gateway: ['warning', 'config_error', 'store_lost', 'keys_error', 'dropped'],
  'forward-auth': ['warning', 'config_error', 'store_lost', 'keys_error', 'dropped'],
  endpoint: ['keys_error', 'dropped'],
}

/** The statuses and classes of statuses that answers of the auth endpoint are counted by. */
export const ENDPOINT_STATUSES = [
  '200',
  '2xx',
  '3xx',
  '401',
  '403',
  '429',
  '4xx',
  '5xx',
  'none',
] as const
