/** The work that a policy may still do for one request. */
export interface Budget {
  /** In visits of states, about 20 ns each. Negative once it is used up. */
  steps: number
}

/** Whether a text matches at its start. Also `false` once the budget is used up. */
export type Matcher = (text: string, budget: Budget) => boolean

/** A state of a matcher. */
interface State {
  /** Whether it leads on at this character, which has this place in a text of this length. The character is `''` at the end. */
  readonly isOpen: (character: string, at: number, length: number) => boolean
  /** Whether it leads behind the character. */
  readonly consumes: boolean
  next: readonly State[]
  /** The last round that visited it. */
  visitedIn: number
}

/** A part of a pattern: puts its states in front of the given one, and returns its first. */
export type Step = (next: State) => State

function state(isOpen: State['isOpen'], next: readonly State[], consumes = false): State {
  return { isOpen, consumes, next, visitedIn: 0 }
}

const fork = (next: readonly State[]): State => state(() => true, next)

/** One character that passes a test. */
export function character(isAllowed: (one: string) => boolean): Step {
  return (next) => state((one) => one !== '' && isAllowed(one), [next], true)
}

/** The start of the text. */
export const start: Step = (next) => state((_, at) => at === 0, [next])

/** The end of the text. */
export const end: Step = (next) => state((_, at, length) => at === length, [next])

/** One step after the other. */
export function sequence(steps: readonly Step[]): Step {
  return (next) => steps.reduceRight((after, step) => step(after), next)
}

/** Any of these steps. */
export function choice(steps: readonly Step[]): Step {
  return (next) => fork(steps.map((step) => step(next)))
}

/** A step `min` to `max` times. */
export function repeat(step: Step, min: number, max: number): Step {
  return (next) => {
    const optional = max === Infinity ? 0 : max - min
    let first = max === Infinity ? loop(step, next) : next
    for (let count = 0; count < optional; count += 1) first = fork([step(first), next])
    for (let count = 0; count < min; count += 1) first = step(first)
    return first
  }
}

function loop(step: Step, next: State): State {
  const again = fork([])
  again.next = [step(again), next]
  return again
}

// Matching is synchronous, so one count serves for all matchers.
let round = 0

/**
 * Makes a matcher (Thompson's simulation of an automaton). At each character it visits all states that a match can be in, and none
 * twice. So the time grows with the length of the text, and no text makes it explode.
 */
export function createMatcher(pattern: Step): Matcher {
  const matched = fork([])
  const first = pattern(matched)
  return (text, budget) => {
    let states = [first]
    for (let at = 0; states.length > 0 && budget.steps >= 0;) {
      const code = text.codePointAt(at)
      const next = code === undefined ? '' : String.fromCodePoint(code)
      const behind = advance(states, next, at, text.length)
      if (matched.visitedIn === round) return true
      budget.steps -= states.length
      states = behind
      at += next.length
    }
    return false
  }
}

/** Whether some text that begins with this character can match. */
export function canBegin(pattern: Step, first: string): boolean {
  const matched = fork([])
  const behind = advance([pattern(matched)], first, 0, Infinity)
  return behind.length > 0 || matched.visitedIn === round
}

/** Visits the states, adds those to which they lead at once, and returns those behind the character. */
function advance(states: State[], next: string, at: number, length: number): State[] {
  const behind: State[] = []
  round += 1
  // It grows on the way.
  for (const one of states) {
    if (one.visitedIn === round) continue
    one.visitedIn = round
    if (one.isOpen(next, at, length)) (one.consumes ? behind : states).push(...one.next)
  }
  return behind
}
