const SLICES = 10

/** Counts events of the last `windowMs` in constant memory. They leave the window in tenths of it. */
export class SlidingWindow {
  readonly #sliceMs: number
  readonly #counts: number[] = Array<number>(SLICES).fill(0)
  /** The slice that was counted last. */
  #slice = 0
  #total = 0

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / SLICES
  }

  add(now: number): void {
    this.#expire(now)
    const index = this.#slice % SLICES
    this.#counts[index] = Number(this.#counts[index]) + 1
    this.#total += 1
  }

  total(now: number): number {
    this.#expire(now)
    return this.#total
  }

  clear(): void {
    this.#counts.fill(0)
    this.#total = 0
  }

  #expire(now: number): void {
    const slice = Math.floor(now / this.#sliceMs)
    // A time that was read a moment ago counts as now.
    if (slice <= this.#slice) return
    if (slice >= this.#slice + SLICES) this.clear()
    else for (let next = this.#slice + 1; next <= slice; next += 1) this.#drop(next % SLICES)
    this.#slice = slice
  }

  #drop(index: number): void {
    this.#total -= Number(this.#counts[index])
    this.#counts[index] = 0
  }
}
