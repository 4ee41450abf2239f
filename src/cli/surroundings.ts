/** What a command is given of the process that it runs in. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  /** Reads the text on standard input. */
  readonly readInput: () => Promise<string>
  /** What was asked for, to standard output. */
  readonly print: (text: string) => void
  /** How many characters wait to be written, since the reader of standard output is slow. */
  readonly unwritten: () => number
  /** Whether standard output is a terminal. */
  readonly isTerminal: boolean
  /** Whether to print colors. */
  readonly colors: boolean
  /** Waits until what was printed is written. Rejects with an `OutputError` if something could not be written. */
  readonly flush: () => Promise<void>
  /** What a person should know beside it, to standard error. */
  readonly note: (text: string) => void
  /** Tells a listener each failure to write to standard output, such as `EPIPE` when its reader has gone. */
  readonly onPrintFailure: (listener: (error: unknown) => void) => void
  /** Waits for the next signal that asks to stop. */
  readonly nextSignal: () => Promise<StopSignal>
}

/** SIGTERM lets requests end, SIGINT does not. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

/** The exit codes, for scripts. */
export const EXIT = { ok: 0, failed: 1, usage: 2 } as const

/** The variables that turn colors off, for the help of a command that prints colors. */
export const COLOR_VARIABLES = {
  NO_COLOR: 'set: print no colors',
  TERM: 'dumb: print no colors',
} as const

/** Describes standard output. Only a terminal gets colors, and `NO_COLOR` turns them off (https://no-color.org). */
export function describeTerminal(
  { isTTY }: { readonly isTTY?: boolean },
  env: Surroundings['env'],
): Pick<Surroundings, 'isTerminal' | 'colors'> {
  const isTerminal = isTTY === true
  const isUnwanted = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return { isTerminal, colors: isTerminal && !isUnwanted }
}
