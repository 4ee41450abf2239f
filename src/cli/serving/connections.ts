import type { IncomingMessage, Server as HttpServer, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server } from 'srvx'

/** Node's server, of any protocol. `undefined` on other runtimes. */
export type NodeServer = NonNullable<Server['node']>['server'] | undefined

/** Whether it is a server of HTTP/1, which only Node has. */
export function isHttpServer(server: NodeServer): server is HttpServer {
  return server !== undefined && 'closeIdleConnections' in server
}

const CHECK_MS = 100
// A client that is cut off while it sends may never read its response (RFC 9112 §9.6).
const LINGER_MS = 5_000

// The time for a request head that is arriving when the server closes.
const HEAD_MS = 2_000

/**
 * Tracks the connections of Node's server, and does nothing on other runtimes. After its response, a client may send the rest of
 * its request for 5 seconds. The returned function closes idle connections until the server has closed. An incomplete request head
 * gets 2 seconds.
 */
export function trackConnections(
  server: NodeServer,
  lingerMs: number = LINGER_MS,
  headMs: number = HEAD_MS,
): () => void {
  if (!isHttpServer(server)) return () => undefined
  /** The number of open responses on each connection. */
  const sockets = new Map<Socket, number>()
  const count = (socket: Socket, by: 1 | -1): void => {
    if (!socket.destroyed) sockets.set(socket, (sockets.get(socket) ?? 0) + by)
  }
  server.on('connection', (socket: Socket) => {
    // An upgrade that is none comes in again.
    if (!sockets.has(socket)) socket.once('close', () => sockets.delete(socket))
    sockets.set(socket, 0)
  })
  if (server.listenerCount('upgrade') > 0) {
    // A WebSocket is never idle, nor is an upgrade that waits for earlier responses.
    server.prependListener('upgrade', (_, socket: Socket) => count(socket, 1))
  }
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    count(socket, 1)
    response.once('close', () => count(socket, -1))
    response.once('finish', () => endUnlessComplete(request, lingerMs))
  })
  const endIdle = (isLate: boolean): void => {
    server.closeIdleConnections()
    // To Node, a connection is idle only after its first request. Load balancers open connections in advance.
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

// Node reads the rest of a request for as long as it arrives, even after the request was rejected.
function endUnlessComplete(request: IncomingMessage, lingerMs: number): void {
  if (request.complete) return
  setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref()
}
