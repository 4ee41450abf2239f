import type { AuthEvent, CircuitEvent, KeysEvent } from '../types.ts'

/** What metrics make of events: the same for OpenTelemetry and for Prometheus, so that one dashboard serves both. */

/** In seconds: those of the HTTP metrics of OpenTelemetry. */
export const DURATION_BOUNDARIES = [
  0.005, 0.01, 0.025, 0.05, 0.075, 0.1, 0.25, 0.5, 0.75, 1, 2.5, 5, 7.5, 10,
] as const

export const KEYS_RESULTS = ['ok', 'error', 'timeout', 'invalid'] as const

export function keysResult({ result, reason }: KeysEvent): (typeof KEYS_RESULTS)[number] {
  if (result === 'fetched') return 'ok'
  if (reason === 'timeout') return 'timeout'
  return reason === 'invalid_response' ? 'invalid' : 'error'
}

const STATES: Readonly<Record<CircuitEvent['state'], number>> = { closed: 0, half_open: 1, open: 2 }

// A verifier may name itself otherwise each time.
const MOST_NAMES = 64

/** What holds until the next event: the state of the circuits, and how old the keys of verifiers are. */
export class Levels {
  readonly #circuits = new Map<string, number>()
  /** When the keys were fetched. */
  readonly #fetchedAt = new Map<string, number>()

  note(event: AuthEvent): void {
    if (event.type === 'circuit') {
      const { verifier = '', tokens, state } = event
      replace(this.#circuits, `${tokens} ${verifier}`, STATES[state])
    } else if (event.type === 'keys') {
      const { verifier, ageMs } = event
      replace(this.#fetchedAt, verifier, ageMs === undefined ? ageMs : performance.now() - ageMs)
    }
  }

  /** That of the circuit which lets the least pass: 0 closed, 1 half open, 2 open. */
  circuitState(): number {
    return Math.max(0, ...this.#circuits.values())
  }

  /** The age of the oldest keys. `undefined` without any. */
  keysAgeSeconds(): number | undefined {
    if (this.#fetchedAt.size === 0) return undefined
    return (performance.now() - Math.min(...this.#fetchedAt.values())) / 1000
  }

  /** For a new configuration, which has new circuits. */
  reset(): void {
    this.#circuits.clear()
    this.#fetchedAt.clear()
  }
}

function replace(levels: Map<string, number>, name: string, level: number | undefined): void {
  levels.delete(name)
  if (level !== undefined && levels.size < MOST_NAMES) levels.set(name, level)
}
