import { EventEmitter, once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import net from 'node:net'
import { Readable } from 'node:stream'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { passWebSockets } from '../../../src/node.ts'
import {
  listAllHeaders,
  refuseUpgradesWithBody,
  returnToServer,
} from '../../../src/node/sockets/ordinary-request.ts'
import { close, listen } from '../../support/loopback.ts'
import { head, openSocket, sendRaw } from '../../support/raw-client.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { collect } from '../../support/socket-gateway.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { PassedWebSockets } from '../../../src/node.ts'

/** An upgrade that is none goes back to Node's server, which answers it like any other request. */

const UPGRADE = ['Host: a', 'Connection: upgrade', 'Upgrade: h2c']
const plain = (path: string): string => head(`GET ${path}`, 'Host: a')
const upgrade = (path: string): string => head(`GET ${path}`, ...UPGRADE)
const last = head('GET /last', 'Host: a', 'Connection: close')

let server: http.Server
let port: number
let sockets: PassedWebSockets
let answered: string[]
let waiting: ServerResponse[]
const answer = (incoming: IncomingMessage, response: ServerResponse): void => {
  const { url = '', headers } = incoming
  answered.push(`${url} ${headers.upgrade}`)
  if (url === '/wait') waiting.push(response)
  else response.end(`<${url}>`)
}
beforeEach(async () => {
  answered = []
  waiting = []
  server = http.createServer(answer)
  sockets = passWebSockets(server, () => new Response(null, { status: 501 }))
  port = await listen(server)
})
afterEach(() => close(server))

it('comes without `Upgrade`, and with every other header as it was sent', async () => {
  const raw: string[][] = []
  server.prependListener('request', ({ rawHeaders }) => raw.push(rawHeaders))
  const more = ['X-Upgrade: 1', 'Upgrade-Insecure-Requests: 1', 'X-Name: Ren\xe9', 'X-Empty:']
  await sendRaw(port, head('GET /1', ...UPGRADE, ...more) + last)
  expect(answered).toEqual(['/1 undefined', '/last undefined'])
  const rest = [
    'X-Upgrade',
    '1',
    'Upgrade-Insecure-Requests',
    '1',
    'X-Name',
    'Ren\xe9',
    'X-Empty',
    '',
  ]
  expect(raw[0]).toEqual(['Host', 'a', 'Connection', 'upgrade', ...rest])
})

it('is answered over TLS, each time', async () => {
  const { key, cert } = SELF_SIGNED
  const secure = https.createServer({ key, cert }, answer)
  passWebSockets(secure, () => new Response(null, { status: 501 }))
  const socket = connect({
    port: await listen(secure),
    host: '127.0.0.1',
    ca: cert,
    checkServerIdentity: () => undefined,
  })
  const received = collect(socket)
  socket.write(upgrade('/1') + plain('/2') + upgrade('/3') + last)
  await once(socket, 'close')
  expect(received().match(/<[^>]+>/g)).toEqual(['</1>', '</2>', '</3>', '</last>'])
  await close(secure)
})

it('leaves no listener behind, however many a connection has', async () => {
  const warnings: string[] = []
  const keep = ({ message }: Error): void => void warnings.push(message)
  process.on('warning', keep)
  onTestFinished(() => void process.off('warning', keep))
  const many = Array.from({ length: 12 }, (_, index) => upgrade(`/${index}`))
  await sendRaw(port, many.join('') + last)
  expect(answered).toHaveLength(13)
  expect(warnings).toEqual([])
})

it('ends its connection if it comes back as an upgrade', async () => {
  let times = 0
  const upgrades: IncomingMessage[] = []
  server.prependListener('upgrade', (incoming) => upgrades.push(incoming))
  // As the parser does for a header that makes any request an upgrade.
  server.prependListener('connection', (socket: Socket) => {
    times += 1
    const [first] = upgrades
    if (first !== undefined && times < 100) server.emit('upgrade', first, socket, Buffer.alloc(0))
  })
  expect(await sendRaw(port, upgrade('/1'))).toBe('')
  expect(times).toBe(2)
})

it('waits for the response to an earlier request, for as long as that takes', async () => {
  server.keepAliveTimeout = 100
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(plain('/wait') + upgrade('/wait') + last)
  await expect.poll(() => waiting.length).toBe(1)
  const long = Array.from({ length: 200 }, () => 'x'.repeat(20_000))
  Readable.from([...long, '<first>']).pipe(waiting[0] as ServerResponse)
  await expect.poll(() => waiting.length).toBe(2)
  // Longer than an idle connection would stay open.
  await new Promise((resolve) => setTimeout(resolve, 1_500))
  waiting[1]?.end('<second>')
  await once(socket, 'close')
  expect(received().match(/<[^>]+>/g)).toEqual(['<first>', '<second>', '</last>'])
})

it('is read on after a client that was slow to take its answers', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.pause().write(plain('/wait'))
  await expect.poll(() => waiting.length).toBe(1)
  waiting[0]?.end('x'.repeat(8_000_000))
  socket.write(plain('/wait') + upgrade('/3'))
  await expect.poll(() => waiting.length).toBe(2)
  waiting[1]?.end('<second>')
  socket.resume()
  const answers = () => received().match(/<[^>]+>/g)
  await expect.poll(answers).toEqual(['<second>', '</3>'])
  socket.write(last)
  await expect.poll(answers).toEqual(['<second>', '</3>', '</last>'])
})

it('is not answered after a response that ends the connection', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length).toBe(1)
  waiting[0]?.writeHead(200, { connection: 'close' }).end('<first>')
  await once(socket, 'close')
  expect(received()).toContain('<first>')
  expect(answered).toEqual(['/wait undefined'])
})

it('is dropped with a client that leaves while it waits', async () => {
  const socket = await openSocket(port)
  socket.on('error', () => undefined)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length).toBe(1)
  socket.resetAndDestroy()
  const [response] = waiting
  const tick = setInterval(() => response?.write('x'.repeat(100_000)), 10)
  await expect.poll(() => response?.closed).toBe(true)
  clearInterval(tick)
  expect(answered).toEqual(['/wait undefined'])
  expect(await sendRaw(port, last)).toContain('</last>')
})

it('ends with the WebSockets while it waits', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length).toBe(1)
  sockets.close()
  await once(socket, 'close')
  expect(received()).toBe('')
})

it('does not end with the WebSockets once the server has it', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(upgrade('/1') + upgrade('/wait'))
  await expect.poll(() => waiting.length).toBe(1)
  sockets.close()
  waiting[0]?.end('<kept>')
  await expect.poll(received).toMatch(/<kept>$/)
  socket.destroy()
})

it('changes no object other than a server', () => {
  expect(server.maxHeadersCount).toBe(0)
  const other = {}
  listAllHeaders(other)
  refuseUpgradesWithBody(other, '26.0.0')
  expect(other).toEqual({})
})

it.each([undefined, null, {}])('ends with its connection if that is of no server: %j', (of) => {
  const socket = Object.assign(new net.Socket(), { server: of })
  returnToServer(new http.IncomingMessage(socket), socket, Buffer.alloc(0))
  expect(socket.destroyed).toBe(true)
})

const request = (...fields: string[]): IncomingMessage =>
  Object.assign(new http.IncomingMessage(new net.Socket()), { rawHeaders: fields })

/** Whether a server on this version of Node takes a request as an upgrade, and whether it then keeps its connection, or another. */
function take(nodeVersion: string, fields: readonly string[]): boolean[] {
  const emitter = new EventEmitter()
  refuseUpgradesWithBody(emitter, nodeVersion)
  const incoming = request(...fields)
  const isUpgrade = (): boolean => {
    const decide: unknown = Reflect.get(emitter, 'shouldUpgradeCallback')
    return typeof decide !== 'function' || decide(incoming) === true
  }
  const keeps = (sent: IncomingMessage): boolean => {
    isUpgrade()
    const response = new http.ServerResponse(sent)
    response.shouldKeepAlive = true
    emitter.emit('request', sent, response)
    return response.shouldKeepAlive
  }
  return [isUpgrade(), keeps(incoming), keeps(request())]
}

it.each([
  ['26.0.0', ['Transfer-Encoding', 'chunked'], [false, false, true]],
  ['26.0.0', ['Content-Length', '0', 'Content-Length', '4'], [false, false, true]],
  ['26.0.0', ['Content-Length', '0'], [true, true, true]],
  ['26.0.0', ['A', 'content-length'], [true, true, true]],
  ['27.1.0', ['Content-Length', '4'], [false, false, true]],
  ['25.9.0', ['Content-Length', '4'], [true, true, true]],
])(
  'on Node %s a request with %j is an upgrade, and keeps its connection, as does the next: %j',
  (version, fields, found) => {
    expect(take(version, fields)).toEqual(found)
  },
)
