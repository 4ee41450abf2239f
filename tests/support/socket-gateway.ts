import { createHash } from 'node:crypto'
import { createAdaptorServer } from '@hono/node-server'
import { listen as serve } from '../../src/cli/serving/serve.ts'
import { createGateway } from '../../src/gateway.ts'
import { withAuth } from '../../src/index.ts'
import { passWebSockets } from '../../src/node.ts'
import { close, listen } from './loopback.ts'
import { head } from './raw-client.ts'
import { fieldOf } from './raw-upstream.ts'
import { TOKEN } from './token.ts'
import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import type { GatewayOptions } from '../../src/gateway.ts'
import type { AuthConfig } from '../../src/index.ts'
import type { UpstreamCall } from './raw-upstream.ts'

export interface SocketGateway {
  readonly port: number
  /** Ends the WebSockets, and then the server. */
  readonly close: () => Promise<void>
}

/** Serves a gateway with WebSockets. */
export type StartSocketGateway = (
  options: GatewayOptions,
  config?: Partial<AuthConfig>,
) => Promise<SocketGateway>

export const GOOD = `Authorization: Bearer ${TOKEN}`
export const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='

const CONFIG: AuthConfig = {
  verifier: ({ token }) =>
    token === TOKEN
      ? { outcome: 'allow', principal: 'alice', attributes: { roles: ['admin'] } }
      : { outcome: 'deny' },
  public: ['/public/*'],
}

const handlerOf = (options: GatewayOptions, config: Partial<AuthConfig> = {}) =>
  withAuth(createGateway(options), { ...CONFIG, ...config })

/** As the command does. */
export const onSrvx: StartSocketGateway = async (options, config) => {
  const handler = handlerOf(options, config)
  const serving = await serve(handler, { host: '127.0.0.1', port: 0 }, (server) =>
    passWebSockets(server, handler),
  )
  return { port: Number(new URL(serving.url).port), close: () => serving.close('now') }
}

/** As a program does. */
export const onHono: StartSocketGateway = async (options, config) => {
  const handler = handlerOf(options, config)
  const server = createAdaptorServer({ fetch: handler }) as Server
  const sockets = passWebSockets(server, handler)
  const port = await listen(server)
  return {
    port,
    close: () => {
      sockets.close()
      return close(server)
    },
  }
}

/** The bytes of a handshake with these header lines. */
export function handshake(path: string, ...fields: readonly string[]): string {
  const own = ['Host: api.test', 'Connection: Upgrade', 'Upgrade: websocket']
  const key = ['Sec-WebSocket-Version: 13', `Sec-WebSocket-Key: ${KEY}`]
  return head(`GET ${path}`, ...own, ...key, ...fields)
}

/** Accepts a handshake, with more header lines, and with bytes right behind the head. */
export function accept(call: UpstreamCall, fields: readonly string[] = [], bytes = ''): void {
  const key = fieldOf(call, 'sec-websocket-key') ?? ''
  const suffix = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'
  const accepted = createHash('sha1')
    .update(key + suffix)
    .digest('base64')
  const lines = [
    'HTTP/1.1 101 Switching Protocols',
    'Connection: Upgrade',
    'Upgrade: websocket',
    `Sec-WebSocket-Accept: ${accepted}`,
    ...fields,
  ]
  call.socket.write(`${lines.join('\r\n')}\r\n\r\n${bytes}`, 'latin1')
}

/** Accepts a handshake, and sends every byte back. */
export function acceptEcho(call: UpstreamCall): void {
  accept(call)
  call.socket.on('data', (bytes) => call.socket.write(bytes))
}

/** Collects what a socket gets. */
export function collect(socket: Socket): () => string {
  let received = ''
  socket.on('error', () => undefined)
  socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  return () => received
}
