import type { Socket } from 'node:net'
import type { Server } from 'srvx'

type NodeServer = NonNullable<Server['node']>['server']

const CHECK_MS = 100

/**
 * Follows the connections of Node's server. What it returns ends, from then until the server has closed, each connection on which
 * no request is under way. Other runtimes do so themselves, and have no such server.
 */
export function trackConnections(server: NodeServer | undefined): () => void {
  if (server === undefined || !('closeIdleConnections' in server)) return () => undefined
  const sockets = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.once('close', () => sockets.delete(socket))
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
