import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client may read nothing, and how long it may go on sending after its answer. */
const STALLED_MS = 10_000
/** A client must read so much in that time. */
const SLICE_BYTES = 65_536

/**
 * Answers a handshake with an HTTP response, and closes the connection. Drops all later bytes of the client: they may look like a
 * request (request smuggling). Never rejects.
 */
export async function answerHandshake(
  incoming: IncomingMessage,
  socket: Socket,
  response: Response,
  stalledMs: number = STALLED_MS,
): Promise<void> {
  if (socket.destroyed) {
    await response.body?.cancel().catch(() => undefined)
    return
  }
  const { ServerResponse } = process.getBuiltinModule('node:http')
  const { pipeline } = process.getBuiltinModule('node:stream/promises')
  // The timeout of a socket would also wait for a client that sends and does not read.
  const stalled = setTimeout(() => socket.destroy(), stalledMs)
  const outgoing = new ServerResponse(incoming)
  outgoing.shouldKeepAlive = false
  outgoing.assignSocket(socket)
  // Node did this until it handed the connection over.
  socket.on('drain', () => outgoing.emit('drain'))
  try {
    outgoing.statusMessage = response.statusText
    outgoing.writeHead(response.status, [...response.headers].filter(isNotFraming).flat())
    // Reads on, for an unread byte would reset the connection, and with it the answer (RFC 9112 §9.6).
    socket.resume()
    const reader = response.body?.getReader()
    // Nothing else ends the wait for a body that is silent, and frees what it comes from.
    socket.once('close', () => void reader?.cancel().catch(() => undefined))
    await pipeline(
      inSlices(reader, () => stalled.refresh()),
      outgoing,
    )
    socket.end()
    setTimeout(() => socket.destroy(), stalledMs).unref()
  } catch {
    // The body broke off, or the client left.
    socket.destroy()
  } finally {
    clearTimeout(stalled)
  }
}

async function* inSlices(
  reader: ReadableStreamDefaultReader<unknown> | undefined,
  onTaken: () => void,
): AsyncGenerator<Uint8Array> {
  for (let step = await reader?.read(); step?.done === false; step = await reader?.read()) {
    const { value } = step
    if (!(value instanceof Uint8Array)) throw new TypeError('A body consists of bytes')
    for (let start = 0; start < value.byteLength; start += SLICE_BYTES) {
      yield value.subarray(start, start + SLICE_BYTES)
      onTaken()
    }
  }
}

function isNotFraming([name]: readonly [string, string]): boolean {
  return !['connection', 'keep-alive', 'transfer-encoding', 'upgrade'].includes(name)
}
