/**
 * Checks for Node's own servers and WebSocket upgrades, and a transport to the auth endpoint with certificates of its own.
 *
 * @module with-auth/node
 */
import { attachPassage } from './node/sockets/passage.ts'
import { toHeaderOnlyRequest } from './node/header-only-request.ts'
import { createIncomingAuthenticator } from './node/incoming-authenticator.ts'
import { createNodeTransport } from './node/node-transport.ts'
import { requireNode } from './node/node-version.ts'
import { resolveTransportOptions, transportId } from './node/transport-options.ts'
import { openAgent } from './node/undici.ts'
import { enterUpgrade } from './node/upgrade.ts'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AuthConfigSource } from './core/auth-config.ts'
import type { AuthenticationResult } from './core/authenticator.ts'
import type { Auth } from './core/types.ts'
import type { WebSocketHandler } from './node/sockets/passage.ts'
import type { NodeRequest } from './node/header-only-request.ts'
import type { NodeTransport } from './node/node-transport.ts'
import type { Pem } from './node/secure-context.ts'
import type { NodeTransportOptions } from './node/transport-options.ts'
import type { NodeDispatcher } from './node/undici.ts'

export type {
  NodeDispatcher,
  NodeRequest,
  NodeTransport,
  NodeTransportOptions,
  Pem,
  WebSocketHandler,
}

/** Decides about requests of Node's own server. Its promise never rejects. */
export type NodeAuthenticator = (incoming: NodeRequest) => Promise<AuthenticationResult>

/**
 * A listener for the `upgrade` event. It runs only for admitted requests.
 *
 * @param auth The identity. `undefined` on a public path, and for a denial in shadow mode.
 */
export type UpgradeListener = (
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  auth: Auth | undefined,
) => unknown

/** A listener for the `upgrade` event, made by {@link withUpgradeAuth}. */
export type GuardedUpgradeListener = (
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
) => void

/**
 * Creates a function that decides about requests of Node's own server, for Express, Fastify and others that do not use Fetch.
 * It reads method, target and headers as they were sent. It never reads the body, so a body parser may run before or after it.
 *
 * It also rejects a target that does not start with a single `/`, because routers and URL parsers read `//host/path` and
 * `http://host/path` differently (RFC 9112 §3.2.2). If a framework has shortened or rewritten the path, the decision is about
 * `originalUrl`, as Express keeps it. `context.clientAddress` gets the request of Node as its second argument.
 *
 * @param config The config, or a synchronous function that makes it, called until it succeeds once.
 * @returns A function whose promise resolves with the identity, or with the reason and the response to send.
 * @throws AuthConfigError for an invalid config.
 *
 * @example
 * ```ts node
 * import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
 * import { createNodeAuthenticator } from 'with-auth/node'
 *
 * const authenticate = createNodeAuthenticator({ endpoint: 'https://auth.example.com/validate' })
 *
 * async function handle(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
 *   const result = await authenticate(incoming)
 *   if (result.ok) {
 *     outgoing.end(`Hello ${result.auth?.principal}`)
 *     return
 *   }
 *   const { status, headers } = result.response
 *   outgoing.writeHead(status, [...headers].flat()).end(await result.response.text())
 * }
 *
 * createServer((incoming, outgoing) => void handle(incoming, outgoing)).listen(3000)
 * ```
 */
export function createNodeAuthenticator(config?: AuthConfigSource<[]>): NodeAuthenticator {
  const authenticate = createIncomingAuthenticator(config)
  return (incoming) => authenticate(toHeaderOnlyRequest(incoming), incoming)
}

/**
 * Wraps a listener for the `upgrade` event. Node's server emits that event past every request handler. The listener, such as a
 * WebSocket server, gets the sockets of admitted requests. Rejected requests get an HTTP response (RFC 9110 §7.8, RFC 6455
 * §4.2.2), and their connection is closed.
 *
 * Browsers cannot set headers for a WebSocket. With `credentials: { webSocketProtocol: 'key.' }` they offer the token as a
 * protocol, next to the real one. Your server must select the real one: `ws` selects the first offer by default.
 *
 * @param listener Called with the arguments of the event and the identity.
 * @param config The config, or a synchronous function that makes it, called until it succeeds once.
 * @throws AuthConfigError for an invalid config.
 *
 * @example
 * ```ts node
 * import { createServer } from 'node:http'
 * import { withUpgradeAuth, type UpgradeListener } from 'with-auth/node'
 *
 * const greet: UpgradeListener = (incoming, socket, head, auth) => {
 *   socket.end(`HTTP/1.1 101 Switching Protocols\r\n\r\nHello ${auth?.principal}`)
 * }
 *
 * const server = createServer()
 * server.on('upgrade', withUpgradeAuth(greet, { endpoint: 'https://auth.example.com/validate' }))
 * server.listen(3000)
 * ```
 */
export function withUpgradeAuth(
  listener: UpgradeListener,
  config?: AuthConfigSource<[]>,
): GuardedUpgradeListener {
  if (typeof listener !== 'function') {
    throw new TypeError('The upgrade listener must be a function')
  }
  const authenticate = createNodeAuthenticator(config)
  return (incoming, socket, head) => {
    void enterUpgrade(authenticate(incoming), socket, (auth) =>
      listener(incoming, socket, head, auth),
    )
  }
}

/** The open WebSockets of a gateway, from {@link passWebSockets}. */
export interface PassedWebSockets {
  /** Ends all of them, for the end of a shutdown: `server.close()` waits for them. */
  close(): void
}

/**
 * Lets WebSockets through a gateway: adds the one listener for the `upgrade` event to Node's server, and calls the handler that also
 * gets the other requests. So both share a cache and a circuit breaker, and the upstream gets the same headers. If the upgrade is
 * rejected, also by the upstream, the client gets that response, and its connection is closed. Other upgrades,
 * such as `h2c`, stay ordinary requests.
 *
 * @param server Node's server, without a listener for `upgrade`, which would not be guarded.
 * @param handler A gateway in `withAuth`. It gets the request of Node as its second argument.
 * @throws TypeError if the server has such a listener already.
 *
 * @example
 * ```ts node
 * import { createAdaptorServer } from '@hono/node-server'
 * import { withAuth } from 'with-auth'
 * import { createGateway } from 'with-auth/gateway'
 * import { passWebSockets } from 'with-auth/node'
 *
 * const fetch = withAuth(createGateway({ upstream: 'http://127.0.0.1:8000' }), {
 *   endpoint: 'https://auth.example.com/validate',
 * })
 * const server = createAdaptorServer({ fetch })
 * passWebSockets(server, fetch)
 * server.listen(3000)
 * ```
 */
export function passWebSockets(
  server: Pick<NodeJS.EventEmitter, 'on' | 'listenerCount'>,
  handler: WebSocketHandler,
): PassedWebSockets {
  requireNode()
  return attachPassage(server, handler)
}

/**
 * Creates a value for the option `fetch` that calls the auth endpoint over the package `undici`, 7.28 or 8.5 or later, with
 * certificates, a client key or a limit of connections of its own. Without these needs leave it out. Several wrappers may share
 * one, and so share its connections. It connects with the first call.
 *
 * Like `fetch` it follows no redirect, obeys the deadline, and never repeats a call by itself. It differs in two points. It asks
 * for an uncompressed body (RFC 9110 §12.5.3), and a compressed body carries no identity. Tools that replace `fetch` or patch
 * `node:http` do not see it: in tests, pass a `dispatcher`.
 *
 * Certificates may be functions, so that a rotated file is read for the next new connection. `close()` closes the connections.
 *
 * @param options Certificates, connections, or your own dispatcher.
 * @throws AuthConfigError for an invalid option, and if undici is not installed.
 *
 * @example
 * ```ts node
 * import { readFileSync } from 'node:fs'
 * import { withAuth } from 'with-auth'
 * import { nodeTransport } from 'with-auth/node'
 *
 * export default withAuth(() => new Response('hello'), {
 *   endpoint: 'https://auth.example.com/validate',
 *   fetch: nodeTransport({ ca: () => readFileSync('/etc/ssl/auth-ca.pem') }),
 * })
 * ```
 */
export function nodeTransport(options: NodeTransportOptions = {}): NodeTransport {
  requireNode()
  const source = resolveTransportOptions(options)
  if ('given' in source) return createNodeTransport(source.given)
  // Loads undici now: that takes longer than a check may.
  const agent = openAgent(source)
  const transport = createNodeTransport(agent, agent)
  const id = transportId(options)
  return id === undefined ? transport : Object.assign(transport, { id })
}
