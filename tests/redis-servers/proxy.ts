import { connect, createServer } from 'node:net'
import { close, listen } from '../support/loopback.ts'
import type { Socket } from 'node:net'

/** A TCP proxy before an engine, which can lose the messages of connections that it keeps open. */
export interface Proxy {
  readonly url: string
  /** Connections from now on lead to this port. */
  readonly lead: (port: number) => void
  /** Loses all bytes on the current connections, in both directions. New connections work. */
  readonly loseAll: () => void
  readonly closeAll: () => void
  readonly stop: () => Promise<void>
}

export async function startProxy(target: number): Promise<Proxy> {
  let port = target
  let pairs: (readonly [Socket, Socket])[] = []
  const server = createServer((client) => {
    const upstream = connect(port, '127.0.0.1')
    const both = [client, upstream] as const
    for (const socket of both) socket.setNoDelay(true)
    pairs.push(both)
    join(client, upstream)
    join(upstream, client)
  })
  const closeAll = (): void => {
    for (const socket of pairs.flat()) socket.destroy()
    pairs = []
  }
  return {
    url: `redis://127.0.0.1:${await listen(server)}`,
    lead: (next) => {
      port = next
    },
    loseAll: () => {
      for (const socket of pairs.flat()) socket.removeAllListeners('data').resume()
    },
    closeAll,
    stop: async () => {
      const closed = close(server)
      closeAll()
      await closed
    },
  }
}

function join(from: Socket, to: Socket): void {
  from.on('data', (chunk) => to.write(chunk))
  from.on('error', () => to.destroy())
  from.on('close', () => to.destroy())
}
