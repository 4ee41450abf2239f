import { exchange, SILENCE_MS } from '../../support/raw-client.ts'
import type { RawResponse } from '../../support/raw-client.ts'

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

/** Sends one request on a new connection, and reads its response. */
export async function send(url: string, request: HttpRequest): Promise<RawResponse> {
  const startedAt = performance.now()
  const response = await exchange(url, Buffer.from(serialize(new URL(url).host, request)))
  if (response === undefined) throw new Error(`${url} did not answer`)
  const tookMs = performance.now() - startedAt
  if (!response.isWhole && tookMs > SILENCE_MS) throw new Error(`${url} did not end its response`)
  return response
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
