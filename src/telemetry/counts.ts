/** One value of a metric. */
export interface Sample {
  /** From closed lists. A label that is `''` is left out for OpenTelemetry; to Prometheus it is the same. */
  readonly labels: Readonly<Record<string, string>>
  readonly value: number
}

/**
 * Counts by labels whose values are known from the start. So a label never has a value of a client, and a rate begins with the
 * first event.
 */
export class Counts {
  readonly #counts: Map<string, { readonly labels: Sample['labels']; value: number }>

  constructor(names: readonly string[], series: readonly (readonly string[])[]) {
    const start = (values: readonly string[]) => {
      const labels = Object.fromEntries(names.map((name, index) => [name, values[index] ?? '']))
      return [values.join(' '), { labels, value: 0 }] as const
    }
    this.#counts = new Map(series.map(start))
  }

  /** Counts the series with these values, in their order and with blanks between them. Returns whether it is known. */
  add(values: string): boolean {
    const count = this.#counts.get(values)
    if (count === undefined) return false
    count.value += 1
    return true
  }

  samples(): readonly Sample[] {
    return [...this.#counts.values()].map(({ labels, value }) => ({ labels, value }))
  }
}

interface Distribution {
  readonly buckets: readonly (readonly [most: number, count: number])[]
  readonly sum: number
  readonly count: number
}

/** A histogram of durations. */
export class Durations {
  /** How many were at most this long. */
  readonly #counts: Map<number, number>
  #sum = 0

  constructor(boundaries: readonly number[] = []) {
    this.#counts = new Map([...boundaries, Infinity].map((most) => [most, 0]))
  }

  add(seconds: number): void {
    this.#sum += seconds
    for (const [most, count] of this.#counts) if (seconds <= most) this.#counts.set(most, count + 1)
  }

  read(): Distribution {
    const count = this.#counts.get(Infinity) ?? 0
    return { buckets: [...this.#counts], sum: this.#sum, count }
  }
}
