import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { createServer } from 'node:http'
import { createRequire } from 'node:module'
import { fileURLToPath } from 'node:url'
import { describe, expect, it, onTestFinished } from 'vitest'
import { whySkipped } from './support/installed.ts'
import { close, listen } from './support/loopback.ts'
import { onHono, onSrvx } from './support/socket-gateway.ts'
import { TOKEN } from './support/token.ts'
import type { EventEmitter } from 'node:events'
import type { Server } from 'node:http'

/** The client and the server of the package `ws`, which the tests of the runtimes install, on both sides of the gateway. */

type Data = string | Buffer

/** The part of a WebSocket of `ws` that is used. */
interface RealWebSocket extends EventEmitter {
  readonly extensions: string
  send(data: Data, options?: { readonly fin?: boolean }): void
  ping(data?: Data): void
  close(code?: number, reason?: string): void
}

interface Ws {
  readonly WebSocket: new (
    url: string,
    options: { readonly headers: Record<string, string> },
  ) => RealWebSocket
  readonly WebSocketServer: new (options: {
    readonly server: Server
    readonly perMessageDeflate: boolean
  }) => EventEmitter
}

const RUNTIMES = new URL('./runtimes/', import.meta.url)
const load = createRequire(new URL('package.json', RUNTIMES))
/** Why the test cannot run: continuous integration installs it. */
const whyNoWs =
  existsSync(fileURLToPath(new URL('node_modules/ws', RUNTIMES))) || process.env['CI'] !== undefined
    ? undefined
    : whySkipped('ws is not installed: .ci/runtimes')

const bytesOf = async (socket: RealWebSocket, event: 'message' | 'pong'): Promise<Buffer> =>
  ((await once(socket, event)) as [Buffer])[0]

const closing = async (socket: RealWebSocket): Promise<string> => {
  const [code, reason] = (await once(socket, 'close')) as [number, Buffer]
  return `${code} ${String(reason)}`
}

describe.skipIf(whyNoWs !== undefined).each([
  ['the command', onSrvx],
  ['@hono/node-server', onHono],
])(`behind the server of %s${whyNoWs === undefined ? '' : `: ${whyNoWs}`}`, (_name, start) => {
  it('carries compressed, big and fragmented messages, pings and the close codes of both sides', async () => {
    const { WebSocket, WebSocketServer } = load('ws') as Ws
    const server = createServer()
    const webSockets = new WebSocketServer({ server, perMessageDeflate: true })
    webSockets.on('connection', (socket: RealWebSocket) => {
      socket.on('message', (data: Buffer, isBinary: boolean) =>
        socket.send(isBinary ? data : String(data)),
      )
    })
    const gateway = await start({ upstream: `http://127.0.0.1:${await listen(server)}` })
    onTestFinished(async () => {
      await gateway.close()
      await close(server)
    })
    async function open(): Promise<{ client: RealWebSocket; upstream: RealWebSocket }> {
      const headers = { authorization: `Bearer ${TOKEN}` }
      const accepted = once(webSockets, 'connection') as Promise<[RealWebSocket]>
      const client = new WebSocket(`ws://127.0.0.1:${gateway.port}/socket`, { headers })
      await once(client, 'open')
      return { client, upstream: (await accepted)[0] }
    }

    const { client, upstream } = await open()
    expect(client.extensions).toContain('permessage-deflate')
    const big = Buffer.alloc(8 * 1024 * 1024, 'with-auth')
    client.send(big)
    expect((await bytesOf(client, 'message')).equals(big)).toBe(true)
    const parts = ['one ', 'two ', 'three']
    parts.forEach((part, index) => client.send(part, { fin: index === parts.length - 1 }))
    expect(String(await bytesOf(client, 'message'))).toBe('one two three')
    client.ping('are you there')
    expect(String(await bytesOf(client, 'pong'))).toBe('are you there')
    upstream.ping()
    await once(upstream, 'pong')
    client.close(4001, 'done')
    expect(await closing(upstream)).toBe('4001 done')
    const second = await open()
    second.upstream.close(1013, 'later')
    expect(await closing(second.client)).toBe('1013 later')
  })
})
