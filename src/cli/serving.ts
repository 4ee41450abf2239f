import { isIP } from 'node:net'
import { within } from '../core/async.ts'
import { readMilliseconds, readWholeNumber, wrongValue } from './command.ts'
import { trackConnections } from './node-connections.ts'
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
