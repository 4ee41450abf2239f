import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { close, listen } from './support/loopback.ts'
import { onHono, onSrvx } from './support/socket-gateway.ts'
import { TOKEN } from './support/token.ts'
import { createRequire } from 'node:module'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { whySkipped } from './support/installed.ts'
import type { IncomingMessage, Server } from 'node:http'
import type { SocketGateway } from './support/socket-gateway.ts'
import type { EventEmitter } from 'node:events'

/** The package `ws`, which the tests of the runtimes install. */

type Data = string | Buffer

/** The part of a WebSocket of `ws` that is used. */
interface RealWebSocket extends EventEmitter {
  readonly protocol: string
  readonly extensions: string
  readonly readyState: number
  readonly bufferedAmount: number
  send(data: Data, options?: { readonly fin?: boolean }): void
  ping(data?: Data): void
  close(code?: number, reason?: string): void
  terminate(): void
  pause(): void
  resume(): void
}

interface Ws {
  readonly WebSocket: new (
    url: string,
    protocols?: readonly string[],
    options?: { readonly headers?: Record<string, string>; readonly perMessageDeflate?: boolean },
  ) => RealWebSocket
  readonly WebSocketServer: new (options: {
    readonly server: Server
    readonly handleProtocols?: (offered: Set<string>) => string | false
    readonly perMessageDeflate?: boolean
    readonly maxPayload?: number
  }) => {
    readonly clients: ReadonlySet<RealWebSocket>
    on(
      event: 'connection',
      listener: (socket: RealWebSocket, incoming: IncomingMessage) => void,
    ): unknown
  }
}

const PACKAGE = fileURLToPath(new URL('./runtimes/package.json', import.meta.url))
const load = createRequire(PACKAGE)

/** Why the tests cannot run: continuous integration installs it. */
const whyNoWs =
  existsSync(fileURLToPath(new URL('./runtimes/node_modules/ws', import.meta.url))) ||
  process.env['CI'] !== undefined
    ? undefined
    : whySkipped('ws is not installed: .ci/runtimes')

const loadWs = (): Ws => load('ws') as Ws

/** The client and the server of `ws`, on both sides of the gateway. */

const NOTICED = { timeout: 15_000 }
const MIB = 1024 * 1024
const CREDENTIALS = ['bearer', { webSocketProtocol: 'key.' }] as const
const reason = whyNoWs === undefined ? '' : `: ${whyNoWs}`

describe.skipIf(whyNoWs !== undefined).each([
  ['the command', onSrvx],
  ['@hono/node-server', onHono],
])(`behind the server of %s${reason}`, (_name, start) => {
  let server: Server
  let accepted: { readonly socket: RealWebSocket; readonly incoming: IncomingMessage }[]
  let gateway: SocketGateway
  let onConnection: (socket: RealWebSocket) => void
  beforeAll(async () => {
    const { WebSocketServer } = loadWs()
    server = createServer()
    accepted = []
    onConnection = echo
    new WebSocketServer({
      server,
      perMessageDeflate: true,
      handleProtocols: (offered) => offered.has('chat') && 'chat',
    }).on('connection', (socket, incoming) => {
      accepted.push({ socket, incoming })
      socket.on('error', () => undefined)
      onConnection(socket)
    })
    const upstream = `http://127.0.0.1:${await listen(server)}`
    gateway = await start({ upstream }, { credentials: CREDENTIALS })
  })
  afterAll(async () => {
    await gateway.close()
    await close(server)
  })

  function echo(socket: RealWebSocket): void {
    socket.on('message', (data: Buffer, isBinary: boolean) =>
      socket.send(isBinary ? data : String(data)),
    )
  }

  function connect(protocols: readonly string[] = [], perMessageDeflate = false) {
    const { WebSocket } = loadWs()
    const hasToken = protocols.some((name) => name.startsWith('key.'))
    return new WebSocket(`ws://127.0.0.1:${gateway.port}/socket`, protocols, {
      headers: hasToken ? {} : { authorization: `Bearer ${TOKEN}` },
      perMessageDeflate,
    })
  }

  async function open(...given: Parameters<typeof connect>) {
    const before = accepted.length
    const client = connect(...given)
    await once(client, 'open')
    await expect.poll(() => accepted.length, NOTICED).toBe(before + 1)
    const last = accepted.at(-1)
    if (last === undefined) throw new Error('No socket was accepted')
    return { client, upstream: last.socket, incoming: last.incoming }
  }

  const message = async (socket: RealWebSocket): Promise<Buffer> =>
    ((await once(socket, 'message')) as [Buffer])[0]

  it.each([false, true])(
    'passes a big and a fragmented message, compressed: %s',
    async (deflate) => {
      const { client } = await open([], deflate)
      expect(client.extensions !== '').toBe(deflate)
      const big = Buffer.alloc(8 * MIB, 'with-auth')
      client.send(big)
      expect((await message(client)).equals(big)).toBe(true)
      const parts = ['one ', 'two ', 'three']
      parts.forEach((part, index) => client.send(part, { fin: index === parts.length - 1 }))
      expect(String(await message(client))).toBe('one two three')
      client.terminate()
    },
  )

  it('passes ping and pong, and the close codes of both sides', async () => {
    const first = await open()
    first.client.ping('are you there')
    expect(String(((await once(first.client, 'pong')) as [Buffer])[0])).toBe('are you there')
    first.upstream.ping()
    await once(first.upstream, 'pong')
    first.client.close(4001, 'done')
    const [code, why] = (await once(first.upstream, 'close')) as [number, Buffer]
    expect([code, String(why)]).toEqual([4001, 'done'])
    const second = await open()
    second.upstream.close(1013, 'later')
    const [back, whyBack] = (await once(second.client, 'close')) as [number, Buffer]
    expect([back, String(whyBack)]).toEqual([1013, 'later'])
  })

  it.each(['client', 'upstream'] as const)(
    'lets the %s wait for a peer that reads slowly, and loses nothing',
    { tags: ['slow'], timeout: 30_000 },
    async (side) => {
      onConnection = () => undefined
      const pair = await open()
      onConnection = echo
      const sender = pair[side]
      const reader = side === 'client' ? pair.upstream : pair.client
      reader.pause()
      const part = Buffer.alloc(MIB, 'x')
      for (let count = 0; count < 64; count += 1) sender.send(part)
      // Without backpressure the gateway would take all of it.
      await new Promise((resolve) => setTimeout(resolve, 1_000))
      expect(sender.bufferedAmount).toBeGreaterThan(32 * MIB)
      let received = 0
      reader.on('message', (data: Buffer) => (received += data.byteLength))
      reader.resume()
      await expect.poll(() => received, NOTICED).toBe(64 * MIB)
      sender.terminate()
    },
  )

  it(
    'does not keep a socket after a thousand came and went',
    { tags: ['slow'], timeout: 60_000 },
    async () => {
      for (let round = 0; round < 20; round += 1) {
        const clients = await Promise.all(Array.from({ length: 50 }, () => connectOpen()))
        clients.forEach((client, index) => (index % 2 === 0 ? client.close() : client.terminate()))
        await expect
          .poll(() => clients.every((client) => client.readyState === 3), NOTICED)
          .toBe(true)
      }
      await expect.poll(() => countOpen(server), NOTICED).toBe(0)
    },
  )

  async function connectOpen(): Promise<RealWebSocket> {
    const client = connect()
    await once(client, 'open')
    return client
  }
})

function countOpen(server: Server): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}
