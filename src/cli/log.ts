import { ENDPOINT_SECRET } from '../core/endpoint/verdict.ts'
import { reasonOf } from '../files/system.ts'
import { escapeHidden } from './shown-value.ts'
import type { AuthEvent } from '../core/types.ts'
import type { Surroundings } from './surroundings.ts'

/** Writes one line for each event. Events contain no query, and their paths hide the token. */
export type DecisionLog = (entry: LogEntry) => void

type Output = Pick<
  Surroundings,
  'print' | 'unwritten' | 'note' | 'onPrintFailure' | 'isTerminal' | 'colors'
>

/** In characters. */
const MOST_UNWRITTEN = 1_048_576

/**
 * Creates a log on standard output: readable on a terminal, otherwise JSON. The reader of the log cannot stop the server or fill
 * its memory. After a failed write, the log says so once on standard error and ends. A slow reader loses lines. `onDrop` is called for
 * each line that is not written.
 */
export function createDecisionLog(
  output: Output,
  isJson: boolean,
  onDrop?: () => void,
): DecisionLog {
  const { print, unwritten, note, onPrintFailure, isTerminal, colors } = output
  const format =
    isTerminal && !isJson ? (entry: LogEntry) => formatReadable(entry, colors) : formatJson
  let isLost = false
  let dropped = 0
  const lose = (error: unknown): void => {
    if (isLost) return
    isLost = true
    note(
      `with-auth: the log cannot be written (${reasonOf(error)}): serving continues without it\n`,
    )
  }
  const drop = (): void => {
    dropped += 1
    onDrop?.()
    if (dropped > 1) return
    note('with-auth: the reader of the log is slow: lines are dropped until it catches up\n')
  }
  const tellDropped = (): void => {
    const message = `log lines dropped because the reader was too slow: ${dropped}`
    dropped = 0
    note(`with-auth: ${message}\n`)
    print(format({ type: 'warning', message }))
  }
  const tellSecret = createSecretNote(note)
  onPrintFailure(lose)
  return (entry) => {
    tellSecret(entry)
    if (isLost) return onDrop?.()
    // Resume only after everything is written. Otherwise every other line would be a message about dropped lines.
    const isBehind = unwritten() > (dropped > 0 ? 0 : MOST_UNWRITTEN)
    if (isBehind) return drop()
    if (dropped > 0) tellDropped()
    print(format(entry))
  }
}

const SECRET =
  'with-auth: the endpoint requires the header x-auth-secret: set endpoint_headers in run.yaml\n'
const MINUTE_MS = 60_000

/** Makes a function that says, at most once a minute, what to do about requests that fail for want of a secret. */
function createSecretNote(note: Output['note']): DecisionLog {
  let notedAt = -Infinity
  return (entry) => {
    if (!('cause' in entry) || entry.cause !== ENDPOINT_SECRET.toUpperCase()) return
    if (performance.now() - notedAt < MINUTE_MS) return
    notedAt = performance.now()
    note(SECRET)
  }
}

export type LogEntry =
  | AuthEvent
  | { readonly type: string; readonly [name: string]: string | number | boolean | null | undefined }

const LONGEST_PATH = 48
const LONGEST_PRINCIPAL = 40
// A client may send its key anywhere. Only keys made by `with-auth keys` can be recognized in other text.
const OWN_KEY = /withauth_\w+/g
const SHOWN_KEY = 'withauth_...'

/** One line of JSON. Escapes the characters that a terminal or log viewer obeys. */
export function formatJson(entry: LogEntry): string {
  const durationMs = roundDuration('durationMs', Reflect.get(entry, 'durationMs'))
  const line = JSON.stringify({ time: new Date().toISOString(), ...entry, durationMs })
  return `${escapeHidden(line).replace(OWN_KEY, SHOWN_KEY)}\n`
}

/** One line for people. Escapes text from clients, so that a path cannot forge a line or a color. */
export function formatReadable(entry: LogEntry, colors: boolean): string {
  // Standard error announces the start.
  if (entry.type === 'listening') return ''
  const facts = new Map<string, unknown>(Object.entries(entry))
  const time = new Date().toTimeString().slice(0, 8)
  const said = entry.type === 'decision' ? formatDecision(facts, colors) : formatOther(facts)
  return `${paint(time, DIM, colors)} ${said}\n`
}

function formatDecision(facts: ReadonlyMap<string, unknown>, colors: boolean): string {
  const status = show(facts.get('status'))
  const principal = facts.get('principal')
  const words = [
    paint(status, COLORS[status[0] ?? ''] ?? DIM, colors),
    show(facts.get('method')).padEnd(4),
    cut(show(facts.get('path')) || '-', LONGEST_PATH),
    describeOutcome(facts),
    `check ${Number(facts.get('durationMs') ?? 0).toFixed(1)} ms`,
    ...(facts.get('cache') === 'hit' ? ['cached'] : []),
    ...(principal === undefined ? [] : [`principal=${cut(show(principal), LONGEST_PRINCIPAL)}`]),
  ]
  return words.join(' ')
}

function describeOutcome(facts: ReadonlyMap<string, unknown>): string {
  const isShadow = facts.get('shadow') === true
  const causes = [facts.get('detail'), facts.get('cause')].filter((cause) => cause !== undefined)
  const why = causes.length === 0 ? undefined : causes.map(String).join(': ')
  const decided = withCause(facts.get('reason') ?? facts.get('outcome'), why)
  const rule = facts.get('rule')
  const failure = facts.get('failure')
  const failed = failure === undefined ? [] : [withCause(failure, facts.get('upstreamCause'))]
  const ruled = rule === undefined ? [] : [`rule=${show(rule)}`]
  return [isShadow ? `shadow:${decided}` : decided, ...ruled, ...failed].join(' ')
}

function withCause(reason: unknown, cause: unknown): string {
  return cause === undefined ? show(reason) : `${show(reason)} (${show(cause)})`
}

function formatOther(facts: ReadonlyMap<string, unknown>): string {
  const words = [...facts].flatMap(([name, value]) => {
    if (name === 'type' || value === undefined) return []
    const shown = show(roundDuration(name, value))
    return name === 'message' ? [shown] : [`${show(name)}=${shown}`]
  })
  return [show(facts.get('type')), ...words].join(' ')
}

function roundDuration(name: string, value: unknown): unknown {
  const isDuration = name === 'durationMs' || name === 'upstreamMs'
  return isDuration && typeof value === 'number' ? Math.round(value * 1000) / 1000 : value
}

const DIM = 2
const COLORS: Readonly<Record<string, number>> = { 2: 32, 3: 36, 4: 33, 5: 31 }

function paint(text: string, code: number, colors: boolean): string {
  return colors ? `\x1b[${code}m${text}\x1b[0m` : text
}

function show(value: unknown): string {
  return escapeHidden(JSON.stringify(String(value)).slice(1, -1)).replace(OWN_KEY, SHOWN_KEY)
}

function cut(text: string, longest: number): string {
  return text.length > longest ? `${text.slice(0, longest - 1)}…` : text
}
