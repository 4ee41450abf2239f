import { once } from 'node:events'
import { createServer, IncomingMessage } from 'node:http'
import { connect, Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, it, vi } from 'vitest'
import { answerHandshake } from '../../../src/node/sockets/answer.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { collect } from '../../support/socket-gateway.ts'
import { run } from '../../support/tcp-endpoint.ts'

const STALLED_MS = 1000
const LONG = 'x'.repeat(20_000_000)
const HANDSHAKE = head('GET /', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket')

let port: number
let near: Socket | undefined
let body: ReadableStream | string | null
let headers: Record<string, string>
beforeEach(async () => {
  body = LONG
  headers = {}
  const server = createServer().on('upgrade', (incoming, socket: Socket) => {
    // As `passWebSockets` does.
    near = socket.on('error', () => socket.destroy())
    void answerHandshake(incoming, socket, new Response(body, { status: 403, headers }), STALLED_MS)
  })
  near = undefined
  ;({ port } = await run(server))
})

it('closes the connection of a client that reads nothing, even if it goes on sending', async () => {
  const socket = connect(port, '127.0.0.1').on('error', () => undefined)
  socket.pause().write(HANDSHAKE)
  const sending = setInterval(() => socket.write('x'), STALLED_MS / 10)
  await expect.poll(() => near?.destroyed, { timeout: 10_000 }).toBe(true)
  clearInterval(sending)
  socket.destroy()
})

it('gives a client that reads slowly all of the answer', async () => {
  const socket = connect(port, '127.0.0.1')
  socket.write(HANDSHAKE)
  let received = 0
  for await (const bytes of socket) {
    const before = received
    received += (bytes as Buffer).byteLength
    // In all it takes several times as long as a client may read nothing.
    const isPause = Math.floor(received / 2_000_000) > Math.floor(before / 2_000_000)
    if (isPause) await new Promise((resolve) => setTimeout(resolve, STALLED_MS / 4))
  }
  expect(received).toBeGreaterThan(LONG.length)
})

it('cancels a silent body when the client leaves', async () => {
  const cancel = vi.fn()
  body = new ReadableStream({ cancel })
  const socket = connect(port, '127.0.0.1')
  socket.write(HANDSHAKE)
  await expect.poll(() => near).toBeDefined()
  socket.destroy()
  await expect.poll(() => cancel.mock.calls.length, { timeout: 10_000 }).toBe(1)
})

it('breaks off where a body has something else than bytes', async () => {
  body = new ReadableStream({
    start: (controller) => {
      controller.enqueue('text')
      controller.close()
    },
  })
  expect(await sendRaw(port, HANDSHAKE)).not.toContain('\r\n0\r\n')
})

it('ends a body that never gives a byte', async () => {
  const pull = async (controller: ReadableStreamDefaultController): Promise<void> => {
    await sleep(STALLED_MS / 10)
    controller.enqueue(new Uint8Array(0))
  }
  body = new ReadableStream({ pull })
  expect(await sendRaw(port, HANDSHAKE)).not.toContain('\r\n0\r\n')
})

it('frames an answer without a body itself, whatever its headers say', async () => {
  body = null
  headers = {
    connection: 'keep-alive',
    'keep-alive': 'timeout=5',
    'transfer-encoding': 'gzip',
    upgrade: 'h2c',
    'x-a': '1',
  }
  const lines = (await sendRaw(port, HANDSHAKE)).split('\r\n')
  const framing = ['Connection: close', 'Transfer-Encoding: chunked', '', '0', '', '']
  expect(lines.filter((line) => !line.startsWith('Date: '))).toEqual([
    'HTTP/1.1 403 Forbidden',
    'x-a: 1',
    ...framing,
  ])
})

it('closes the connection without an answer that Node cannot send', async () => {
  headers = { 'x-a': 'a\u0001b' }
  expect(await sendRaw(port, HANDSHAKE)).toBe('')
})

it('closes the connection of a client that goes on sending after its answer', async () => {
  body = 'short'
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const received = collect(socket)
  socket.write(HANDSHAKE)
  await once(socket.resume(), 'end')
  expect(received()).toContain('short')
  expect(near?.destroyed).toBe(false)
  const sending = setInterval(() => socket.write('x'), STALLED_MS / 10)
  await expect.poll(() => near?.destroyed, { timeout: 10_000 }).toBe(true)
  clearInterval(sending)
  socket.destroy()
})

it.each([
  ['cannot be cancelled', () => Promise.reject(new Error('no'))],
  ['is cancelled', () => undefined],
])('a body that %s is given up if the client has left already', async (_how, cancelled) => {
  const socket = new Socket()
  socket.destroy()
  const cancel = vi.fn(cancelled)
  for (const given of [new ReadableStream({ cancel }), null]) {
    const incoming = new IncomingMessage(socket)
    await answerHandshake(incoming, socket, new Response(given, { status: 403 }))
  }
  expect(cancel).toHaveBeenCalledOnce()
})
