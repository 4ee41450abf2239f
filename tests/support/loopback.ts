import { randomInt } from 'node:crypto'
import { once } from 'node:events'
import { connect, createServer } from 'node:net'
import type { AddressInfo, Server } from 'node:net'

/** Listens on 127.0.0.1, by default on a free port. Returns the port. */
export async function listen(server: Server, port = 0): Promise<number> {
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}

/** Closes a server and its connections. */
export async function close(server: Server): Promise<void> {
  if (!server.listening) return
  const closed = once(server, 'close')
  server.close()
  if ('closeAllConnections' in server) (server.closeAllConnections as () => void)()
  await closed
}

/** Whether a server on 127.0.0.1 accepts connections. */
export async function isListening(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}

/** A port that nothing listens on. It is below the ports that a system gives to others, so that none of them takes it. */
export async function findFreePort(): Promise<number> {
  const server = createServer()
  try {
    const port = await listen(server, randomInt(20_000, 32_000))
    await close(server)
    return port
  } catch {
    return findFreePort()
  }
}
