import { send } from '../runtimes/support/http.ts'
import { TOKEN } from '../support/token.ts'
import type { RawResponse } from '../support/raw-client.ts'
import type { RunningServer } from '../runtimes/support/server-process.ts'

/** The path of the notes, where each example shows what its handler did. */
export const NOTES = '/v1/notes'

/** A request to the notes. */
interface Call {
  readonly key?: string
  readonly text?: string
  readonly headers?: Readonly<Record<string, string>>
}

/** Gets a path with a key, or without one. */
export function get(server: RunningServer, path: string, key?: string): Promise<Response> {
  return fetch(server.url + path, { headers: authorization(key) })
}

/** Calls the notes: POST with a text, GET without. */
export async function call(server: RunningServer, { key, text, headers }: Call): Promise<Answer> {
  const body = text === undefined ? {} : { method: 'POST', body: JSON.stringify({ text }) }
  return answerTo(server, { ...body, headers: { ...authorization(key), ...headers } })
}

interface Init extends RequestInit {
  readonly headers: Readonly<Record<string, string>>
}

/** Adds a note with a valid key, in chunks without a length. */
export function callInChunks(server: RunningServer, text: string): Promise<Answer> {
  const body = inChunks(JSON.stringify({ text }))
  const init = { method: 'POST', body, duplex: 'half' as const, headers: authorization(TOKEN) }
  return answerTo(server, init)
}

/** Sends a text without a key, to a target that a client library would change. */
export function smuggle(
  server: RunningServer,
  method: string,
  target: string,
): Promise<RawResponse> {
  const body = method === 'GET' || method === 'HEAD' ? '' : JSON.stringify({ text: target })
  const headers = { 'content-type': 'application/json', 'content-length': `${body.length}` }
  return send(server.url, { method, target, headers, body })
}

/** The response: its status, the fields of its JSON, and the headers of a rejection. */
export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string | null>>
  readonly code: string | undefined
  readonly principal: string | undefined
  readonly notes: readonly string[] | undefined
}

/** The body of the handler or of a rejection. */
interface Body {
  readonly principal?: string
  readonly notes?: readonly string[]
  readonly error?: { readonly code: string }
}

async function answerTo(server: RunningServer, init: Init): Promise<Answer> {
  const headers = { 'content-type': 'application/json', ...init.headers }
  const response = await fetch(server.url + NOTES, { ...init, headers })
  const body = (await response.json()) as Body
  const names = ['content-type', 'cache-control', 'www-authenticate']
  const fields = names.map((name) => [name, response.headers.get(name)])
  const { error, principal, notes } = body
  return {
    status: response.status,
    headers: Object.fromEntries(fields) as Answer['headers'],
    code: error?.code,
    principal,
    notes,
  }
}

function authorization(key: string | undefined): Record<string, string> {
  return key === undefined ? {} : { authorization: `Bearer ${key}` }
}

function inChunks(text: string): ReadableStream<Uint8Array> {
  const bytes = new TextEncoder().encode(text)
  const size = 4_001
  return new ReadableStream({
    start(controller) {
      for (let at = 0; at < bytes.length; at += size) controller.enqueue(bytes.slice(at, at + size))
      controller.close()
    },
  })
}
