import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { run } from './tcp-endpoint.ts'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** One request that a verifier sent. */
export interface ServiceCall {
  readonly method: string | undefined
  readonly url: string | undefined
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

/** Answers a call: with a status and a value for its body, or by itself. */
export type Answer = (
  call: ServiceCall,
  response: ServerResponse,
) =>
  | { status?: number; headers?: Record<string, string>; json?: unknown; text?: string }
  | undefined

/** Starts a server until the end of the test. It has the calls in order, and the answer can be changed. */
export async function startService(answer: Answer) {
  const calls: ServiceCall[] = []
  const service = { answer }
  async function respond(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method, url, headers } = request
    const call = { method, url, headers, body: await text(request) }
    calls.push(call)
    const said = service.answer(call, response)
    if (said === undefined) return
    response.writeHead(said.status ?? 200, { 'content-type': 'application/json', ...said.headers })
    response.end(said.text ?? (said.json === undefined ? '' : JSON.stringify(said.json)))
  }
  const server = createServer((request, response) => void respond(request, response))
  const running = await run(server)
  return {
    ...running,
    url: `http://127.0.0.1:${running.port}/introspect`,
    calls,
    answerWith: (next: Answer): void => {
      service.answer = next
    },
  }
}
