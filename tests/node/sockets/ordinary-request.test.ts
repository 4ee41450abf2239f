import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { Readable } from 'node:stream'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, it, onTestFinished } from 'vitest'
import { passWebSockets } from '../../../src/node.ts'
import { close, listen } from '../../support/loopback.ts'
import { head, openSocket, sendRaw } from '../../support/raw-client.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { collect } from '../../support/socket-gateway.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { PassedWebSockets } from '../../../src/node.ts'

/** An upgrade that is none goes back to Node's server, which answers it like any other request. */

const NOTICED = { timeout: 10_000 }
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

it('comes without `Upgrade`', async () => {
  await sendRaw(port, upgrade('/1') + last)
  expect(answered).toEqual(['/1 undefined', '/last undefined'])
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
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  const long = Array.from({ length: 200 }, () => 'x'.repeat(20_000))
  Readable.from([...long, '<first>']).pipe(waiting[0] as ServerResponse)
  await expect.poll(() => waiting.length, NOTICED).toBe(2)
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
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  waiting[0]?.end('x'.repeat(8_000_000))
  socket.write(plain('/wait') + upgrade('/3'))
  await expect.poll(() => waiting.length, NOTICED).toBe(2)
  waiting[1]?.end('<second>')
  socket.resume()
  const answers = () => received().match(/<[^>]+>/g)
  await expect.poll(answers, NOTICED).toEqual(['<second>', '</3>'])
  socket.write(last)
  await expect.poll(answers, NOTICED).toEqual(['<second>', '</3>', '</last>'])
})

it('is not answered after a response that ends the connection', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  waiting[0]?.writeHead(200, { connection: 'close' }).end('<first>')
  await once(socket, 'close')
  expect(received()).toContain('<first>')
  expect(answered).toEqual(['/wait undefined'])
})

it('is dropped with a client that leaves while it waits', async () => {
  const socket = await openSocket(port)
  socket.on('error', () => undefined)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  socket.resetAndDestroy()
  const [response] = waiting
  const tick = setInterval(() => response?.write('x'.repeat(100_000)), 10)
  await expect.poll(() => response?.closed, NOTICED).toBe(true)
  clearInterval(tick)
  expect(answered).toEqual(['/wait undefined'])
  expect(await sendRaw(port, last)).toContain('</last>')
})

it('ends with the WebSockets while it waits', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(plain('/wait') + upgrade('/1'))
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  sockets.close()
  await once(socket, 'close')
  expect(received()).toBe('')
})

it('does not end with the WebSockets once the server has it', async () => {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(upgrade('/1') + upgrade('/wait'))
  await expect.poll(() => waiting.length, NOTICED).toBe(1)
  sockets.close()
  waiting[0]?.end('<kept>')
  await expect.poll(received, NOTICED).toMatch(/<kept>$/)
  socket.destroy()
})
