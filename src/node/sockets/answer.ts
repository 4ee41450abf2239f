import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** How long a client may read nothing, and how long it may go on sending after its answer. */
const STALLED_MS = 10_000

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
  socket.setTimeout(stalledMs, () => socket.destroy())
  const outgoing = new ServerResponse(incoming)
  outgoing.shouldKeepAlive = false
  outgoing.assignSocket(socket)
  try {
    outgoing.statusMessage = response.statusText
    outgoing.writeHead(response.status, [...response.headers].filter(isNotFraming).flat())
    // Reads on, for an unread byte would reset the connection, and with it the answer (RFC 9112 §9.6).
    socket.resume()
    await pipeline(response.body ?? [], outgoing)
    socket.end()
    setTimeout(() => socket.destroy(), stalledMs).unref()
  } catch {
    // The body broke off, or the client left.
    socket.destroy()
  }
}

function isNotFraming([name]: readonly [string, string]): boolean {
  return !['connection', 'keep-alive', 'transfer-encoding', 'upgrade'].includes(name)
}
