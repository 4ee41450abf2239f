import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** What an auth endpoint answers to one call, as data. */
export interface EndpointAnswer {
  /** If left out, nothing is said. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Bytes in place of all that. */
  readonly raw?: string
  readonly delayMs?: number
  /** Comes when the scenario's gate is opened. */
  readonly gated?: true
  /** What happens then: `end` if left out. */
  readonly then?: 'end' | 'hang' | 'drip' | 'reset'
}

/** Is in everything that the endpoint says, and must not reach a client. */
export const ENDPOINT_SECRET = 'said-by-the-endpoint'

const SECRETS = {
  'x-endpoint': ENDPOINT_SECRET,
  'set-cookie': `endpoint=${ENDPOINT_SECRET}`,
  'www-authenticate': `Basic realm="${ENDPOINT_SECRET}"`,
}
const DRIP_MS = 50

/** Answers as told, and holds the connection where it says so until the other side closes it. */
export async function play(response: ServerResponse, answer: EndpointAnswer): Promise<void> {
  const { status, headers, body = '', raw, delayMs = 0, then = 'end' } = answer
  await sleep(delayMs)
  const { socket } = response
  if (socket === null) return
  if (raw !== undefined) socket.write(raw)
  if (status !== undefined) {
    response.writeHead(status, ENDPOINT_SECRET, { ...SECRETS, ...headers }).flushHeaders()
    response.write(body)
  }
  finish(then, response, socket)
}

function finish(
  then: NonNullable<EndpointAnswer['then']>,
  response: ServerResponse,
  socket: Socket,
): void {
  if (then === 'reset') socket.resetAndDestroy()
  if (then === 'drip') drip(response)
  if (then !== 'end') return
  if (response.headersSent) response.end()
  else socket.end()
}

function drip(response: ServerResponse): void {
  const timer = setInterval(() => response.write(' '), DRIP_MS)
  response.once('close', () => clearInterval(timer))
}
