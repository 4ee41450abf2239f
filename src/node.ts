import { createAuthenticator } from './core/authenticator.ts'
import { toHeaderOnlyRequest } from './node/header-only-request.ts'
import { createNodeTransport } from './node/node-transport.ts'
import { resolveTransportOptions } from './node/transport-options.ts'
import { openAgent } from './node/undici.ts'
import { refuseUpgrade } from './node/upgrade-refusal.ts'
import type { IncomingMessage } from 'node:http'
import type { Duplex } from 'node:stream'
import type { AuthConfigSource } from './core/auth-config.ts'
import type { AuthenticationResult } from './core/authenticator.ts'
import type { VerdictControls } from './core/types.ts'
import type { Auth } from './core/types.ts'
import type { NodeRequest } from './node/header-only-request.ts'
import type { NodeTransport } from './node/node-transport.ts'
import type { Pem } from './node/secure-context.ts'
import type { NodeTransportOptions } from './node/transport-options.ts'
import type { NodeDispatcher } from './node/undici.ts'

export type { NodeDispatcher, NodeRequest, NodeTransport, NodeTransportOptions, Pem }

/** Decides about requests of Node's own server without calling anything. Never rejects. */
export interface NodeAuthenticator extends VerdictControls {
  (incoming: NodeRequest): Promise<AuthenticationResult>
}

/**
 * A listener for the `upgrade` event that is called only for who may come in.
 *
 * @param auth The caller; `undefined` without an allow: on a public path, and for a denial in shadow mode.
 */
export type UpgradeListener = (
  incoming: IncomingMessage,
  socket: Duplex,
  head: Buffer,
  auth: Auth | undefined,
) => unknown

/** A guarded listener for the `upgrade` event. */
export interface GuardedUpgradeListener extends VerdictControls {
  (incoming: IncomingMessage, socket: Duplex, head: Buffer): void
}

/**
 * Makes a function that decides about the requests of Node's own server, for Express, Fastify and others that do not speak
 * Fetch. It reads method, target and headers as they were sent, and never touches the stream, so that a body parser may run
 * before or after it.
 *
 * Beside what is refused everywhere, a target that does not begin with one single `/` is: routers and URL parsers
 * read `//host/path` and `http://host/path` (RFC 9112 §3.2.2) in different ways. Where Express, or whatever keeps the whole as
 * `originalUrl`, has cut or rewritten the path, what was sent counts.
 *
 * @param config The config, or a synchronous function that makes it, called until it succeeds once.
 * @returns A function whose promise never rejects: the identity, or the reason and the response to send.
 * @throws AuthConfigError for a config that cannot be used.
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
  const authenticate = createAuthenticator(config)
  const authenticateNode = (incoming: NodeRequest): Promise<AuthenticationResult> =>
    authenticate(toHeaderOnlyRequest(incoming))
  const { invalidate, clear } = authenticate
  return Object.assign(authenticateNode, { invalidate, clear })
}

/**
 * Guards a listener for the `upgrade` event, which Node's server emits past every request handler: a WebSocket server
 * behind it gets the sockets of those who may come in. The others get the refusal as an HTTP response (RFC 9110 §7.8, RFC 6455 §4.2.2), and the
 * connection is closed.
 *
 * Browsers cannot set headers for a WebSocket; with `credentials: { webSocketProtocol: 'key.' }` they offer the key as
 * a protocol, beside the real one. Your server must choose the real one: `ws` takes the first offered if it is not told.
 *
 * @param listener Called with what Node gave, and who it is.
 * @param config The config, or a synchronous function that makes it, called until it succeeds once.
 * @throws AuthConfigError for a config that cannot be used.
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
    throw new TypeError('Cannot guard the upgrade listener: it must be a function')
  }
  const authenticate = createNodeAuthenticator(config)
  const guarded = (incoming: IncomingMessage, socket: Duplex, head: Buffer): void => {
    void admit(authenticate(incoming), socket, (auth) => listener(incoming, socket, head, auth))
  }
  const { invalidate, clear } = authenticate
  return Object.assign(guarded, { invalidate, clear })
}

async function admit(
  deciding: Promise<AuthenticationResult>,
  socket: Duplex,
  proceed: (auth: Auth | undefined) => unknown,
): Promise<void> {
  // A reset meanwhile would end the process, for Node has taken its own listener away.
  socket.on('error', destroy)
  const result = await deciding
  if (!result.ok) return refuseUpgrade(socket, result.response)
  // What destroyed it may not have been told yet: the listener stays for that.
  if (socket.destroyed) return
  socket.off('error', destroy)
  proceed(result.auth)
}

function destroy(this: Duplex): void {
  this.destroy()
}

/**
 * Makes what asks the endpoint over connections of undici, which costs Node a fraction of what its `fetch` does. For the
 * option `fetch`; several guards may share one, and then share its connections. Needs the package `undici`, 7.28
 * or 8.5 or later, which is loaded here and nowhere else. No connection is made before the first call.
 *
 * It does what `fetch` does here: follows no redirect, obeys the deadline, and sends nothing twice of its own accord. Two
 * things differ. It asks for a body that is not compressed (RFC 9110 §12.5.3), and a compressed one names nobody. And
 * what replaces `fetch` or patches `node:http` does not see it: tests give it a `dispatcher`.
 *
 * Certificates may be functions: a rotated file is then read for the next new connection. `close()` closes the connections.
 *
 * @param options Certificates, connections, or a dispatcher of your own.
 * @throws AuthConfigError for an option that cannot be used, and where undici is not installed.
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
  const source = resolveTransportOptions(options)
  if ('given' in source) return createNodeTransport(source.given)
  // Loading undici takes longer than a check may: the first request must not wait for it.
  const agent = openAgent(source)
  return createNodeTransport(agent, agent)
}
