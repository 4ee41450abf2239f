import { formatJson, formatReadable } from './log-line.ts'
import type { LogEntry } from './log-line.ts'
import type { Surroundings } from './surroundings.ts'

/** Writes one line for each event. An event has no query, and hides the token that its request presents. */
export type DecisionLog = (entry: LogEntry) => void

type Output = Pick<
  Surroundings,
  'print' | 'unwritten' | 'note' | 'onPrintFailure' | 'isTerminal' | 'colors'
>

/** How many characters may wait for a slow reader. */
const MOST_UNWRITTEN = 1_048_576

/**
 * Makes a log on standard output: readable on a terminal, else JSON. A server must neither end nor grow because of the reader of
 * its log. When the log cannot be written, it says so once on standard error, and writes no more. While its reader does not
 * read, it drops lines.
 */
export function createDecisionLog(output: Output, isJson: boolean): DecisionLog {
  const { print, unwritten, note, onPrintFailure, isTerminal, colors } = output
  const format =
    isTerminal && !isJson ? (entry: LogEntry) => formatReadable(entry, colors) : formatJson
  let isLost = false
  let dropped = 0
  const lose = (error: unknown): void => {
    if (isLost) return
    isLost = true
    note(`with-auth: the log cannot be written (${codeOf(error)}): serving goes on without it\n`)
  }
  const drop = (): void => {
    dropped += 1
    if (dropped > 1) return
    note('with-auth: the log has a slow reader: lines are dropped until it catches up\n')
  }
  const tellDropped = (): void => {
    const message = `lines of the log that were dropped, since its reader was too slow: ${dropped}`
    dropped = 0
    note(`with-auth: ${message}\n`)
    print(format({ type: 'warning', message }))
  }
  onPrintFailure(lose)
  return (entry) => {
    if (isLost) return
    // Not before all is written: a slow reader would get a message for every other line.
    const isBehind = unwritten() > (dropped > 0 ? 0 : MOST_UNWRITTEN)
    if (isBehind) return drop()
    if (dropped > 0) tellDropped()
    print(format(entry))
  }
}

function codeOf(error: unknown): string {
  const code: unknown = Reflect.get(Object(error), 'code')
  return typeof code === 'string' ? code : 'no code'
}
