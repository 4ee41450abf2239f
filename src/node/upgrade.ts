import type { Duplex } from 'node:stream'
import type { AuthenticationResult } from '../core/authenticator.ts'
import type { Auth } from '../core/types.ts'

/** Lets an admitted upgrade proceed, and rejects every other. */
export async function enterUpgrade(
  deciding: Promise<AuthenticationResult>,
  socket: Duplex,
  proceed: (auth: Auth | undefined) => unknown,
): Promise<void> {
  // Node has removed its own listener, so a reset during the check would end the process.
  socket.on('error', destroy)
  const result = await deciding
  if (!result.ok) return refuseUpgrade(socket, result.response)
  // A destroyed socket may still emit its error, so the listener stays.
  if (socket.destroyed) return
  socket.off('error', destroy)
  proceed(result.auth)
}

function destroy(this: Duplex): void {
  this.destroy()
}

// Bounds a client that reads nothing, and an endless body from `respond`.
const CLOSED_MS = 10_000

/** Answers an upgrade request with an HTTP response, and closes the connection. Never rejects. */
export async function refuseUpgrade(
  socket: Duplex,
  response: Response,
  closedMs: number = CLOSED_MS,
): Promise<void> {
  if (socket.destroyed) return
  const timer = setTimeout(() => socket.destroy(), closedMs)
  socket.once('close', () => clearTimeout(timer))
  try {
    const body = new Uint8Array(await response.arrayBuffer())
    socket.once('finish', () => socket.destroy())
    socket.write(describeHead(response, body.byteLength), 'latin1')
    socket.end(body)
  } catch {
    // The body from `respond` broke off.
    socket.destroy()
  }
}

// RFC 9112 §3 to §6. The connection carries one response, so nothing can follow it.
function describeHead({ status, headers }: Response, contentLength: number): string {
  const { STATUS_CODES } = process.getBuiltinModule('node:http')
  const fields = [...headers].filter(isNotFraming)
  const lines = [
    `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
    // RFC 9110 §8.6: a 204 has none.
    ...(status === 204 ? [] : [`content-length: ${contentLength}`]),
    'connection: close',
  ]
  return `${lines.join('\r\n')}\r\n\r\n`
}

/** Whether a header says nothing about how the message is framed. */
export function isNotFraming([name]: readonly [string, string]): boolean {
  return !['connection', 'content-length', 'transfer-encoding'].includes(name)
}
