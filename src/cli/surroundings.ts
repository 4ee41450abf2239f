import process from 'node:process'
import { reasonOf } from '../files/system.ts'
import type { Readable } from 'node:stream'

/** The parts of the process that a command uses. Tests pass their own. */
export interface Surroundings {
  readonly env: Readonly<Record<string, string | undefined>>
  readonly readInput: () => Promise<string>
  /** Whether a person would have to type the input. */
  readonly isInputTerminal: () => boolean
  /** Writes the result to standard output. Never throws. */
  readonly print: (text: string) => void
  /** The number of characters that wait for a slow reader of standard output. */
  readonly unwritten: () => number
  readonly isTerminal: boolean
  readonly colors: boolean
  /** Waits until all output is written. Rejects with an `OutputError` if that failed. */
  readonly flush: () => Promise<void>
  /** Writes a message for people to standard error. */
  readonly note: (text: string) => void
  /** Calls the listener for each failed write to standard output, such as `EPIPE` after its reader has left. */
  readonly onPrintFailure: (listener: (error: unknown) => void) => void
  readonly nextSignal: () => Promise<StopSignal>
  /** Calls the listener for each Enter. Returns whether there is a terminal that can send one. */
  readonly onEnter: (listener: () => void) => boolean
}

/** SIGTERM lets open requests finish. SIGINT cuts them off. */
export type StopSignal = 'SIGINT' | 'SIGTERM'

/** The folder of the package. The built command stands as deep in it as this file. */
export const PACKAGE: URL = new URL('../../', import.meta.url)

export const EXIT = { ok: 0, failed: 1, usage: 2, undecided: 3 } as const

export const COLOR_VARIABLES = {
  NO_COLOR: 'set: print no colors',
  TERM: 'dumb: print no colors',
} as const

/** Only a terminal gets colors, and `NO_COLOR` turns them off (https://no-color.org). */
export function describeTerminal(
  { isTTY }: { readonly isTTY?: boolean },
  env: Surroundings['env'],
): Pick<Surroundings, 'isTerminal' | 'colors'> {
  const isTerminal = isTTY === true
  const isUnwanted = (env['NO_COLOR'] ?? '') !== '' || env['TERM'] === 'dumb'
  return { isTerminal, colors: isTerminal && !isUnwanted }
}

// Twice the longest key.
const MAX_INPUT = 16_384

/** Reads a text from a stream. Stops once the text is longer than any key. */
export async function readInput(stream: Readable): Promise<string> {
  let text = ''
  for await (const chunk of stream.setEncoding('utf8')) {
    text += String(chunk)
    if (text.length > MAX_INPUT) break
  }
  return text
}

type Output = Pick<Surroundings, 'print' | 'unwritten' | 'flush' | 'onPrintFailure'>

export class OutputError extends Error {
  /** Whether the reader has left, as `head` does. */
  readonly isReaderGone: boolean

  constructor(cause: unknown) {
    const code = reasonOf(cause)
    super(`Cannot write to standard output: ${code}`, { cause })
    this.name = 'OutputError'
    this.isReaderGone = code === 'EPIPE'
  }
}

/** Waits until the result of a change is written. If that fails, the error says what has changed. The reader may leave. */
export async function flushResult(done: string, { flush }: Pick<Output, 'flush'>): Promise<void> {
  await flush().catch((error: unknown) => {
    if (!(error instanceof OutputError)) throw error
    if (!error.isReaderGone) throw new Error(`${error.message}. ${done}`, { cause: error })
  })
}

/** Waits until a new key is written. Otherwise undoes the change: a key that was not printed must not stay valid. */
export async function flushOrUndo(
  { flush }: Pick<Output, 'flush'>,
  undo: () => Promise<unknown>,
  states: { readonly undone: string; readonly kept: string },
): Promise<void> {
  try {
    await flush()
  } catch (cause) {
    const reason = cause instanceof Error ? cause.message : 'Cannot write the key'
    const state = await undo().then(
      () => states.undone,
      () => states.kept,
    )
    throw new Error(`${reason}. ${state}`, { cause })
  }
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
  // An 'error' event without a listener would end the process.
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
    onPrintFailure: (listener) => void listeners.push(listener),
  }
}

// Deno's `process.stdout` blocks the whole process while its reader is slow. `Deno.stdout` does not.
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

let isStopping = false

/** Waits for the next stop signal. Before the first call, a signal ends the process as usual. */
export function nextSignal(): Promise<StopSignal> {
  return new Promise((resolve) => {
    const stop = (signal: StopSignal): void => {
      isStopping = true
      resolve(signal)
    }
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stop(signal))
  })
}

/** Whether a stop signal has arrived since the first call of `nextSignal`. */
export function isAskedToStop(): boolean {
  return isStopping
}
