import { countedReason, KEYS_RESULTS, keysResult, Levels } from '../../telemetry/measures.ts'
import { DecisionCounts } from './decisions.ts'
import { Durations } from './durations.ts'
import type { CircuitEvent, KeysEvent } from '../../core/types.ts'
import type { LogEntry } from '../log.ts'
import type { Sample } from './exposition.ts'
import type { Meter } from './listener.ts'

/** Makes the metrics of a command that guards requests. At most 60 samples. */
export function createGuardMeter(): Meter {
  const decisions = new DecisionCounts()
  const durations = new Durations()
  const levels = new Levels()
  const fetches = new Map(KEYS_RESULTS.map((result) => [result, 0]))
  const measureDecision = (entry: LogEntry): void => {
    const { outcome, reason, cache, durationMs } = readDecision(entry)
    decisions.add(outcome, reason, cache)
    // A public path and a preflight are not checked, nor is what is rejected before the guard.
    const isChecked = outcome === 'allow' || outcome === 'deny'
    if (isChecked && durationMs !== undefined) durations.add(durationMs / 1000)
  }
  const measureLevel = (event: CircuitEvent | KeysEvent): void => {
    levels.note(event)
    if (event.type !== 'keys') return
    const result = keysResult(event)
    fetches.set(result, (fetches.get(result) ?? 0) + 1)
  }
  return {
    measure: (entry) => {
      if (entry.type === 'config') levels.reset()
      if (entry.type === 'decision') measureDecision(entry)
      if (isLevelEvent(entry)) measureLevel(entry)
    },
    families: () => [
      {
        name: 'with_auth_decisions_total',
        help: 'Decisions about requests.',
        type: 'counter',
        samples: decisions.samples(),
      },
      {
        name: 'with_auth_check_duration_seconds',
        help: 'Duration of checks, without the upstream.',
        type: 'histogram',
        samples: durations.samples(),
      },
      {
        name: 'with_auth_circuit_state',
        help: 'State of the circuit breaker: 0 closed, 1 half open, 2 open.',
        type: 'gauge',
        samples: [{ value: levels.circuitState() }],
      },
      {
        name: 'with_auth_keys_fetches_total',
        help: 'Fetches of the keys that tokens are checked with.',
        type: 'counter',
        samples: [...fetches].map(([result, value]) => ({ labels: { result }, value })),
      },
      {
        name: 'with_auth_keys_age_seconds',
        help: 'Age of the keys that tokens are checked with.',
        type: 'gauge',
        samples: sampleOf(levels.keysAgeSeconds()),
      },
    ],
  }
}

function sampleOf(value: number | undefined): readonly Sample[] {
  return value === undefined ? [] : [{ value }]
}

// Only the guard writes entries of these types.
function isLevelEvent(entry: LogEntry): entry is CircuitEvent | KeysEvent {
  return entry.type === 'circuit' || entry.type === 'keys'
}

function readDecision(entry: LogEntry) {
  const facts = new Map<string, unknown>(Object.entries(entry))
  const text = (name: string, otherwise: string): string => {
    const value = facts.get(name)
    return typeof value === 'string' ? value : otherwise
  }
  const durationMs = facts.get('durationMs')
  return {
    outcome: text('outcome', ''),
    reason: countedReason(text('reason', ''), text('detail', '')) ?? '',
    cache: text('cache', 'off'),
    durationMs: typeof durationMs === 'number' ? durationMs : undefined,
  }
}
