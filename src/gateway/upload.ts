import { ignore } from '../core/async.ts'

/** The part of Node's `ClientRequest` that takes a body. */
export interface NodeUpload {
  readonly destroyed: boolean
  readonly writableFinished: boolean
  write(bytes: Uint8Array): boolean
  end(): void
  destroy(error?: Error): void
  on(event: 'drain' | 'close', listener: () => void): unknown
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

const NOTHING = new Uint8Array(0)

// A client whose connection closes during its upload may never read the response (RFC 9112 §9.6).
const LINGER_MS = 5_000

/**
 * Sends a body as fast as the upstream reads it. If the request ends early, it reads and drops the rest for `lingerMs`, so that
 * the client can read its response. Then it cancels the body. Never rejects.
 */
export async function sendBody(
  body: ReadableStream<Uint8Array>,
  request: NodeUpload,
  length: string | null,
  lingerMs: number = LINGER_MS,
): Promise<void> {
  const reader = body.getReader()
  let timer: ReturnType<typeof setTimeout> | undefined
  const linger = (): void => {
    timer = setTimeout(() => ignore(reader.cancel()), lingerMs)
  }
  request.once('close', linger)
  try {
    await pump(reader, request, length === null ? undefined : Number(length))
  } catch (error) {
    // The upstream must not take a part of the body for the whole.
    request.destroy(error instanceof Error ? error : new Error('The body broke off'))
  } finally {
    clearTimeout(timer)
    request.off('close', linger)
  }
}

async function pump(
  reader: ReadableStreamDefaultReader<Uint8Array>,
  request: NodeUpload,
  length: number | undefined,
): Promise<void> {
  // An empty chunk sends the head in Latin-1. `flushHeaders` would encode it as UTF-8.
  request.write(NOTHING)
  let sent = 0
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
    const { done, value } = await reader.read()
    if (done) break
    // A user's stream may contain strings, whose length is not in bytes.
    if (!(value instanceof Uint8Array))
      throw broken('NO_BYTES', 'The body does not consist of bytes')
    sent += value.byteLength
    // The upstream would read extra bytes as another request.
    if (length !== undefined && sent > length)
      throw broken('BODY_TOO_LONG', 'The body is longer than Content-Length')
    // oxlint-disable-next-line no-await-in-loop -- as fast as the upstream takes it
    if (!request.destroyed && !request.write(value)) await untilWritable(request)
  }
  if (length !== undefined && sent < length)
    throw broken('BODY_TOO_SHORT', 'The body is shorter than Content-Length')
  request.end()
}

function untilWritable(request: NodeUpload): Promise<void> {
  return new Promise((resolve) => {
    const go = (): void => {
      request.off('drain', go)
      request.off('close', go)
      resolve()
    }
    request.once('drain', go)
    request.once('close', go)
  })
}

function broken(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
