import { countedReason, KEYS_RESULTS, keysResult, Levels } from '../../telemetry/measures.ts'
import { Counts, DecisionCounts, Durations } from './counts.ts'
import type { CircuitEvent, KeysEvent } from '../../core/types.ts'
import type { LogEntry } from '../log.ts'
import type { Family } from './exposition.ts'

/** Makes metrics of the entries of a log. */
export interface Meter {
  readonly measure: (entry: LogEntry) => void
  readonly families: () => readonly Family[]
}

/** All statuses that the endpoint answers. */
const STATUSES = [200, 400, 401, 403, 405, 408, 413, 500]

/** Makes the metrics of an auth endpoint. */
export function createEndpointMeter(): Meter {
  const answers = new Counts(
    ['status'],
    [...STATUSES.map(String), 'other'].map((one) => [one]),
  )
  return {
    measure: (entry) => {
      if (entry.type === 'answer') answers.add([String(Reflect.get(entry, 'status'))], ['other'])
    },
    families: () => [
      {
        name: 'with_auth_endpoint_answers_total',
        help: 'Answers to questions about keys.',
        type: 'counter',
        samples: answers.samples(),
      },
    ],
  }
}

/** Makes the metrics of a command that guards requests. At most 60 samples. */
export function createGuardMeter(): Meter {
  const decisions = new DecisionCounts()
  const durations = new Durations()
  const levels = new Levels()
  const fetches = new Counts(
    ['result'],
    KEYS_RESULTS.map((result) => [result]),
  )
  const measureDecision = (entry: LogEntry): void => {
    const { outcome, reason, cache, durationMs } = readDecision(entry)
    decisions.addDecision(outcome, reason, cache)
    // A public path and a preflight are not checked, nor is what is rejected before the guard.
    const isChecked = outcome === 'allow' || outcome === 'deny'
    if (isChecked && durationMs !== undefined) durations.add(durationMs / 1000)
  }
  return {
    measure: (entry) => {
      if (entry.type === 'config') levels.reset()
      if (entry.type === 'decision') measureDecision(entry)
      if (!isLevelEvent(entry)) return
      levels.note(entry)
      if (entry.type === 'keys') fetches.add([keysResult(entry)])
    },
    families: () => {
      const keysAge = levels.keysAgeSeconds()
      return [
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
          samples: fetches.samples(),
        },
        {
          name: 'with_auth_keys_age_seconds',
          help: 'Age of the keys that tokens are checked with.',
          type: 'gauge',
          samples: keysAge === undefined ? [] : [{ value: keysAge }],
        },
      ]
    },
  }
}

// Only the guard writes entries of these types.
function isLevelEvent(entry: LogEntry): entry is CircuitEvent | KeysEvent {
  return entry.type === 'circuit' || entry.type === 'keys'
}

function readDecision(entry: LogEntry) {
  const facts = new Map<string, unknown>(Object.entries(entry))
  const text = (name: string, otherwise = ''): string => {
    const value = facts.get(name)
    return typeof value === 'string' ? value : otherwise
  }
  const durationMs = facts.get('durationMs')
  return {
    outcome: text('outcome'),
    reason: countedReason(text('reason'), text('detail')) ?? '',
    cache: text('cache', 'off'),
    durationMs: typeof durationMs === 'number' ? durationMs : undefined,
  }
}
