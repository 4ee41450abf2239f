import { connect } from 'node:net'
import { buffer } from 'node:stream/consumers'

/** A request that is sent unchanged. A client library would repair or reject some of them. */
export interface HttpRequest {
  readonly method?: string
  /** The request target. */
  readonly target: string
  /** A list is sent as a field for each of its values. */
  readonly headers?: Readonly<Record<string, string | readonly string[]>>
  /** A list is sent in chunks. */
  readonly body?: string | readonly string[]
}

export interface HttpResponse {
  readonly status: number
  readonly reason: string
  /** By lower-case name, each value that was sent. */
  readonly headers: ReadonlyMap<string, readonly string[]>
  /** Everything after the head, without the framing of chunks. */
  readonly body: string
}

/** Sends one request on a new connection, and reads until the server closes it. */
export async function send(
  url: string,
  request: HttpRequest,
  watch?: (received: HttpResponse) => void,
): Promise<HttpResponse> {
  const { hostname, host, port } = new URL(url)
  const socket = connect(Number(port), hostname)
  socket.setTimeout(10_000, () => socket.destroy(new Error(`${url} neither answers nor closes`)))
  socket.write(serialize(host, request))
  if (watch === undefined) return parse(await buffer(socket))
  const chunks: Buffer[] = []
  for await (const chunk of socket) {
    chunks.push(chunk as Buffer)
    watch(parse(Buffer.concat(chunks)))
  }
  return parse(Buffer.concat(chunks))
}

function serialize(host: string, { method = 'GET', target, headers, body }: HttpRequest): string {
  const fields = { host, connection: 'close', ...frame(body), ...headers }
  const lines = Object.entries(fields).flatMap(([name, value]) =>
    [value].flat().map((single) => `${name}: ${single}`),
  )
  const content = typeof body === 'string' ? body : splitIntoChunks(body)
  return [`${method} ${target} HTTP/1.1`, ...lines, '', content].join('\r\n')
}

function frame(body: HttpRequest['body']): Record<string, string> {
  if (body === undefined) return {}
  if (typeof body !== 'string') return { 'transfer-encoding': 'chunked' }
  return { 'content-length': String(Buffer.byteLength(body)) }
}

function splitIntoChunks(parts: readonly string[] | undefined): string {
  if (parts === undefined) return ''
  const chunks = [...parts, ''].map(
    (part) => `${Buffer.byteLength(part).toString(16)}\r\n${part}\r\n`,
  )
  return chunks.join('')
}

function parse(bytes: Buffer): HttpResponse {
  const end = bytes.indexOf('\r\n\r\n')
  const [statusLine = '', ...lines] = bytes.toString('latin1', 0, end).split('\r\n')
  const headers = parseFields(lines)
  const content = bytes.subarray(end + 4)
  const body = headers.has('transfer-encoding') ? joinChunks(content) : content
  const [, status, ...reason] = statusLine.split(' ')
  return {
    status: Number(status),
    reason: reason.join(' '),
    headers,
    body: body.toString('utf8'),
  }
}

/** Header lines as lists of values, by lower-case name. */
export function parseFields(lines: readonly string[]): Map<string, string[]> {
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
