import { Agent, request } from 'node:http'
import { text } from 'node:stream/consumers'
import { setTimeout as pause } from 'node:timers/promises'
import { monotonicMs } from './ledger.ts'
import type { IncomingMessage } from 'node:http'
import type { Answered } from './judge.ts'

export interface Load {
  readonly stop: () => Promise<void>
  readonly sent: () => number
  /** Requests that got no answer at all: there must be none. */
  readonly lost: () => readonly string[]
}

interface LoadOptions {
  readonly port: number
  readonly connections: number
  readonly nextKey: () => string
  readonly answered: (answered: Answered) => void
}

// A machine without a free core tells how long it takes, and not what is right.
const PAUSE_MS = 20

/** Sends requests over some connections, one after another on each. */
export function startLoad({ port, connections, nextKey, answered }: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const lost: string[] = []
  const over = new AbortController()
  let sent = 0

  const send = async (key: string): Promise<void> => {
    const sentAt = monotonicMs()
    sent += 1
    const { status, body } = await exchange({ agent, port, key })
    answered({ key, sentAt, gotAt: monotonicMs(), status, body })
  }
  const keepSending = async (): Promise<void> => {
    while (!over.signal.aborted) {
      // One after another on each connection is what the load is.
      // oxlint-disable-next-line no-await-in-loop
      await pause(PAUSE_MS)
      // oxlint-disable-next-line no-await-in-loop
      await send(nextKey()).catch((error: unknown) => void lost.push(String(error)))
    }
  }
  const all = Promise.all(Array.from({ length: connections }, keepSending))
  return {
    sent: () => sent,
    lost: () => lost,
    stop: async () => {
      over.abort()
      await all
      agent.destroy()
    },
  }
}

interface Exchange {
  readonly agent: Agent
  readonly port: number
  readonly key: string
}

function exchange(wanted: Exchange): Promise<{ status: number; body: string }> {
  return new Promise((resolve, reject) => {
    const { agent, port, key } = wanted
    const headers = { authorization: `Bearer ${key}` }
    const outgoing = request({ agent, host: '127.0.0.1', port, path: '/v1/models', headers })
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      // A server may end a kept connection just as the next request is sent on it: every client sends that again.
      const isCrossed = outgoing.reusedSocket && error.code === 'ECONNRESET'
      if (isCrossed) exchange(wanted).then(resolve, reject)
      if (!isCrossed) reject(error)
    })
    outgoing.on('response', (incoming: IncomingMessage) => {
      text(incoming).then((body) => resolve({ status: incoming.statusCode ?? 0, body }), reject)
    })
    outgoing.end()
  })
}
