import { findCanary } from './canary.ts'
import { jsonOf, textOf } from './shown.ts'

/** Where the token must not be. */
export type Place = 'output' | 'event' | 'error'

export interface Collection {
  readonly add: (place: Place, value: unknown) => void
  /** Whether a value would be kept, by what it says so far. */
  readonly takes: (place: Place, value: unknown) => boolean
  /** What is kept since it was asked last, as text. */
  readonly take: () => { readonly place: Place; readonly text: string }[]
  readonly counts: Record<Place, number>
}

/** So much of one place is kept. */
const MOST = 1000

/**
 * Keeps what is to be searched after a test. What is over the bound of its place is searched at once and kept only if the
 * token is in it, as JSON: to show all of a value takes ten times as long.
 */
export function createCollection(): Collection {
  const counts = { output: 0, event: 0, error: 0 }
  let kept = { ...counts }
  let found: { readonly place: Place; readonly value: unknown }[] = []
  const takes = (place: Place, value: unknown): boolean =>
    kept[place] < MOST || findCanary(briefly(value)) !== undefined
  return {
    takes,
    add: (place, value) => {
      counts[place] += 1
      if (!takes(place, value)) return
      kept[place] += 1
      found.push({ place, value })
    },
    take: () => {
      const taken = found
      found = []
      kept = { output: 0, event: 0, error: 0 }
      return taken.map(({ place, value }) => ({ place, text: textOf(value) }))
    },
    counts,
  }
}

function briefly(value: unknown): string {
  if (typeof value === 'string') return value
  return (value instanceof Error ? value.message : '') + jsonOf(value)
}
