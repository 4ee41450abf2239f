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

// A test that waits ten seconds for the server to close must not see the end of this connection instead.
const PATIENCE_MS = 40_000

/** A connection to a server on this machine. It fails after 40 seconds without a byte. */
export async function openSocket(port: number): Promise<Socket> {
  const socket = connect(port, '127.0.0.1')
  socket.setTimeout(PATIENCE_MS, () =>
    socket.destroy(new Error('The server neither answers nor closes')),
  )
  await once(socket, 'connect')
  return socket
}

/** The bytes of a request head with these header lines. */
export function head(requestLine: string, ...fields: readonly string[]): string {
  return [`${requestLine} HTTP/1.1`, ...fields, '', ''].join('\r\n')
}

/** A connection on which the test writes and reads bytes step by step. */
export interface RawConnection {
  /** Resolves when the bytes have been sent or have failed. */
  readonly write: (bytes: string | Uint8Array) => Promise<void>
  /** Reads up to and including this text. Rejects when the connection ends first. */
  readonly readThrough: (text: string) => Promise<string>
  /** Reads this number of bytes. */
  readonly readBytes: (count: number) => Promise<Buffer>
  /** Resolves when the connection has ended for any reason. */
  readonly closed: Promise<void>
  /** Closes the connection at once. */
  readonly leave: () => Promise<void>
}

export async function openConnection(url: string): Promise<RawConnection> {
  const socket = await openSocket(Number(new URL(url).port))
  const closed = new Promise<void>((resolve) => void socket.once('close', () => resolve()))
  let bytes: Buffer = Buffer.alloc(0)
  let wake = (): void => undefined
  socket.on('data', (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk])
    wake()
  })
  socket.once('close', () => wake())
  // A reset is an end like any other. The test reads the bytes before it.
  socket.on('error', () => undefined)

  async function take(findEnd: () => number): Promise<Buffer> {
    while (findEnd() === -1) {
      if (socket.closed) throw new Error(`The connection ended after: ${bytes.toString('latin1')}`)
      await new Promise<void>((resolve) => void (wake = resolve))
    }
    const end = findEnd()
    const taken = bytes.subarray(0, end)
    bytes = bytes.subarray(end)
    return taken
  }

  return {
    write: (data) => new Promise((resolve) => void socket.write(data, () => resolve())),
    readThrough: async (text) => {
      const findEnd = (): number => {
        const start = bytes.indexOf(text, 0, 'latin1')
        return start === -1 ? -1 : start + text.length
      }
      return (await take(findEnd)).toString('latin1')
    },
    readBytes: (count) => take(() => (bytes.length < count ? -1 : count)),
    closed,
    leave: () => {
      socket.destroy()
      return closed
    },
  }
}

export interface RawResponse {
  readonly status: number
  readonly reason: string
  /** By lower-case name, each value that was sent. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** The content so far, without the framing of chunks. */
  readonly content: Buffer
  readonly body: string
  /** Whether its length or its last chunk says that this is all. */
  readonly isWhole: boolean
}

// After SILENCE_MS the client ends its side, for a server that waits for more. After GIVE_UP_MS more it closes.
export const SILENCE_MS = 8_000
const GIVE_UP_MS = 2_000

/**
 * Sends the bytes on a new connection and reads one response, until it is whole or the connection ends. `undefined` if no
 * complete head came.
 */
export function exchange(url: string, bytes: Buffer): Promise<RawResponse | undefined> {
  const { hostname, port } = new URL(url)
  const isHead = bytes.subarray(0, 5).toString('latin1') === 'HEAD '
  return new Promise((resolve) => {
    const chunks: Buffer[] = []
    const socket = connect(Number(port), hostname)
    const finish = (): void => {
      clearTimeout(silence)
      clearTimeout(giveUp)
      socket.destroy()
      resolve(parseResponse(Buffer.concat(chunks)))
    }
    const silence = setTimeout(() => socket.end(), SILENCE_MS)
    const giveUp = setTimeout(finish, SILENCE_MS + GIVE_UP_MS)
    socket.on('data', (chunk: Buffer) => {
      chunks.push(chunk)
      const response = parseResponse(Buffer.concat(chunks))
      if (response !== undefined && (isHead || response.isWhole)) finish()
    })
    // An error is a connection that the server closed while it was still being written to.
    socket.once('error', finish)
    socket.once('close', finish)
    socket.write(bytes)
  })
}

/** The last response in the bytes of a connection. The heads before it are interim responses. */
export function parseResponse(bytes: Buffer): RawResponse | undefined {
  const end = bytes.indexOf('\r\n\r\n')
  if (end === -1) return undefined
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const rest = bytes.subarray(end + 4)
  const [, status, ...reason] = statusLine.split(' ')
  if (/^1\d\d$/.test(status ?? '')) return parseResponse(rest)
  const headers = parseFields(lines)
  const length = Number(headers.get('content-length')?.[0] ?? Infinity)
  const { content, isWhole } = headers.has('transfer-encoding')
    ? joinChunks(rest)
    : { content: rest, isWhole: rest.length >= length }
  return {
    status: Number(status),
    reason: reason.join(' '),
    headers,
    content,
    body: content.toString(),
    isWhole,
  }
}

function parseFields(lines: readonly string[]): Map<string, string[]> {
  const fields = new Map<string, string[]>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    fields.set(name, [...(fields.get(name) ?? []), line.slice(colon + 1).trim()])
  }
  return fields
}

// RFC 9112 §7.1, without extensions and trailers, which none of the servers sends.
function joinChunks(bytes: Buffer): { content: Buffer; isWhole: boolean } {
  const chunks: Buffer[] = []
  let start = 0
  for (;;) {
    const lineEnd = bytes.indexOf('\r\n', start)
    const size = Number.parseInt(bytes.toString('latin1', start, Math.max(lineEnd, start)), 16)
    if (!(size > 0)) return { content: Buffer.concat(chunks), isWhole: size === 0 }
    chunks.push(bytes.subarray(lineEnd + 2, lineEnd + 2 + size))
    start = lineEnd + 2 + size + 2
  }
}
