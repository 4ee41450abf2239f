import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server } from 'srvx'

type NodeServer = NonNullable<Server['node']>['server']

const CHECK_MS = 100
// A client that is cut while it sends may never read its answer (RFC 9112 §9.6).
const LINGER_MS = 5_000

// A request whose head is on its way when a server closes.
const HEAD_MS = 2_000

/**
 * Follows the connections of Node's server. A client that has its answer may send the rest of its request for 5 seconds. The
 * returned function ends each connection without an open response, from then until the server has closed: half a head is waited
 * for 2 seconds. Other runtimes have another server: nothing is done.
 */
export function trackConnections(
  server: NodeServer | undefined,
  lingerMs: number = LINGER_MS,
  headMs: number = HEAD_MS,
): () => void {
  if (server === undefined || !('closeIdleConnections' in server)) return () => undefined
  /** The number of open responses on each. */
  const sockets = new Map<Socket, number>()
  const count = (socket: Socket, by: 1 | -1): void => {
    if (!socket.destroyed) sockets.set(socket, (sockets.get(socket) ?? 0) + by)
  }
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, 0)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    count(socket, 1)
    response.once('close', () => count(socket, -1))
    response.once('finish', () => endUnlessComplete(request, lingerMs))
  })
  const endIdle = (isLate: boolean): void => {
    server.closeIdleConnections()
    // Node counts a connection as idle only after its first request. A load balancer opens some in advance.
    for (const [socket, open] of sockets) {
      if (open === 0 && (isLate || socket.bytesRead === 0)) socket.destroy()
    }
  }
  return () => {
    const startedAt = performance.now()
    const timer = setInterval(() => endIdle(performance.now() - startedAt >= headMs), CHECK_MS)
    server.once('close', () => clearInterval(timer))
  }
}

// Node reads the rest of a request for as long as it comes, also from a client that was rejected.
function endUnlessComplete(request: IncomingMessage, lingerMs: number): void {
  if (request.complete) return
  setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref()
}
