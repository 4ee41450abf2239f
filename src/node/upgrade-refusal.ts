import { STATUS_CODES } from 'node:http'
import type { Duplex } from 'node:stream'

/** Answers an upgrade with a response in place of the protocol that was asked for, and closes the connection. Never rejects. */
export async function refuseUpgrade(socket: Duplex, response: Response): Promise<void> {
  try {
    const body = new Uint8Array(await response.arrayBuffer())
    socket.once('finish', () => socket.destroy())
    socket.write(describeHead(response, body.byteLength), 'latin1')
    socket.end(body)
  } catch {
    // The body of an operator's `respond` broke off.
    socket.destroy()
  }
}

// RFC 9112 §3 to §6. One response a connection, so that nothing can follow it.
function describeHead({ status, headers }: Response, contentLength: number): string {
  const fields = [...headers].filter(isNotFraming)
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    `content-length: ${contentLength}`,
    'connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

function isNotFraming([name]: readonly [string, string]): boolean {
  return !['connection', 'content-length', 'transfer-encoding'].includes(name)
}
