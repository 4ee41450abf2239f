import { findCanary } from './canary.ts'
import { jsonOf, textOf, withoutFrames } from './shown.ts'

export type Place = 'output' | 'event' | 'error'

export interface Collection {
  readonly add: (place: Place, value: unknown) => void
  /** Whether `add` would keep this value. */
  readonly takes: (place: Place, value: unknown) => boolean
  /** The texts since the last call. */
  readonly take: () => { readonly place: Place; readonly text: string }[]
  readonly counts: Record<Place, number>
}

/** The number of values kept for each place. */
const MOST = 200

/**
 * Collects values to search after a test. Above the bound of its place a value is searched at once, and kept only if its
 * JSON, its message or one of its causes holds the token: `inspect` takes ten times as long.
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
      return taken.map(({ place, value }) => ({
        place,
        text: withoutFrames(() => textOf(value)),
      }))
    },
    counts,
  }
}

function briefly(value: unknown, depth = 8): string {
  if (typeof value === 'string') return value
  if (!(value instanceof Error)) return jsonOf(value)
  const { message, cause } = value
  const next = cause === undefined || depth === 0 ? '' : briefly(cause, depth - 1)
  return message + jsonOf(value) + next
}
