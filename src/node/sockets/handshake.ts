import { namesWebSocket } from '../../gateway/field-names.ts'
import type { IncomingMessage } from 'node:http'

/** The parts of a request that say whether it opens a WebSocket. */
type Handshake = Pick<IncomingMessage, 'method' | 'httpVersion' | 'rawHeaders'>

// RFC 6455 §1.3.
const ACCEPT_SUFFIX = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/**
 * Whether a request opens a WebSocket (RFC 6455 §4.1). Others with `Upgrade` are ordinary requests: a server may ignore the field,
 * and must in HTTP/1.0 (RFC 9110 §7.8). A body would look like the first bytes of the WebSocket.
 */
export function isHandshake(incoming: Handshake): boolean {
  const { method, httpVersion } = incoming
  return (
    method === 'GET' && httpVersion === '1.1' && !hasBody(incoming) && asksForWebSocket(incoming)
  )
}

/** Whether the `Upgrade` fields of a request name WebSockets. */
export function asksForWebSocket({ rawHeaders }: Handshake): boolean {
  return namesWebSocket(valuesOf(rawHeaders, 'upgrade').join(', '))
}

/** Whether bytes of the request follow its head. Not from `headers`, which has one value of some names. */
export function hasBody({ rawHeaders }: Handshake): boolean {
  return (
    valuesOf(rawHeaders, 'transfer-encoding').length > 0 ||
    valuesOf(rawHeaders, 'content-length').some((length) => length !== '0')
  )
}

/**
 * Whether a 101 answers this key, and with a WebSocket. An upstream that only repeats a status which the client chose must not
 * open a tunnel to itself.
 */
export function isAccepted(key: string | null, fields: Headers): boolean {
  const { createHash } = process.getBuiltinModule('node:crypto')
  const expected = createHash('sha1').update(`${key}${ACCEPT_SUFFIX}`).digest('base64')
  const isWebSocket = fields.get('upgrade')?.toLowerCase() === 'websocket'
  return isWebSocket && key !== null && fields.get('sec-websocket-accept') === expected
}

function valuesOf(rawHeaders: readonly string[], name: string): string[] {
  return rawHeaders.filter(
    (_, index) => index % 2 === 1 && rawHeaders[index - 1]?.toLowerCase() === name,
  )
}
