import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { trackConnections } from '../../src/cli/serve.ts'
import { close, listen } from '../support/loopback.ts'
import { head, openSocket } from '../support/raw-client.ts'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LINGER_MS = 200

let server: Server
let port: number
let endIdle: () => void
let answers: ServerResponse[]
let closed: Promise<unknown>
beforeEach(async () => {
  answers = []
  server = createServer((_, response) => void answers.push(response))
  server.keepAliveTimeout = 60_000
  endIdle = trackConnections(server, LINGER_MS, 1000)
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

describe('while a server closes', () => {
  it('a connection on which nothing was asked is ended', async () => {
    const { socket } = await open('')
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('a request that is under way is answered, and its connection ends then', async () => {
    const { socket, received } = await open(GET)
    await expect.poll(() => answers.length).toBe(1)
    drain()
    await new Promise((resolve) => setTimeout(resolve, 300))
    expect(socket.closed).toBe(false)
    answers[0]?.end('late')
    await closed
    await expect.poll(received).toContain('late')
    await expect.poll(() => socket.closed).toBe(true)
  })

  it.each([
    ['half a head', 'GET / HT'],
    ['an empty line', '\r\n'],
  ])('%s is not waited for any longer than a moment', async (_, bytes) => {
    const { socket } = await open(bytes)
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('the rest of a request that has its answer is not waited for', async () => {
    const { socket } = await open(head('POST /', 'Host: a', 'Content-Length: 100'))
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    drain()
    await closed
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('half a request is waited for', async () => {
    const { socket, received } = await open(GET.slice(0, -2))
    await expect.poll(() => socket.bytesWritten).toBeGreaterThan(0)
    drain()
    await new Promise((resolve) => setTimeout(resolve, 300))
    socket.write('\r\n')
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('whole')
    await closed
    await expect.poll(received).toContain('whole')
  })
})

describe('an answer before the whole request', () => {
  const UPLOAD = head('POST /', 'Host: a', 'Content-Length: 1000')

  it('ends the connection of a client that goes on sending slowly', async () => {
    const { socket, received } = await open(UPLOAD)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    const drip = setInterval(() => socket.write('x'), 20)
    await expect.poll(received).toContain('early')
    await expect.poll(() => socket.closed).toBe(true)
    clearInterval(drip)
    await close(server)
  })

  it('leaves a client its connection that sends the rest soon', async () => {
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

it('forgets a connection that has ended', async () => {
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

it('leaves connections alone until then', async () => {
  const { socket } = await open('')
  await new Promise((resolve) => setTimeout(resolve, 300))
  expect(socket.closed).toBe(false)
  socket.destroy()
})

it('does nothing where the runtime has another server', () => {
  expect(() => trackConnections(undefined)()).not.toThrow()
})
