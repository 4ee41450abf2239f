import process from 'node:process'
import type { Readable } from 'node:stream'

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
