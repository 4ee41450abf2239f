import { createServer } from 'node:http'
import { json } from 'node:stream/consumers'
import { close, listen } from './loopback.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'

export type AuthEndpoint = Awaited<ReturnType<typeof startAuthEndpoint>>

/**
 * Starts an auth endpoint over HTTP that knows some keys, and of each the principal or the body of the answer. `asked` has the keys
 * that it was asked about.
 */
export async function startAuthEndpoint(callers: Readonly<Record<string, string | object>>) {
  const known = new Map(Object.entries(callers))
  const asked: string[] = []
  let always: number | undefined
  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const question = (await json(request)) as { api_key: string }
    asked.push(question.api_key)
    const caller = known.get(question.api_key)
    const body = typeof caller === 'string' ? { principal: caller } : caller
    response.writeHead(always ?? (caller === undefined ? 401 : 200))
    response.end(body === undefined ? undefined : JSON.stringify(body))
  }
  const server = createServer((request, response) => void answer(request, response))
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/validate`,
    asked,
    allow: (key: string, principal: string): unknown => known.set(key, principal),
    /** Each answer has this status, until it is `undefined`. */
    respondWith: (status: number | undefined): void => void (always = status),
    revoke: (key: string): unknown => known.delete(key),
    close: () => close(server),
  }
}
