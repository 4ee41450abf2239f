import { ROWS } from '../../core/response/denial.ts'
import { DURATION_BOUNDARIES } from '../../telemetry/measures.ts'
import type { Sample } from './exposition.ts'

/**
 * Counts by labels whose values are known from the start. So a label never has a value of a client, and a rate begins with the
 * first event.
 */
export class Counts {
  readonly #counts: Map<
    string,
    { readonly labels: Readonly<Record<string, string>>; value: number }
  >

  constructor(names: readonly string[], series: readonly (readonly string[])[]) {
    const start = (values: readonly string[]) => {
      const labels = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
      return [values.join(' '), { labels, value: 0 }] as const
    }
    this.#counts = new Map(series.map(start))
  }

  /** Counts the first of these that is known. */
  add(...tries: readonly (readonly string[])[]): void {
    const known = tries.find((values) => this.#counts.has(values.join(' '))) ?? []
    const count = this.#counts.get(known.join(' '))
    if (count !== undefined) count.value += 1
  }

  samples(): readonly Sample[] {
    return [...this.#counts.values()].map(({ labels, value }) => ({ labels, value }))
  }
}

const CACHES = ['hit', 'miss', 'stale', 'shared', 'remote', 'skipped', 'off']
/** The rejections that are a verdict, which may come from the cache. */
const VERDICTS = ['denied', 'forbidden', 'insufficient_scope']
/** The others. The last six come from the commands alone. */
const FAILURES = [
  ...Object.keys(ROWS).filter((reason) => !VERDICTS.includes(reason)),
  'unknown_key',
  'endpoint_unproven',
  'conflicting_forwarded_headers',
  'proxy_misconfigured',
  'method_not_allowed',
  'other',
]
/** Where a denial is counted that came from the cache in another way: the endpoint was asked now, or earlier. */
const ASKED = new Map([
  ['stale', 'hit'],
  ['shared', 'miss'],
  ['remote', 'miss'],
  ['skipped', 'miss'],
])

/** Counts decisions by outcome, reason and cache. */
export class DecisionCounts extends Counts {
  constructor() {
    super(
      ['outcome', 'reason', 'cache'],
      [
        ...CACHES.map((cache) => ['allow', '', cache]),
        ['public', '', 'off'],
        ['preflight', '', 'off'],
        ...VERDICTS.flatMap((reason) =>
          ['hit', 'miss', 'off'].map((cache) => ['deny', reason, cache]),
        ),
        ...FAILURES.map((reason) => ['deny', reason, 'off']),
      ],
    )
  }

  addDecision(outcome: string, reason: string, cache: string): void {
    const caches = [cache, ASKED.get(cache) ?? cache, 'off']
    this.add(...caches.map((one) => [outcome, reason, one]), ['deny', 'other', 'off'])
  }
}

/** A histogram of durations. */
export class Durations {
  /** How many were at most this long. */
  readonly #counts = new Map([...DURATION_BOUNDARIES, Infinity].map((most) => [most, 0]))
  #sum = 0

  add(seconds: number): void {
    this.#sum += seconds
    for (const [most, count] of this.#counts) if (seconds <= most) this.#counts.set(most, count + 1)
  }

  samples(): readonly Sample[] {
    const buckets = [...this.#counts].map(([most, value]): Sample => {
      const le = most === Infinity ? '+Inf' : String(most)
      return { suffix: '_bucket', labels: { le }, value }
    })
    return [
      ...buckets,
      { suffix: '_sum', value: this.#sum },
      { suffix: '_count', value: this.#counts.get(Infinity) ?? 0 },
    ]
  }
}
