import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { trackConnections } from '../../src/cli/serving/connections.ts'
import { close, listen } from '../support/loopback.ts'
import { head, openSocket } from '../support/raw-client.ts'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LINGER_MS = 80

let server: Server
let port: number
let endIdle: () => void
let answers: ServerResponse[]
let closed: Promise<unknown>
beforeEach(async () => {
  answers = []
  server = createServer((_, response) => void answers.push(response))
  server.keepAliveTimeout = 60_000
  endIdle = trackConnections(server, LINGER_MS, 500)
  port = await listen(server)
  closed = once(server, 'close')
})
afterEach(() => close(server))

/** Opens a connection, sends the bytes and collects the answer. */
async function open(bytes: string): Promise<{ socket: Socket; received: () => string }> {
  const accepted = once(server, 'connection')
  const socket = await openSocket(port)
  await accepted
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(bytes)
  return { socket, received: () => received }
}

function drain(): void {
  endIdle()
  server.close()
}

const GET = head('GET /', 'Host: a')

describe('while the server closes', () => {
  it('closes a connection without a request', async () => {
    const { socket } = await open('')
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('finishes an open request, then closes its connection', async () => {
    const { socket, received } = await open(GET)
    await expect.poll(() => answers.length).toBe(1)
    drain()
    await new Promise((resolve) => setTimeout(resolve, 150))
    expect(socket.closed).toBe(false)
    answers[0]?.end('late')
    await closed
    await expect.poll(received).toContain('late')
    await expect.poll(() => socket.closed).toBe(true)
  })

  it.each([
    ['half a head', 'GET / HT'],
    ['an empty line', '\r\n'],
  ])('does not wait long for %s', async (_, bytes) => {
    const { socket } = await open(bytes)
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('does not wait for the rest of a request that has its response', async () => {
    const { socket } = await open(head('POST /', 'Host: a', 'Content-Length: 100'))
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('waits for the rest of a request head', async () => {
    const { socket, received } = await open(GET.slice(0, -2))
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
    drain()
    await new Promise((resolve) => setTimeout(resolve, 150))
    socket.write('\r\n')
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('whole')
    await closed
    await expect.poll(received).toContain('whole')
  })
})

describe('a response before the end of the request', () => {
  const UPLOAD = head('POST /', 'Host: a', 'Content-Length: 1000')

  it('closes the connection of a client that keeps sending slowly', async () => {
    const { socket, received } = await open(UPLOAD)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    const drip = setInterval(() => socket.write('x'), 20)
    await expect.poll(received).toContain('early')
    await expect.poll(() => socket.closed).toBe(true)
    clearInterval(drip)
    await close(server)
  })

  it('keeps the connection of a client that soon sends the rest', async () => {
    const { socket, received } = await open(UPLOAD)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    socket.write('x'.repeat(1000))
    await new Promise((resolve) => setTimeout(resolve, 3 * LINGER_MS))
    socket.write(GET)
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.end('second')
    await expect.poll(received).toContain('second')
    socket.destroy()
  })
})

it('forgets a closed connection', async () => {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const { socket: ended } = await open('')
  const [tracked] = await accepted
  ended.destroy()
  await expect.poll(() => tracked.closed).toBe(true)
  const destroy = vi.spyOn(tracked, 'destroy')
  const { socket } = await open('')
  drain()
  await closed
  expect(destroy).not.toHaveBeenCalled()
  socket.destroy()
})

it('does nothing on runtimes with another server', () => {
  expect(() => trackConnections(undefined)()).not.toThrow()
})
