const SLICES = 10

/** Counts events of the last `windowMs` in constant memory. They leave the window in tenths of it. */
export class SlidingWindow {
  readonly #sliceMs: number
  readonly #counts = new Map<number, number>()

  constructor(windowMs: number) {
    this.#sliceMs = windowMs / SLICES
  }

  add(now: number): void {
    const slice = this.#expire(now)
    this.#counts.set(slice, (this.#counts.get(slice) ?? 0) + 1)
  }

  total(now: number): number {
    this.#expire(now)
    let total = 0
    for (const count of this.#counts.values()) total += count
    return total
  }

  clear(): void {
    this.#counts.clear()
  }

  #expire(now: number): number {
    const slice = Math.floor(now / this.#sliceMs)
    for (const counted of this.#counts.keys()) {
      if (counted <= slice - SLICES || counted > slice) this.#counts.delete(counted)
    }
    return slice
  }
}
