import { setTimeout as sleep } from 'node:timers/promises'
import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

/** The answer of an auth endpoint to one call, as data. */
export interface EndpointAnswer {
  /** Default: no response. */
  readonly status?: number
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Bytes to send in place of a response. */
  readonly raw?: string
  readonly delayMs?: number
  /** The state of the connection afterwards. Default: `end`. */
  readonly then?: 'end' | 'hang' | 'drip' | 'reset'
}

/** Part of every answer of the endpoint. It must not reach a client. */
export const ENDPOINT_SECRET = 'said-by-the-endpoint'

const SECRETS = {
  'x-endpoint': ENDPOINT_SECRET,
  'set-cookie': `endpoint=${ENDPOINT_SECRET}`,
  'www-authenticate': `Basic realm="${ENDPOINT_SECRET}"`,
}
const DRIP_MS = 50

/** Sends the answer. With `hang` and `drip` the other side must close the connection. */
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
