import { once } from 'node:events'
import http from 'node:http'
import https from 'node:https'
import { connect } from 'node:tls'
import { afterEach, beforeEach, expect, it, vi } from 'vitest'
import { createGateway } from '../../../src/gateway.ts'
import { withAuth } from '../../../src/index.ts'
import { passWebSockets } from '../../../src/node.ts'
import { openSocket, sendRaw } from '../../support/raw-client.ts'
import { startRawUpstream } from '../../support/raw-upstream.ts'
import { SELF_SIGNED } from '../../support/self-signed-certificate.ts'
import { accept, acceptEcho, collect, GOOD, handshake } from '../../support/socket-gateway.ts'
import { run } from '../../support/tcp-endpoint.ts'
import type { RawUpstream } from '../../support/raw-upstream.ts'
import type { PassedWebSockets, WebSocketHandler } from '../../../src/node.ts'

/** Handlers between a client that asks for a WebSocket, and its upstream. */

let upstream: RawUpstream
let gateway: WebSocketHandler
let sockets: PassedWebSockets
beforeEach(async () => {
  upstream = await startRawUpstream()
  gateway = withAuth(createGateway({ upstream: upstream.url }), {
    verifier: () => ({ outcome: 'allow' }),
  })
})
afterEach(() => upstream.close())

async function serve(handler: WebSocketHandler): Promise<number> {
  const server = http.createServer()
  sockets = passWebSockets(server, handler)
  return (await run(server)).port
}

/** Sends a handshake, and collects the answer. */
async function open(port: number, path: string) {
  const socket = await openSocket(port)
  const received = collect(socket)
  socket.write(handshake(path, GOOD))
  await expect.poll(() => upstream.callsFor(path).length).toBe(1)
  return { socket, received, far: upstream.callsFor(path)[0]?.socket }
}

it('a handler that throws is answered with 500', async () => {
  const port = await serve(() => {
    throw new Error('hunter2')
  })
  const answer = await sendRaw(port, handshake('/', GOOD))
  expect(answer).toMatch(/^HTTP\/1\.1 500 Internal Server Error\r\n/)
  expect(answer).not.toContain('hunter2')
})

it('a handler sees the address of the client, and the request of Node', async () => {
  const handler = vi.fn<WebSocketHandler>(() => new Response(null, { status: 403 }))
  await sendRaw(await serve(handler), handshake('/a?b=c', GOOD))
  const [request, incoming] = handler.mock.calls[0] ?? []
  expect(request?.url).toBe('http://api.test/a?b=c')
  expect(request).toMatchObject({ ip: '127.0.0.1', runtime: { node: { req: incoming } } })
})

it('a handler sees https over TLS', async () => {
  const { key, cert } = SELF_SIGNED
  const server = https.createServer({ key, cert })
  const handler = vi.fn<WebSocketHandler>(() => new Response(null, { status: 403 }))
  passWebSockets(server, handler)
  const { port } = await run(server)
  const socket = connect({ port, ca: cert, checkServerIdentity: () => undefined })
  socket.write(handshake('/', GOOD))
  await once(socket.resume(), 'close')
  expect(handler.mock.calls[0]?.[0].url).toBe('https://api.test/')
})

it('an error of the connection ends it while the handler runs', async () => {
  const port = await serve((_request, { socket }) => {
    socket.emit('error', new Error('reset'))
    return new Response(null, { status: 403 })
  })
  expect(await sendRaw(port, handshake('/', GOOD))).toBe('')
})

it('a response in place of the 101 of the upstream is sent, and ends the upstream', async () => {
  upstream.plan('/other', acceptEcho)
  const port = await serve(async (...args) => {
    await gateway(...args)
    return new Response(null, { status: 503 })
  })
  const { received, far } = await open(port, '/other')
  await expect.poll(received).toMatch(/^HTTP\/1\.1 503 /)
  await expect.poll(() => far?.closed).toBe(true)
})

it('an upstream that leaves before the handler returns is answered with 502', async () => {
  upstream.plan('/left', (call) => accept(call))
  const port = await serve(async (...args) => {
    const response = await gateway(...args)
    upstream.callsFor('/left')[0]?.socket.resetAndDestroy()
    await new Promise((resolve) => setTimeout(resolve, 100))
    // A timer that is late runs before the sockets are read.
    await new Promise((resolve) => setImmediate(resolve))
    return response
  })
  const { received } = await open(port, '/left')
  await expect.poll(received).toMatch(/^HTTP\/1\.1 502 /)
})

it('the headers of the upstream keep their bytes', async () => {
  upstream.plan('/latin', (call) => accept(call, ['X-Name: Ren\xe9']))
  const { socket, received } = await open(await serve(gateway), '/latin')
  await expect.poll(received).toContain('x-name: Ren\xe9\r\n')
  socket.destroy()
})

it.each([
  ['client', 'end'],
  ['client', 'resetAndDestroy'],
  ['server', 'close'],
] as const)('the upstream is left before its answer by %s: %s', async (who, how) => {
  upstream.plan('/silent', () => undefined)
  const { socket, far } = await open(await serve(gateway), '/silent')
  socket.allowHalfOpen = true
  if (who === 'client') socket[how]()
  else sockets[how]()
  await expect.poll(() => far?.closed).toBe(true)
  socket.destroy()
})

it('a client that has ended its side gets the last bytes of the upstream', async () => {
  upstream.plan('/last', (call) => accept(call))
  const { socket, received, far } = await open(await serve(gateway), '/last')
  await expect.poll(received).toMatch(/^HTTP\/1\.1 101 /)
  if (far !== undefined) far.allowHalfOpen = true
  far?.once('end', () => setTimeout(() => far.end('last words'), 100))
  socket.allowHalfOpen = true
  socket.end()
  await expect.poll(received).toMatch(/last words$/)
})
