import { USER_AGENT } from '../core/runtime.ts'
import type { AuthEvent, CircuitEvent } from '../core/types.ts'
import type { Sample } from './counts.ts'

const STATES: Readonly<Record<CircuitEvent['state'], number>> = { closed: 0, half_open: 1, open: 2 }
const VERSION = USER_AGENT.replace('with-auth/', '')
const TOKENS = ['known', 'unknown'] as const

// A verifier may name itself otherwise each time.
const MOST_NAMES = 64
// The circuit of a guard that is no longer used never closes. One that is used says so again whenever a probe fails.
const FORGOTTEN_MS = 600_000

interface Level {
  readonly value: number
  readonly at: number
}

/** Numbers that hold until the next event: the states of the circuits and of the store, and the age of the keys of verifiers. */
export class Levels {
  readonly #circuits = { known: new Map<string, Level>(), unknown: new Map<string, Level>() }
  readonly #keys = new Map<string, Level>()
  #isStoreLost = false
  #isRevocationPending = false

  note(event: AuthEvent): void {
    if (event.type === 'circuit') {
      const { verifier = '', tokens, state } = event
      replace(this.#circuits[tokens], verifier, STATES[state])
    } else if (event.type === 'keys') {
      replace(this.#keys, event.verifier, event.ageMs)
    } else if (event.type === 'store') {
      if (event.state === 'live' || event.state === 'lost')
        this.#isStoreLost = event.state === 'lost'
      else this.#isRevocationPending = event.state === 'revocation_pending'
    }
  }

  /** That of the circuit which lets the least pass: 0 closed, 1 half open, 2 open. */
  circuitState(tokens: CircuitEvent['tokens']): number {
    const since = performance.now() - FORGOTTEN_MS
    const states = [...this.#circuits[tokens].values()]
    return Math.max(0, ...states.map(({ value, at }) => (at < since ? 0 : value)))
  }

  /** The age of the oldest keys. `undefined` without any. */
  keysAgeSeconds(): number | undefined {
    if (this.#keys.size === 0) return undefined
    const now = performance.now()
    return Math.max(...[...this.#keys.values()].map(({ value, at }) => value + now - at)) / 1000
  }

  isStoreLost(): boolean {
    return this.#isStoreLost
  }

  isRevocationPending(): boolean {
    return this.#isRevocationPending
  }

  /** For a new configuration, which has new circuits and new verifiers. Its store, if it has one, says what has changed. */
  reset(hasStore: boolean): void {
    for (const circuits of Object.values(this.#circuits)) circuits.clear()
    this.#keys.clear()
    if (hasStore) return
    this.#isStoreLost = false
    this.#isRevocationPending = false
  }
}

/** The gauges of guards, of all their levels together: the worst counts. */
export const GAUGES = {
  circuitState: (all: readonly Levels[]): readonly Sample[] =>
    TOKENS.map((tokens) => ({
      labels: { tokens },
      value: Math.max(0, ...all.map((levels) => levels.circuitState(tokens))),
    })),
  keysAge: (all: readonly Levels[]): readonly Sample[] => {
    const ages = all.flatMap((levels) => levels.keysAgeSeconds() ?? [])
    return ages.length === 0 ? [] : [{ labels: {}, value: Math.max(...ages) }]
  },
  storeUp: (all: readonly Levels[]): readonly Sample[] => [
    { labels: {}, value: all.some((levels) => levels.isStoreLost()) ? 0 : 1 },
  ],
  revocationsPending: (all: readonly Levels[]): readonly Sample[] => [
    { labels: {}, value: all.some((levels) => levels.isRevocationPending()) ? 1 : 0 },
  ],
  buildInfo: (): readonly Sample[] => [{ labels: { version: VERSION }, value: 1 }],
} as const

function replace(levels: Map<string, Level>, name: string, value: number | undefined): void {
  levels.delete(name)
  if (value === undefined || levels.size >= MOST_NAMES) return
  levels.set(name, { value, at: performance.now() })
}
