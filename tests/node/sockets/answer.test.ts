import { createServer } from 'node:http'
import { connect } from 'node:net'
import { beforeEach, expect, it, vi } from 'vitest'
import { answerHandshake } from '../../../src/node/sockets/answer.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { run } from '../../support/tcp-endpoint.ts'
import type { Socket } from 'node:net'

const STALLED_MS = 1000
const LONG = 'x'.repeat(20_000_000)
const HANDSHAKE = head('GET /', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket')

let port: number
let near: Socket | undefined
let body: ReadableStream | string
beforeEach(async () => {
  body = LONG
  const server = createServer().on('upgrade', (incoming, socket: Socket) => {
    // As `passWebSockets` does.
    near = socket.on('error', () => socket.destroy())
    void answerHandshake(incoming, socket, new Response(body, { status: 403 }), STALLED_MS)
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
