import { within } from '../core/timers.ts'
import { readMilliseconds } from './command.ts'
import { trackConnections } from './node-connections.ts'
import { UsageError } from './usage-error.ts'
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

/** Kubernetes kills after 30 seconds. */
const DRAIN_MS = 25_000
// Longer than the 60 seconds of common load balancers: one that asks over a connection which ends just then answers 502.
const KEEP_ALIVE_MS = 75_000
// Node answers 408 when a whole request takes more than five minutes, however long its upstream may take. An upload may. A head
// may not: it ends after a minute, which Node would otherwise derive from the other.
const NODE_TIMEOUTS = { requestTimeout: 0, headersTimeout: 60_000 } as const
// Bun cuts a connection after 10 seconds of silence, in which a model may still be thinking.
const BUN_IDLE_SECONDS = 255

/** The options of a command that serves, for `readAddress`. */
export function addressOptions(port: number): OptionSpecs {
  return {
    host: { value: 'HOST', help: 'the address to listen on (127.0.0.1: this machine only)' },
    port: { value: 'PORT', help: `the port to listen on (${port}); 0 takes a free one` },
    'keep-alive-ms': {
      value: 'MS',
      help: `how long a connection may be idle, on Node (${KEEP_ALIVE_MS})`,
    },
  }
}

export function readAddress(line: CommandLine, usualPort: number): Address {
  const text = line.text('port') ?? String(usualPort)
  const port = /^\d{1,5}$/.test(text) ? Number(text) : Infinity
  if (port > 65_535) throw new UsageError('--port must be a whole number from 0 to 65535')
  const keepAliveMs = readMilliseconds(line, 'keep-alive-ms') ?? KEEP_ALIVE_MS
  return { host: line.text('host') ?? '127.0.0.1', port, keepAliveMs }
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
