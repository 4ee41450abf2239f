import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request that goes out as it stands: a client library would mend or refuse some of them. */
export interface HttpRequest {
  readonly method?: string
  /** The request target. */
  readonly target: string
  readonly headers?: Readonly<Record<string, string>>
  /** Sent as it stands: its length, or its framing, is for the headers to say. */
  readonly body?: string
}

export interface HttpResponse {
  readonly status: number
  /** By lower-case name, each value that was sent. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Everything after the head, less the framing of chunks. */
  readonly body: string
}

/** Sends one request on a connection of its own, and reads until the server closes it. */
export async function send(url: string, request: HttpRequest): Promise<HttpResponse> {
  const { hostname, host, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setTimeout(10_000, () => socket.destroy(new Error(`${url} neither answers nor closes`)))
  const fields = Object.entries({ host, connection: 'close', ...request.headers })
  const head = [
    `${request.method ?? 'GET'} ${request.target} HTTP/1.1`,
    ...fields.map(([name, value]) => `${name}: ${value}`),
  ]
  socket.write(`${head.join('\r\n')}\r\n\r\n${request.body ?? ''}`)
  return parse(await buffer(socket))
}

function parse(bytes: Buffer): HttpResponse {
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = parseFields(lines)
  const content = bytes.subarray(end + 4)
  const body = headers.has('transfer-encoding') ? joinChunks(content) : content
  return { status: Number(statusLine.split(' ')[1]), headers, body: body.toString('utf8') }
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
function joinChunks(content: Buffer): Buffer {
  const chunks: Buffer[] = []
  let start = 0
  for (;;) {
    const lineEnd = content.indexOf('\r\n', start)
    if (lineEnd === -1) return Buffer.concat(chunks)
    const size = Number.parseInt(content.toString('latin1', start, lineEnd), 16)
    if (size === 0) return Buffer.concat(chunks)
    chunks.push(content.subarray(lineEnd + 2, lineEnd + 2 + size))
    start = lineEnd + 2 + size + 2
  }
}
