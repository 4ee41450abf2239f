import process from 'node:process'
import type { Readable } from 'node:stream'

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

// A key has at most 8192 characters, so a longer text is not read to its end.
const MAX_INPUT = 16_384

/** Reads a text from a stream, and ends where it is longer than a key can be. */
export async function readInput(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > MAX_INPUT) break
  }
  return text
}

/** Standard output, or standard error. */
export interface Output {
  /** Writes a text. Never throws. */
  readonly print: (text: string) => void
  /** How many characters wait to be written, since the reader is slow. */
  readonly unwritten: () => number
  /** Waits until all output is written. Rejects with an `OutputError` for a failure that no listener was told. */
  readonly flush: () => Promise<void>
  /** Tells a listener each failure to write. */
  readonly onFailure: (listener: (error: unknown) => void) => void
}

/** Says why standard output could not be written. */
export class OutputError extends Error {
  /** Whether its reader has gone, such as `head` when it has what it wants. */
  readonly isReaderGone: boolean

  constructor(cause: unknown) {
    const code = codeOf(cause)
    super(`Cannot write to standard output: ${code}`, { cause })
    this.name = 'OutputError'
    this.isReaderGone = code === 'EPIPE'
  }
}

/** Waits until the result of a change is written. If it cannot be, the error says what has changed. A reader may go. */
export async function flushResult(done: string, { flush }: Pick<Output, 'flush'>): Promise<void> {
  await flush().catch((error: unknown) => {
    if (!(error instanceof OutputError)) throw error
    if (!error.isReaderGone) throw new Error(`${error.message}. ${done}`, { cause: error })
  })
}

export function createOutput(name: 'stdout' | 'stderr'): Output {
  const write = createWrite(name)
  let failure: OutputError | undefined
  let lastWrite = Promise.resolve()
  let unwritten = 0
  const listeners: ((error: unknown) => void)[] = []
  const fail = (error: unknown): void => {
    if (listeners.length === 0) failure ??= new OutputError(error)
    for (const listener of listeners) listener(error)
  }
  // Without a listener this event would end the process.
  process[name].on('error', fail)
  return {
    print: (text) => {
      unwritten += text.length
      lastWrite = write(text)
        .catch(fail)
        .then(() => void (unwritten -= text.length))
    },
    unwritten: () => unwritten,
    flush: async () => {
      await lastWrite
      if (failure !== undefined) throw failure
    },
    onFailure: (listener) => void listeners.push(listener),
  }
}

// Deno's `process.stdout` stops the whole process while its reader does not read. Deno's own stream does not.
function createWrite(name: 'stdout' | 'stderr'): (text: string) => Promise<void> {
  const deno: unknown = Reflect.get(globalThis, 'Deno')
  const stream: unknown = Reflect.get(Object(Reflect.get(Object(deno), name)), 'writable')
  if (stream instanceof WritableStream) {
    const writer = stream.getWriter()
    return (text) => writer.write(new TextEncoder().encode(text))
  }
  return (text) =>
    new Promise((resolve, reject) => {
      process[name].write(text, (error) => (error ? reject(error) : resolve()))
    })
}

function codeOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'code'))
}

const SIGNALS: readonly StopSignal[] = ['SIGINT', 'SIGTERM']

let isStopping = false

/** Waits for the next signal that asks to stop. Until somebody waits, such a signal ends the process as usual. */
export function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    const stop = (signal: StopSignal): void => {
      isStopping = true
      resolve(signal)
    }
    for (const signal of SIGNALS) process.on(signal, () => stop(signal))
  })
}

/** Whether `nextSignal` has told of a signal. */
export function isAskedToStop(): boolean {
  return isStopping
}
