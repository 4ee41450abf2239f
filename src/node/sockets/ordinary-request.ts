import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'

/** Makes the server list all headers of a request. By default Node drops those behind the first thousand, such as a length. */
export function listAllHeaders(server: object): void {
  if ('maxHeadersCount' in server) Reflect.set(server, 'maxHeadersCount', 0)
}

/**
 * Makes the server treat only some requests as upgrades. Without its option `shouldUpgradeCallback`, on Node before 22.21, every
 * request with `Upgrade` is one.
 */
export function selectUpgrades(
  server: object,
  isUpgrade: (incoming: IncomingMessage) => boolean,
): void {
  if ('shouldUpgradeCallback' in server) Reflect.set(server, 'shouldUpgradeCallback', isUpgrade)
}

/**
 * Gives an upgrade that is none back to its server, as the ordinary request that it is: the head without `upgrade` in `Connection`,
 * then the body and all that follows. The server reads it like the first request of a new connection.
 */
export function returnToServer(incoming: IncomingMessage, socket: Socket, head: Buffer): void {
  const server: unknown = Reflect.get(socket, 'server')
  if (!isEmitter(server)) {
    socket.destroy()
    return
  }
  socket.unshift(Buffer.concat([Buffer.from(headOf(incoming), 'latin1'), head]))
  server.emit('encrypted' in socket ? 'secureConnection' : 'connection', socket)
}

function headOf({ method, url, httpVersion, rawHeaders }: IncomingMessage): string {
  const lines = [`${method} ${url} HTTP/${httpVersion}`]
  rawHeaders.forEach((name, index) => {
    if (index % 2 === 1) return
    const value = rawHeaders[index + 1] ?? ''
    lines.push(`${name}: ${/^connection$/i.test(name) ? withoutUpgrade(value) : value}`)
  })
  return `${lines.join('\r\n')}\r\n\r\n`
}

function withoutUpgrade(connection: string): string {
  return connection
    .split(',')
    .filter((option) => !/upgrade/i.test(option))
    .join(',')
}

function isEmitter(value: unknown): value is NodeJS.EventEmitter {
  return typeof value === 'object' && value !== null && 'emit' in value
}
