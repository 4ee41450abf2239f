/** Counts what happened in the last so many milliseconds, in constant memory. */
export interface SlidingWindow {
  readonly add: (now: number) => void
  readonly total: (now: number) => number
  readonly clear: () => void
}

const SLICES = 10

/** What is counted leaves the window in tenths of it, so a count may be up to a tenth of the window old. */
export function createSlidingWindow(windowMs: number): SlidingWindow {
  const sliceMs = windowMs / SLICES
  const counts = new Map<number, number>()
  const expire = (slice: number): void => {
    for (const counted of counts.keys()) {
      if (counted <= slice - SLICES || counted > slice) counts.delete(counted)
    }
  }
  return {
    add: (now) => {
      const slice = Math.floor(now / sliceMs)
      expire(slice)
      counts.set(slice, (counts.get(slice) ?? 0) + 1)
    },
    total: (now) => {
      expire(Math.floor(now / sliceMs))
      let total = 0
      for (const count of counts.values()) total += count
      return total
    },
    clear: () => counts.clear(),
  }
}
