import { once } from 'node:events'
import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from './ledger.ts'
import type { IncomingMessage } from 'node:http'
import type { Answered } from './judge.ts'

interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly nextKey: () => string
  readonly answered: (answered: Answered) => void
}

// Leaves the machine a free core, so that responses are not late.
const PAUSE_MS = 20

/** Sends requests over several connections, one at a time on each. */
export function startLoad({ port, connections, nextKey, answered }: LoadOptions) {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const lost: string[] = []
  const over = new AbortController()
  let sent = 0

  const send = async (key: string): Promise<void> => {
    const sentAt = monotonicMs()
    sent += 1
    const { status, body } = await exchange(agent, port, key)
    answered({ key, sentAt, gotAt: monotonicMs(), status, body })
  }
  const keepSending = async (): Promise<void> => {
    while (!over.signal.aborted) {
      await pause(PAUSE_MS)
      await send(nextKey()).catch((error: unknown) => void lost.push(String(error)))
    }
  }
  const all = Promise.all(Array.from({ length: connections }, keepSending))
  return {
    sent: () => sent,
    /** The errors of requests without a response. Must be empty. */
    lost: (): readonly string[] => lost,
    stop: async () => {
      over.abort()
      await all
      agent.destroy()
    },
  }
}

async function exchange(
  agent: Agent,
  port: number,
  key: string,
): Promise<{ status: number; body: string }> {
  const headers = { authorization: `Bearer ${key}` }
  const outgoing = request({ agent, host: '127.0.0.1', port, path: '/v1/models', headers })
  outgoing.end()
  // After the head, reading the body reports an error.
  outgoing.on('error', () => undefined)
  const response = once(outgoing, 'response') as Promise<[IncomingMessage]>
  const [incoming] = await response.catch((error: unknown) => {
    // A server may close an idle connection just as the client reuses it. Every client retries that.
    if (outgoing.reusedSocket && isReset(error)) return []
    throw error
  })
  if (incoming === undefined) return exchange(agent, port, key)
  return { status: incoming.statusCode ?? 0, body: await text(incoming) }
}

function isReset(error: unknown): boolean {
  return error instanceof Error && 'code' in error && error.code === 'ECONNRESET'
}
