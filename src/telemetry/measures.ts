import { isUnavailableReason } from '../core/errors.ts'
import { isUnsearched } from '../core/response/denial.ts'
import type { AuthEvent, CircuitEvent, DecisionEvent, KeysEvent } from '../core/types.ts'

/** Numbers that OpenTelemetry and Prometheus get of events: the same for both, so that one dashboard serves both. */

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

/** Whether the server failed, and not the caller. */
export function isOutage(event: Pick<DecisionEvent, 'reason' | 'detail'>): boolean {
  const { reason = '', detail } = event
  if (isUnsearched(reason, detail)) return false
  return isUnavailableReason(reason) || reason === 'internal_error' || reason === 'not_configured'
}

/** The reason that a decision is counted by: `unknown_key` is an `overloaded` without an outage. */
export function countedReason(
  reason: string | undefined,
  detail: string | undefined,
): string | undefined {
  return isUnsearched(reason, detail) ? detail : reason
}

const STATES: Readonly<Record<CircuitEvent['state'], number>> = { closed: 0, half_open: 1, open: 2 }

// A verifier may name itself otherwise each time.
const MOST_NAMES = 64
// The circuit of a guard that is no longer used never closes. One that is used says so again whenever a probe fails.
const FORGOTTEN_MS = 600_000

interface Level {
  readonly value: number
  readonly at: number
}

/** Numbers that hold until the next event: the state of the circuits, and the age of the keys of verifiers. */
export class Levels {
  readonly #circuits = new Map<string, Level>()
  readonly #keys = new Map<string, Level>()

  note(event: AuthEvent): void {
    if (event.type === 'circuit') {
      const { verifier = '', tokens, state } = event
      replace(this.#circuits, `${tokens} ${verifier}`, STATES[state])
    } else if (event.type === 'keys') {
      replace(this.#keys, event.verifier, event.ageMs)
    }
  }

  /** That of the circuit which lets the least pass: 0 closed, 1 half open, 2 open. */
  circuitState(): number {
    const since = performance.now() - FORGOTTEN_MS
    const states = [...this.#circuits.values()].map(({ value, at }) => (at < since ? 0 : value))
    return Math.max(0, ...states)
  }

  /** The age of the oldest keys. `undefined` without any. */
  keysAgeSeconds(): number | undefined {
    if (this.#keys.size === 0) return undefined
    const now = performance.now()
    return Math.max(...[...this.#keys.values()].map(({ value, at }) => value + now - at)) / 1000
  }

  /** For a new configuration, which has new circuits. */
  reset(): void {
    this.#circuits.clear()
    this.#keys.clear()
  }
}

function replace(levels: Map<string, Level>, name: string, value: number | undefined): void {
  levels.delete(name)
  if (value === undefined || levels.size >= MOST_NAMES) return
  levels.set(name, { value, at: performance.now() })
}
