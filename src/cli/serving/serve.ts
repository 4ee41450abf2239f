import { isIP } from 'node:net'
import { within } from '../../core/async.ts'
import { reasonOf } from '../../files/system.ts'
import { readWholeNumber } from '../command-line.ts'
import { sendDirectly } from '../../node/sockets/direct.ts'
import { wrongValue } from '../errors.ts'
import { isHttpServer, trackConnections } from './connections.ts'
import type { Server as HttpServer, IncomingMessage, ServerResponse } from 'node:http'
import type { CommandLine, OptionSpecs } from '../command-line.ts'
import type { Surroundings } from '../surroundings.ts'
import type { NodeServer } from './connections.ts'

export interface Serving {
  /** Without a final slash. */
  readonly url: string
  /** Stops listening. `'drain'` lets open requests finish, `'now'` cuts them off. */
  readonly close: (how: 'drain' | 'now') => Promise<void>
}

export interface Address {
  readonly host: string
  readonly port: number
  readonly keepAliveMs?: number
  /** A proxy asks here. It sends the client's headers and more, among them `Expect`, which is not about the subrequest. */
  readonly takesSubrequests?: boolean
}

export type FetchHandler = (request: Request) => Response | Promise<Response>

/** Gets Node's server with its handler, and returns what must be closed when open requests are cut off. */
export type Attach = (server: HttpServer, handler: FetchHandler) => { close(): void }

const HOST = '127.0.0.1'
const UNKNOWN_HOST = new Set(['ENOTFOUND', 'EAI_AGAIN', 'EADDRNOTAVAIL'])
const HOST_NAME = /^[a-z\d](?:[a-z\d.-]*[a-z\d])?$/i
/** Below the 30 seconds after which Kubernetes kills the process. */
const DRAIN_MS = 25_000
// Longer than the 60 seconds of common load balancers. One that reuses a connection just as it closes answers 502.
const KEEP_ALIVE_MS = 75_000
// No limit for the whole request: an upload may take longer than Node's five minutes. The head must arrive within a minute;
// Node derives that limit from `requestTimeout` unless it is set.
const NODE_TIMEOUTS = { requestTimeout: 0, headersTimeout: 60_000 } as const
// Bun's default of 10 seconds would cut off a model that is still thinking. 255 is Bun's maximum.
const BUN_IDLE_SECONDS = 255
// Caddy sends a long query twice, and Node takes 16 KiB of headers by default.
const SUBREQUEST_HEAD = { maxHeaderSize: 65_536 } as const

export function addressOptions(port: number): OptionSpecs {
  return {
    host: {
      value: 'HOST',
      help: 'the address to listen on; 0.0.0.0 accepts connections from other machines',
      default: HOST,
    },
    port: { value: 'PORT', help: 'the port to listen on; 0 picks a free one', default: port },
    'keep-alive-ms': {
      value: 'MS',
      help: 'how long a connection may be idle, on Node',
      default: KEEP_ALIVE_MS,
    },
  }
}

export function readAddress(line: CommandLine, usualPort: number): Address {
  const host = line.text('host') ?? HOST
  if (!isHost(host)) {
    throw wrongValue('--host', host, 'an IP address or a name such as localhost')
  }
  const port = readWholeNumber(line, 'port', 0, 65_535) ?? usualPort
  const keepAliveMs = readWholeNumber(line, 'keep-alive-ms') ?? KEEP_ALIVE_MS
  return { host, port, keepAliveMs }
}

export function isHost(text: string): boolean {
  return isIP(text) > 0 || HOST_NAME.test(text)
}

/** Names the flags of an address that cannot be listened on: `--host` and `--port`, or the one that has both. */
export function nameAddress({ host, port }: Address, flag?: string): (error: unknown) => never {
  return (error) => {
    const code = reasonOf(error)
    if (isOtherMachine(error, code, port)) {
      throw wrongValue(flag ?? '--host', host, 'an address of this machine')
    }
    if (code !== 'EADDRINUSE' && code !== 'EACCES') throw error
    const state = code === 'EACCES' ? 'not permitted' : 'in use'
    const message = `${flag ?? '--port'} ${port} is ${state} on ${host}: choose another port, or 0 for a free one`
    throw new Error(message, { cause: error })
  }
}

// For an unknown host name, Deno gives no code, and Bun reports EADDRINUSE, even for port 0. Without a network Node reports
// EAI_AGAIN.
function isOtherMachine(error: unknown, code: string, port: number): boolean {
  if (code === 'EADDRINUSE') return port === 0
  return UNKNOWN_HOST.has(code) || /lookup address/.test(String(error))
}

/** Serves a Fetch handler. Rejects if the port is in use. */
export async function listen(
  fetch: FetchHandler,
  { host, port, keepAliveMs = KEEP_ALIVE_MS, takesSubrequests = false }: Address,
  attach?: Attach,
): Promise<Serving> {
  // Imported here, because other commands start faster without it and need fewer permissions on Deno.
  const { serve } = await import('srvx')
  let isClosing = false
  // srvx ends a response that has been sent.
  const nothing = new Response(null)
  const server = serve({
    fetch: async (request) => {
      const response = await fetch(request)
      const sent = sendDirectly(response, isClosing)
      if (sent === undefined) return isClosing ? asLast(response) : response
      await sent
      return nothing
    },
    hostname: host,
    port,
    silent: true,
    gracefulShutdown: false,
    node: {
      keepAliveTimeout: keepAliveMs,
      ...NODE_TIMEOUTS,
      ...(takesSubrequests ? SUBREQUEST_HEAD : {}),
    },
    bun: { idleTimeout: BUN_IDLE_SECONDS, maxRequestBodySize: Number.MAX_SAFE_INTEGER },
  })
  const nodeServer = server.node?.server
  if (takesSubrequests) takeSubrequests(nodeServer)
  const attached = isHttpServer(nodeServer) ? attach?.(nodeServer, fetch) : undefined
  const endIdleConnections = trackConnections(nodeServer)
  await server.ready()
  return {
    url: new URL(server.url ?? '').origin,
    close: (how) => {
      isClosing = true
      if (how === 'drain') endIdleConnections()
      else attached?.close()
      return server.close(how === 'now')
    },
  }
}

/** Gives the handler all headers of a subrequest, and leaves `Expect` to the proxy: Node would answer 100 or 417 by itself. */
function takeSubrequests(server: NodeServer): void {
  // By default Node drops the headers behind the first thousand, but the app gets all of them.
  if (isHttpServer(server)) server.maxHeadersCount = 0
  const serve = (request: IncomingMessage, response: ServerResponse): void =>
    void server?.emit('request', request, response)
  server?.on('checkContinue', serve).on('checkExpectation', serve)
}

// RFC 9112 §9.6: asks the client to close its connection, which would otherwise delay the shutdown.
function asLast({ body, status, statusText, headers }: Response): Response {
  const lastHeaders = new Headers(headers)
  lastHeaders.set('connection', 'close')
  return new Response(body, { status, statusText, headers: lastHeaders })
}

/**
 * Serves until a stop signal. SIGTERM lets open requests finish, until `drainMs` or another signal. SIGINT (Ctrl-C) cuts them
 * off.
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
