import { SWITCHING } from '../../gateway/exchange.ts'
import { followPassage } from '../../gateway/passage.ts'
import { toHeaderOnlyRequest } from '../header-only-request.ts'
import { answerHandshake } from './answer.ts'
import { asksForWebSocket, isHandshake } from './handshake.ts'
import { afterResponses, openResponseOf } from './open-response.ts'
import { listAllHeaders, refuseUpgradesWithBody, returnToServer } from './ordinary-request.ts'
import { join } from './tunnel.ts'
import { shakeHands } from './upstream.ts'
import type { IncomingMessage } from 'node:http'
import type { Socket } from 'node:net'
import type { UpgradeOffer } from '../../gateway/passage.ts'
import type { Switched } from './upstream.ts'

/** Handles a request of the server, such as a gateway in `withAuth`. */
export type WebSocketHandler = (
  request: Request,
  incoming: IncomingMessage,
) => Response | Promise<Response>

// A URL parser must find the same path as a router does, so the host cannot have other characters.
const HOST = /^(?:\[[\w:.%-]+\]|[\w.-]+)(?::\d{1,5})?$/

/** Adds the one listener for upgrades to a server. Throws TypeError if it has another. */
export function attachPassage(
  server: Pick<NodeJS.EventEmitter, 'on' | 'listenerCount'>,
  handler: WebSocketHandler,
): { close(): void } {
  if (server.listenerCount('upgrade') > 0) {
    throw new TypeError(
      'Remove the other listener for "upgrade" from the server: nothing guards it',
    )
  }
  const open = new Set<Socket>()
  function forget(this: Socket): void {
    open.delete(this)
  }
  server.on('upgrade', (incoming: IncomingMessage, socket: Socket, head: Buffer): void => {
    // Also one that waits to be given back: until then the server does not know it.
    open.add(socket)
    socket.once('close', forget)
    if (!asksForWebSocket(incoming)) {
      return afterResponses(socket, () => {
        open.delete(socket)
        socket.off('close', forget)
        returnToServer(incoming, socket, head)
      })
    }
    // The earlier response and the WebSocket would share the connection, and mix their bytes.
    if (openResponseOf(socket) !== undefined) return void socket.destroy()
    // Node has removed its own listener, and an error without one would end the process.
    socket.on('error', () => socket.destroy())
    if (head.byteLength > 0) socket.unshift(head)
    void pass(handler, incoming, socket)
  })
  refuseUpgradesWithBody(server, process.versions.node)
  listAllHeaders(server)
  return {
    close: () => {
      for (const socket of open) socket.destroy()
    },
  }
}

async function pass(
  handler: WebSocketHandler,
  incoming: IncomingMessage,
  socket: Socket,
): Promise<void> {
  const client = watchClient(socket)
  let upstream: Switched | undefined
  const request = toSocketRequest(incoming, socket)
  const offer: UpgradeOffer = {
    signal: client.signal,
    fetch: (url, init) =>
      shakeHands(url, init, (switched) => {
        upstream = switched
      }),
  }
  // Without an offer the gateway answers 501.
  if (isHandshake(incoming)) followPassage(request).offer = offer
  const response = await callHandler(handler, request, incoming)
  client.stop()
  if (upstream === undefined || response.status !== SWITCHING || socket.destroyed) {
    upstream?.socket.destroy()
    return answerHandshake(incoming, socket, response)
  }
  // It has left while the handler waited for something else.
  if (upstream.socket.destroyed) {
    return answerHandshake(incoming, socket, new Response(null, { status: 502 }))
  }
  socket.write(describeSwitch(response.headers), 'latin1')
  if (upstream.head.byteLength > 0) upstream.socket.unshift(upstream.head)
  return join(socket, upstream.socket)
}

async function callHandler(
  handler: WebSocketHandler,
  ...args: Parameters<WebSocketHandler>
): Promise<Response> {
  try {
    return await handler(...args)
  } catch {
    return new Response(null, { status: 500 })
  }
}

/**
 * Notices a client that leaves before its response. The bytes that it sends early stay in the buffer of its connection, which is
 * not read any further once it is full.
 */
function watchClient(socket: Socket): { readonly signal: AbortSignal; readonly stop: () => void } {
  const controller = new AbortController()
  const leave = (): void => {
    controller.abort()
    socket.destroy()
  }
  const look = (): void => {
    // Without unread bytes it gives none, and says so if there will never be more.
    if (socket.readableLength === 0) socket.read()
  }
  socket.on('end', leave).on('close', leave).on('readable', look)
  return {
    signal: controller.signal,
    stop: () => {
      socket.off('end', leave).off('close', leave).off('readable', look)
    },
  }
}

/** The Request of a handshake. It shows the address of the TCP peer and Node's request as those of srvx do. */
function toSocketRequest(incoming: IncomingMessage, socket: Socket): Request {
  const { host = '' } = incoming.headers
  const scheme = 'encrypted' in socket ? 'https' : 'http'
  const request = toHeaderOnlyRequest(incoming, HOST.test(host) ? `${scheme}://${host}` : '')
  return Object.defineProperties(request, {
    ip: { value: socket.remoteAddress },
    runtime: { value: { node: { req: incoming } } },
  })
}

function describeSwitch(headers: Headers): string {
  const fields = [...headers].map(([name, value]) => `${name}: ${value}`)
  const lines = ['HTTP/1.1 101 Switching Protocols', 'connection: Upgrade', 'upgrade: websocket']
  return `${[...lines, ...fields].join('\r\n')}\r\n\r\n`
}
