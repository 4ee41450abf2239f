import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { close, listen } from '../../support/loopback.ts'
import type { IncomingHttpHeaders, IncomingMessage, ServerResponse } from 'node:http'

/** A request that came in. */
export interface Received {
  readonly method: string
  readonly path: string
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

export interface AuthEndpoint {
  readonly url: string
  readonly received: Received[]
  readonly close: () => Promise<void>
}

const ALICE = JSON.stringify({ principal: 'alice', attributes: { roles: ['admin'] } })

// Long enough for twenty requests to come in the meantime.
const SLOW_MS = 500

const ANSWERS: Readonly<Record<string, (response: ServerResponse) => void>> = {
  good: allow,
  slow: (response) => void setTimeout(allow, SLOW_MS, response),
  redirect: (response) => response.writeHead(302, { location: '/elsewhere' }).end(),
  hang: () => undefined,
}

/**
 * Starts a real auth endpoint, which does what the key says and answers 401 to any other. Whoever is redirected by it
 * finds a 200 and alice.
 */
export async function startAuthEndpoint(): Promise<AuthEndpoint> {
  const received: Received[] = []
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const { method = '', url: path = '', headers } = request
    const body = await text(request)
    received.push({ method, path, headers, body })
    const key = path === '/elsewhere' ? 'good' : keyOf(body)
    const refuse = (): unknown => response.writeHead(401).end()
    if (Object.hasOwn(ANSWERS, key)) ANSWERS[key]?.(response)
    else refuse()
  }
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server)
  return { url: `http://127.0.0.1:${port}/validate`, received, close: () => close(server) }
}

function allow(response: ServerResponse): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(ALICE)
}

function keyOf(body: string): string {
  return (JSON.parse(body) as { api_key: string }).api_key
}
