import { observeWithRequest } from '../core/events.ts'
import type { AuthConfig } from '../core/auth-config.ts'
import type { AuthEvent, DecisionEvent } from '../core/types.ts'
import type { Surroundings } from './surroundings.ts'

/** What is written beside the guard's own events. */
export type LogEntry =
  | AuthEvent
  | { readonly type: string; readonly [name: string]: string | number | boolean | undefined }

/** Writes one line of JSON for each event. There is no token and no query in an event, and so in no line. */
export type DecisionLog = (entry: LogEntry) => void

/**
 * Makes a log on standard output. When that cannot be written, it says so once on standard error, and writes no more: a server
 * must not end because the reader of its log did.
 */
export function createDecisionLog({
  print,
  note,
  onPrintFailure,
}: Pick<Surroundings, 'print' | 'note' | 'onPrintFailure'>): DecisionLog {
  let isLost = false
  const lose = (error: unknown): void => {
    if (isLost) return
    isLost = true
    note(`with-auth: the log cannot be written (${codeOf(error)}): serving goes on without it\n`)
  }
  onPrintFailure(lose)
  return (entry) => {
    if (isLost) return
    const line = JSON.stringify({ time: new Date().toISOString(), ...entry }, roundDuration)
    print(`${line.replace(NOT_PRINTED, escapeUnit)}\n`)
  }
}

/** Writes one line for each request, with the status that its client got. */
export interface RequestLog {
  /** Keeps each decision for its request, and writes every other event at once. */
  readonly onEvent: NonNullable<AuthConfig['onEvent']>
  /** Writes the decision about a request, now that the head of the response is there. */
  readonly answered: (request: Request, status: number) => void
}

export function createRequestLog(log: DecisionLog, logsPrincipal: boolean): RequestLog {
  const decisions = new WeakMap<Request, DecisionEvent>()
  return {
    onEvent: observeWithRequest((event, request) => {
      if (event.type !== 'decision' || request === undefined) return log(event)
      decisions.set(request, event)
    }),
    answered: (request, status) => {
      const event = decisions.get(request)
      if (event === undefined) return
      const { principal, ...decision } = event
      const named = logsPrincipal && principal !== undefined ? { principal } : {}
      log({ ...decision, ...named, status })
    },
  }
}

function codeOf(error: unknown): string {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : 'no code'
}

function roundDuration(name: string, value: unknown): unknown {
  return name === 'durationMs' && typeof value === 'number'
    ? Math.round(value * 1000) / 1000
    : value
}

// Terminals and log viewers obey these, and JSON leaves them as they are: more controls, line ends, changes of direction.
const NOT_PRINTED = /[\x7f-\x9f\u2028-\u202e\u2066-\u2069]/g

function escapeUnit(unit: string): string {
  return `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
}
