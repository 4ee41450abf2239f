import { createServer as createHttpServer } from 'node:http'
import { createServer as createTcpServer } from 'node:net'
import { afterAll, vi } from 'vitest'
import { withAuth } from '../../src/index.ts'
import { nodeTransport } from '../../src/node.ts'
import { close, listen } from './loopback.ts'
import { get } from './requests.ts'
import { SELF_SIGNED } from './self-signed-certificate.ts'
import { TOKEN } from './token.ts'
import type { RequestListener } from 'node:http'
import type { Server, Socket } from 'node:net'
import type { AuthConfig, AuthEvent, TransportInit } from '../../src/index.ts'

interface Sockets {
  readonly open: Set<Socket>
  /** The open sockets that received data. */
  readonly asked: Set<Socket>
  /** The number of accepted sockets. */
  accepted: number
  /** The largest number of sockets open at once. */
  peak: number
}

export interface Running {
  readonly port: number
  readonly url: string
  readonly sockets: Sockets
}

export interface Outcome {
  readonly status: number
  readonly code: string | undefined
  readonly handled: number
  readonly attempts: number | undefined
  readonly elapsedMs: number
}

export const ALLOWED = { status: 200, handled: 1 }
export const rejected = (code: string): Partial<Outcome> => ({ status: 401, code, handled: 0 })

interface Way {
  readonly plain: AuthConfig
  /** Trusts the certificate of the tests. */
  readonly trusting: AuthConfig
}

/** The two ways to send the POST on Node. */
export const WAYS: readonly (readonly [string, Way])[] = [
  ['fetch', { plain: {}, trusting: { fetch: fetchWithTrust } }],
  [
    'nodeTransport',
    {
      plain: { fetch: nodeTransport() },
      trusting: { fetch: nodeTransport({ ca: SELF_SIGNED.cert }) },
    },
  ],
]

type Agent = new (options: { connect: { ca: string } }) => object

/** Makes the global agent of Node's `fetch` trust the certificate. */
async function fetchWithTrust(url: string, init: TransportInit): Promise<Response> {
  // Node creates its agent with the first fetch.
  await fetch('data:,')
  const key = Object.getOwnPropertySymbols(globalThis).find((symbol) =>
    symbol.description?.startsWith('undici.globalDispatcher'),
  )
  const { constructor } = Reflect.get(globalThis, key ?? '') as { constructor: Agent }
  const dispatcher = new constructor({ connect: { ca: SELF_SIGNED.cert } })
  return fetch(url, { ...init, dispatcher } as RequestInit)
}

const running: { readonly server: Server; readonly sockets: Sockets }[] = []

/** Serves until the tests of the file have ended, and counts the sockets. */
export async function run(server: Server): Promise<Running> {
  const sockets: Sockets = { open: new Set(), asked: new Set(), accepted: 0, peak: 0 }
  server.on('connection', (socket: Socket) => {
    sockets.open.add(socket)
    sockets.accepted += 1
    sockets.peak = Math.max(sockets.peak, sockets.open.size)
    socket.on('data', () => sockets.asked.add(socket))
    socket.on('close', () => {
      sockets.open.delete(socket)
      sockets.asked.delete(socket)
    })
    // In many tests the client resets the connection.
    socket.on('error', () => undefined)
  })
  running.push({ server, sockets })
  const port = await listen(server)
  return { port, url: `http://127.0.0.1:${port}/`, sockets }
}

export function runHttp(answer: RequestListener): Promise<Running> {
  const server = createHttpServer((request, response) => {
    request.resume().on('end', () => answer(request, response))
  })
  server.keepAliveTimeout = 60_000
  return run(server)
}

/** Keeps a connection open that the client has half closed. */
export function runTcp(accept: (socket: Socket) => void): Promise<Running> {
  return run(createTcpServer({ allowHalfOpen: true }, accept))
}

export function closeServersAfterAll(): void {
  afterAll(async () => {
    for (const { server, sockets } of running.splice(0)) {
      const closed = close(server)
      for (const socket of sockets.open) socket.destroy()
      await closed
    }
  })
}

/** A wrapper with this config, and a function that sends a request through it. */
export function guard(config: AuthConfig): (token?: string) => Promise<Outcome> {
  const handler = vi.fn(() => new Response('secret'))
  let attempts: number | undefined
  const onEvent = (event: AuthEvent): void => {
    if (event.type === 'decision') ({ attempts } = event)
  }
  const guarded = withAuth(handler, { ...config, onEvent })
  return async (token = TOKEN) => {
    const [before, startedAt] = [handler.mock.calls.length, performance.now()]
    const response = await guarded(get('/', token))
    const elapsedMs = performance.now() - startedAt
    const handled = handler.mock.calls.length - before
    return { status: response.status, code: await codeOf(response), handled, attempts, elapsedMs }
  }
}

async function codeOf(response: Response): Promise<string | undefined> {
  if (response.status === 200) return undefined
  return ((await response.json()) as { error: { code: string } }).error.code
}
