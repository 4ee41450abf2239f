import { hasBody } from './handshake.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The first version whose server reads the body of an upgrade itself, so that the request cannot be given back. */
const READS_BODIES = 26
/** Connections that were given back, each with the number of bytes that it had sent then. */
const givenBack = new WeakMap<Socket, number>()

/** Makes the server list all headers of a request. By default Node drops those behind the first thousand, such as a length. */
export function listAllHeaders(server: object): void {
  if ('maxHeadersCount' in server) Reflect.set(server, 'maxHeadersCount', 0)
}

/** Makes a server that reads the body of an upgrade itself treat a request with one as an ordinary request. */
export function refuseUpgradesWithBody(server: object, nodeVersion: string): void {
  if (Number.parseInt(nodeVersion, 10) < READS_BODIES || !isEmitter(server)) return
  const isUpgrade = (incoming: IncomingMessage): boolean => {
    if (!hasBody(incoming)) return true
    // Node's parser drops what came in one piece behind such a body, so no other request may follow.
    server.prependOnceListener('request', (request: unknown, response: ServerResponse) => {
      if (request === incoming) response.shouldKeepAlive = false
    })
    return false
  }
  Reflect.set(server, 'shouldUpgradeCallback', isUpgrade)
}

/**
 * Gives an upgrade that is none back to its server, as the ordinary request that it is: the head without `Upgrade`, then the body
 * and all that follows. The server reads it like the first request of a new connection, so no earlier response may be open.
 */
export function returnToServer(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
  const server: unknown = Reflect.get(socket, 'server')
  // An ordinary request would have got a response since, so this one would come back for ever.
  const hasComeBack = givenBack.get(socket) === socket.bytesWritten
  if (hasComeBack || !isEmitter(server)) {
    socket.destroy()
    return
  }
  givenBack.set(socket, socket.bytesWritten)
  socket.unshift(Buffer.concat([Buffer.from(headOf(incoming), 'latin1'), head]))
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  rawHeaders.forEach((name, index) => {
    if (index % 2 === 1 || /^upgrade$/i.test(name)) return
    lines.push(`${name}: ${rawHeaders[index + 1] ?? ''}`)
  })
  return `${lines.join('\r\n')}\r\n\r\n`
}

function isEmitter(value: unknown): value is NodeJS.EventEmitter {
  return typeof value === 'object' && value !== null && 'emit' in value
}
