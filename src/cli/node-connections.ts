import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server } from 'srvx'

type NodeServer = NonNullable<Server['node']>['server']

const CHECK_MS = 100
// A client that is cut while it sends may never read its answer (RFC 9112 §9.6).
const LINGER_MS = 5_000

/**
 * Follows the connections of Node's server. A client that has its answer may send the rest of its request for 5 seconds. The
 * returned function ends idle connections, from then until the server has closed. Other runtimes have another server: nothing is done.
 */
export function trackConnections(
  server: NodeServer | undefined,
  lingerMs: number = LINGER_MS,
): () => void {
  if (server === undefined || !('closeIdleConnections' in server)) return () => undefined
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    response.once('finish', () => endUnlessComplete(request, lingerMs))
  })
  const endIdle = (): void => {
    server.closeIdleConnections()
    // Node counts a connection as idle only after its first request. A load balancer opens some in advance.
    for (const socket of sockets) {
      if (socket.bytesRead === 0) socket.destroy()
    }
  }
  return () => {
    const timer = setInterval(endIdle, CHECK_MS)
    server.once('close', () => clearInterval(timer))
  }
}

// Node reads the rest of a request for as long as it comes, also from a client that was rejected.
function endUnlessComplete(request: IncomingMessage, lingerMs: number): void {
  if (request.complete) return
  setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref()
}
