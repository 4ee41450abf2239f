import { isIP } from 'node:net'
import { within } from '../core/async.ts'
import { readMilliseconds, readWholeNumber } from './command-line.ts'
import { wrongValue } from './errors.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Server } from 'srvx'
import type { CommandLine, OptionSpecs } from './command-line.ts'
import type { Surroundings } from './surroundings.ts'

/** A Fetch handler on a port. */
export interface Serving {
  /** Without a final slash. */
  readonly url: string
  /** Stops listening. `'drain'` lets the requests under way end, `'now'` cuts them off. */
  readonly close: (how: 'drain' | 'now') => Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
  readonly keepAliveMs?: number
}

type FetchHandler = (request: Request) => Response | Promise<Response>

/** This machine only. */
const HOST = '127.0.0.1'
const HOST_NAME = /^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i
/** Kubernetes kills after 30 seconds. */
const DRAIN_MS = 25_000
// Longer than the 60 seconds of common load balancers: one that asks over a connection which ends just then answers 502.
const KEEP_ALIVE_MS = 75_000
// Node answers 408 when a whole request takes more than five minutes, however long its upstream may take. An upload may. The head
// must come within a minute: Node would otherwise take that limit from `requestTimeout`.
const NODE_TIMEOUTS = { requestTimeout: 0, headersTimeout: 60_000 } as const
// Bun cuts a connection after 10 seconds of silence, in which a model may still be thinking.
const BUN_IDLE_SECONDS = 255

/** The options of a command that serves, for `readAddress`. */
export function addressOptions(port: number): OptionSpecs {
  return {
    host: {
      value: 'HOST',
      help: 'the address to listen on; 0.0.0.0 serves other machines too',
      default: HOST,
    },
    port: { value: 'PORT', help: 'the port to listen on; 0 takes a free one', default: port },
    'keep-alive-ms': {
      value: 'MS',
      help: 'how long a connection may be idle, on Node',
      default: KEEP_ALIVE_MS,
    },
  }
}

export function readAddress(line: CommandLine, usualPort: number): Address {
  const host = line.text('host') ?? HOST
  if (isIP(host) === 0 && !HOST_NAME.test(host)) {
    throw wrongValue('--host', host, 'an IP address or a name such as localhost')
  }
  const port = readWholeNumber(line, 'port', 0, 65_535) ?? usualPort
  const keepAliveMs = readMilliseconds(line, 'keep-alive-ms') ?? KEEP_ALIVE_MS
  return { host, port, keepAliveMs }
}

/** Says which option names an address that `listen` did not get. */
export function nameAddress({ host, port }: Address): (error: unknown) => never {
  return (error) => {
    const code: unknown = Reflect.get(Object(error), 'code')
    if (isOtherMachine(error, code, port)) {
      throw wrongValue('--host', host, 'an address of this machine')
    }
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    const state = code === 'EACCES' ? 'not permitted' : 'in use'
    throw new Error(`--port ${port} is ${state} on ${host}: choose another, or 0 for a free one`, {
      cause: error,
    })
  }
}

// Deno gives no code for an unknown name, and Bun says of it that the port is in use, even port 0.
function isOtherMachine(error: unknown, code: unknown, port: number): boolean {
  if (code === 'EADDRINUSE') return port === 0
  return code === 'ENOTFOUND' || code === 'EADDRNOTAVAIL' || /lookup address/.test(String(error))
}

/** Serves a Fetch handler. Rejects when the port is taken. */
export async function listen(
  fetch: FetchHandler,
  { host, port, keepAliveMs = KEEP_ALIVE_MS }: Address,
): Promise<Serving> {
  // Only now: the other commands are quicker without it, and on Deno they need fewer permissions.
  const { serve } = await import('srvx')
  let isClosing = false
  const server = serve({
    fetch: async (request) => {
      const response = await fetch(request)
      return isClosing ? asLast(response) : response
    },
    hostname: host,
    port,
    silent: true,
    gracefulShutdown: false,
    node: { keepAliveTimeout: keepAliveMs, ...NODE_TIMEOUTS },
    bun: { idleTimeout: BUN_IDLE_SECONDS, maxRequestBodySize: Number.MAX_SAFE_INTEGER },
  })
  const endIdleConnections = trackConnections(server.node?.server)
  await server.ready()
  return {
    url: new URL(server.url ?? '').origin,
    close: (how) => {
      isClosing = true
      if (how === 'drain') endIdleConnections()
      return server.close(how === 'now')
    },
  }
}

// RFC 9112 §9.6: without this a client that goes on asking over its connection would hold up the end.
function asLast({ body, status, statusText, headers }: Response): Response {
  const lastHeaders = new Headers(headers)
  lastHeaders.set('connection', 'close')
  return new Response(body, { status, statusText, headers: lastHeaders })
}

/**
 * Waits until a signal asks to stop, and stops: SIGTERM drains, for a while or until another signal; SIGINT, which is
 * somebody at a keyboard, does not.
 */
export async function serveUntilStopped(
  servings: readonly Serving[],
  { nextSignal }: Pick<Surroundings, 'nextSignal'>,
  drainMs: number = DRAIN_MS,
): Promise<void> {
  const close = (how: 'drain' | 'now'): Promise<unknown> =>
    Promise.all(servings.map((serving) => serving.close(how)))
  if ((await nextSignal()) === 'SIGINT') {
    await close('now')
    return
  }
  await within(drainMs, Promise.race([close('drain'), nextSignal()]))
  await close('now')
}

type NodeServer = NonNullable<Server['node']>['server']

const CHECK_MS = 100
// A client that is cut while it sends may never read its answer (RFC 9112 §9.6).
const LINGER_MS = 5_000

// A request whose head is on its way when a server closes.
const HEAD_MS = 2_000

/**
 * Follows the connections of Node's server. A client that has its answer may send the rest of its request for 5 seconds. The
 * returned function ends each connection without an open response, from then until the server has closed: half a head is waited
 * for 2 seconds. Other runtimes have another server: nothing is done.
 */
export function trackConnections(
  server: NodeServer | undefined,
  lingerMs: number = LINGER_MS,
  headMs: number = HEAD_MS,
): () => void {
  if (server === undefined || !('closeIdleConnections' in server)) return () => undefined
  /** The number of open responses on each. */
  const sockets = new Map<Socket, number>()
  const count = (socket: Socket, by: 1 | -1): void => {
    if (!socket.destroyed) sockets.set(socket, (sockets.get(socket) ?? 0) + by)
  }
  server.on('connection', (socket: Socket) => {
    sockets.set(socket, 0)
    socket.once('close', () => sockets.delete(socket))
  })
  server.on('request', (request: IncomingMessage, response: ServerResponse) => {
    const { socket } = request
    count(socket, 1)
    response.once('close', () => count(socket, -1))
    response.once('finish', () => endUnlessComplete(request, lingerMs))
  })
  const endIdle = (isLate: boolean): void => {
    server.closeIdleConnections()
    // Node counts a connection as idle only after its first request. A load balancer opens some in advance.
    for (const [socket, open] of sockets) {
      if (open === 0 && (isLate || socket.bytesRead === 0)) socket.destroy()
    }
  }
  return () => {
    const startedAt = performance.now()
    const timer = setInterval(() => endIdle(performance.now() - startedAt >= headMs), CHECK_MS)
    server.once('close', () => clearInterval(timer))
  }
}

// Node reads the rest of a request for as long as it comes, also from a client that was rejected.
function endUnlessComplete(request: IncomingMessage, lingerMs: number): void {
  if (request.complete) return
  setTimeout(() => request.complete || request.socket.destroy(), lingerMs).unref()
}
