import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { close, listen } from '../../support/loopback.ts'
import type { ServerResponse } from 'node:http'

/** A token that the endpoint answers with this status after this delay. */
export function tokenFor(name: string, delayMs: number, status = 200): string {
  return `${status}-${delayMs}-${name}`
}

export type ToldEndpoint = Awaited<ReturnType<typeof startToldEndpoint>>

/** Starts an auth endpoint that reads its answer from the token. */
export async function startToldEndpoint() {
  const calls: string[] = []
  const open = new Set<ServerResponse>()
  let peak = 0
  const answer = async (body: string, response: ServerResponse): Promise<void> => {
    const { api_key: token } = JSON.parse(body) as { api_key: string }
    const [status, delayMs] = token.split('-').map(Number)
    calls.push(token)
    open.add(response)
    peak = Math.max(peak, open.size)
    response.once('close', () => open.delete(response))
    await sleep(delayMs)
    // Remove it before the caller has the answer, so that its next call does not count beside this one.
    open.delete(response)
    response.writeHead(status ?? 500).end('{}')
  }
  const server = createServer((request, response) => {
    void text(request).then((body) => answer(body, response))
  })
  const port = await listen(server)
  return {
    url: `http://127.0.0.1:${port}/validate`,
    /** The token of each call. */
    calls,
    /** The largest number of calls at once. */
    peak: () => peak,
    close: () => close(server),
  }
}
