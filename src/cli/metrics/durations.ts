import { DURATION_BOUNDARIES } from '../../telemetry/measures.ts'
import type { Sample } from './exposition.ts'

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
