import { ignore } from '../core/async.ts'

/** The part of Node's `ClientRequest` that takes a body. */
export interface NodeUpload {
  readonly destroyed: boolean
  readonly writableFinished: boolean
  write(bytes: Uint8Array): boolean
  end(): void
  destroy(error?: Error): void
  once(event: 'drain' | 'close', listener: () => void): unknown
  off(event: 'drain' | 'close', listener: () => void): unknown
}

const NOTHING = new Uint8Array(0)

// A client that is cut while it sends may never read its answer (RFC 9112 §9.6).
const LINGER_MS = 5_000

/**
 * Sends a body as fast as the upstream takes it. When the request ends early, what the client still sends is read and thrown
 * away for a while, so that the client gets its answer; then the body is cancelled. Never rejects.
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
    // Half a body must not look whole.
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
  // Sends the head, which `flushHeaders` would encode as UTF-8.
  request.write(NOTHING)
  let sent = 0
  for (;;) {
    // oxlint-disable-next-line no-await-in-loop -- one chunk after the other
    const { done, value } = await reader.read()
    if (done) break
    // Only a stream of other code can have texts in it, which have no length in bytes.
    if (!(value instanceof Uint8Array)) throw broken('NO_BYTES', 'The body is not made of bytes')
    sent += value.byteLength
    // The upstream would take surplus bytes for another request.
    if (length !== undefined && sent > length)
      throw broken('BODY_TOO_LONG', 'More than Content-Length says')
    // oxlint-disable-next-line no-await-in-loop -- as fast as the upstream takes it
    if (!request.destroyed && !request.write(value)) await untilWritable(request)
  }
  if (length !== undefined && sent < length)
    throw broken('BODY_TOO_SHORT', 'Less than Content-Length says')
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
