import { main } from '../../src/cli/main.ts'
import { keepOutput } from '../secrets/capture.ts'
import type { Command } from '../../src/cli/command-line.ts'
import type { StopSignal, Surroundings } from '../../src/cli/surroundings.ts'

export interface RecordedSurroundings extends Surroundings {
  readonly printed: () => string
  readonly noted: () => string
  /** Emits an error on standard output. */
  readonly failToPrint: (error: unknown) => void
  /** Calls the current listeners of a signal. */
  readonly signal: (signal: StopSignal) => void
  /** Sends an Enter. */
  readonly enter: () => void
}

/** The surroundings of a command that runs in a test. */
export function createSurroundings(
  env: Readonly<Record<string, string>> = {},
  input = '',
  terminal: Pick<Surroundings, 'isTerminal' | 'colors'> = { isTerminal: false, colors: false },
): RecordedSurroundings {
  let printed = ''
  let noted = ''
  const keep = (text: string): string => {
    keepOutput(text)
    return text
  }
  const listeners: ((error: unknown) => void)[] = []
  const enters: (() => void)[] = []
  let waiting: ((signal: StopSignal) => void)[] = []
  return {
    env,
    readInput: () => Promise.resolve(input),
    isInputTerminal: () => false,
    print: (text) => void (printed += keep(text)),
    unwritten: () => 0,
    ...terminal,
    flush: () => Promise.resolve(),
    note: (text) => void (noted += keep(text)),
    onPrintFailure: (listener) => void listeners.push(listener),
    nextSignal: () => new Promise((resolve) => waiting.push(resolve)),
    onEnter: (listener) => {
      enters.push(listener)
      return terminal.isTerminal
    },
    enter: () => enters.forEach((press) => press()),
    printed: () => printed,
    noted: () => noted,
    failToPrint: (error) => listeners.forEach((listen) => listen(error)),
    signal: (signal) => {
      const called = waiting
      waiting = []
      for (const resolve of called) resolve(signal)
    },
  }
}

/** Runs a command line. Returns its exit code and its output. */
export async function runLine(
  args: readonly string[],
  commands: readonly Command[],
  env: Readonly<Record<string, string>> = {},
  input = '',
): Promise<{ code: number; printed: string; noted: string }> {
  const surroundings = createSurroundings(env, input)
  const code = await main(args, commands, surroundings)
  return { code, printed: surroundings.printed(), noted: surroundings.noted() }
}
