import type { AuthEvent } from '../core/types.ts'

/** What is written beside the guard's own events. */
export type LogEntry =
  | AuthEvent
  | { readonly type: string; readonly [name: string]: string | number | boolean | undefined }

/** Writes one line of JSON for each event. There is no token, header or query in an event, and so in no line. */
export type DecisionLog = (entry: LogEntry) => void

export function createDecisionLog(print: (text: string) => void): DecisionLog {
  return (entry) => print(`${JSON.stringify({ time: new Date().toISOString(), ...entry })}\n`)
}
