/** Places in a text, from 0 to its length. */
export type Positions = ReadonlySet<number>

/**
 * A part of a pattern: from each of the given places it leads to all places where a match of the part can end. Nothing is tried
 * twice, so the time grows with the length of the text, and no text makes it explode.
 */
export type Step = (text: readonly string[], from: Positions) => Positions

/** One character that passes a test. */
export function character(isAllowed: (character: string) => boolean): Step {
  return (text, from) => {
    const ends = new Set<number>()
    for (const at of from) {
      const next = text[at]
      if (next !== undefined && isAllowed(next)) ends.add(at + 1)
    }
    return ends
  }
}

/** The start of the text. */
export const start: Step = (_, from) => new Set(from.has(0) ? [0] : [])

/** The end of the text. */
export const end: Step = ({ length }, from) => new Set(from.has(length) ? [length] : [])

/** One step after the other. */
export function sequence(steps: readonly Step[]): Step {
  return (text, from) => {
    let at = from
    for (const step of steps) {
      if (at.size === 0) return at
      at = step(text, at)
    }
    return at
  }
}

/** Any of these steps. */
export function choice(steps: readonly Step[]): Step {
  return (text, from) => new Set(steps.flatMap((step) => [...step(text, from)]))
}

/** A step `min` to `max` times. */
export function repeat(step: Step, min: number, max: number): Step {
  return (text, from) => {
    let latest = from
    for (let count = 0; count < min && latest.size > 0; count += 1) latest = step(text, latest)
    const ends = new Set(latest)
    for (let count = min; count < max && latest.size > 0; count += 1) {
      // A place that was reached before leads nowhere new.
      latest = new Set([...step(text, latest)].filter((at) => !ends.has(at)))
      for (const at of latest) ends.add(at)
    }
    return ends
  }
}
