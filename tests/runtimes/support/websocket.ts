import { openConnection } from './raw-connection.ts'
import type { RawConnection } from './raw-connection.ts'

// RFC 6455 §1.3: the example of the RFC, key and answer.
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const MASK = [0x12, 0x34, 0x56, 0x78] as const
const FINAL_TEXT = 0x81
const MASKED = 0x80

/** Writes the request of a handshake, with these lines beside its own. */
export async function beginHandshake(
  url: string,
  lines: readonly string[],
): Promise<RawConnection> {
  const connection = await openConnection(url)
  const head = [
    'GET /socket HTTP/1.1',
    `Host: ${new URL(url).host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...lines,
  ]
  await connection.write(`${head.join('\r\n')}\r\n\r\n`)
  return connection
}

/** Opens a WebSocket, and reads how the handshake was answered, as it came over the wire. */
export async function openWebSocket(url: string, lines: readonly string[]) {
  const connection = await beginHandshake(url, lines)
  const head = await connection.readThrough('\r\n\r\n')
  const status = Number(head.split(' ')[1])
  if (status === 101 && readField(head, 'sec-websocket-accept')[0] !== ACCEPT) {
    throw new Error(`No WebSocket was opened: ${head}`)
  }
  const length = Number(readField(head, 'content-length')[0] ?? 0)
  const body = (await connection.readBytes(length)).toString()
  return {
    status,
    /** The values of `Sec-WebSocket-Protocol` in the response. */
    protocols: readField(head, 'sec-websocket-protocol'),
    head,
    /** That of a rejection. */
    body,
    /** Sends a message, and waits for the one that comes back. */
    exchange: (message: string): Promise<string> => exchange(connection, message),
    leave: connection.leave,
  }
}

function readField(head: string, name: string): string[] {
  const prefix = `${name}:`
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim())
}

// RFC 6455 §5.2, for one frame of at most 125 bytes.
async function exchange(connection: RawConnection, message: string): Promise<string> {
  const payload = Buffer.from(message).map((byte, index) => byte ^ (MASK[index % 4] ?? 0))
  await connection.write(Buffer.from([FINAL_TEXT, MASKED | payload.length, ...MASK, ...payload]))
  const [type, length = 0] = await connection.readBytes(2)
  if (type !== FINAL_TEXT || length > 125) throw new Error(`Unexpected frame: ${type} ${length}`)
  return (await connection.readBytes(length)).toString()
}
