import { once } from 'node:events'
import type { AddressInfo, Server } from 'node:net'

/** Listens on a free port of 127.0.0.1, or on the one named, and returns the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Closes a server with all its connections. */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
  await closed
}
