import { once } from 'node:events'
import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'
import type { Socket } from 'node:net'

/** Sends bytes on a new connection and reads until the server closes it. */
export async function sendRaw(port: number, bytes: string): Promise<string> {
  const socket = await openSocket(port)
  socket.write(bytes, 'latin1')
  return (await buffer(socket)).toString('latin1')
}

/** A connection to a server on this machine. It fails after ten seconds without a byte. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(10_000, () =>
    socket.destroy(new Error('The server neither answers nor closes')),
  )
  await once(socket, 'connect')
  return socket
}

/** The bytes of a request head with these header lines. */
export function head(requestLine: string, ...fields: readonly string[]): string {
  return [`${requestLine} HTTP/1.1`, ...fields, '', ''].join('\r\n')
}
