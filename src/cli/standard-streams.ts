// A key has at most 8192 characters, so a longer text is not read to its end.
const MAX_INPUT = 16_384

/** Reads a text from a stream, and ends where it is longer than a key can be. */
export async function readInput(stream: NodeJS.ReadStream): Promise<string> {
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
  /** Waits until what was printed is written. Rejects with an `OutputError` if something could not be written. */
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

export function createOutput(stream: NodeJS.WriteStream): Output {
  let failure: OutputError | undefined
  let lastWrite = Promise.resolve()
  const listeners: ((error: unknown) => void)[] = []
  const fail = (error: unknown): void => {
    failure ??= new OutputError(error)
    for (const listener of listeners) listener(error)
  }
  // Without a listener this event would end the process.
  stream.on('error', fail)
  return {
    print: (text) => void (lastWrite = write(stream, text).catch(fail)),
    flush: async () => {
      await lastWrite
      if (failure !== undefined) throw failure
    },
    onFailure: (listener) => void listeners.push(listener),
  }
}

// Deno throws, Node and Bun call back.
function write(stream: NodeJS.WriteStream, text: string): Promise<void> {
  return new Promise((resolve, reject) => {
    stream.write(text, (error) => (error ? reject(error) : resolve()))
  })
}

function codeOf(error: unknown): string {
  return String(Reflect.get(Object(error), 'code'))
}
