import { once } from 'node:events'
import { createServer } from 'node:http'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { trackConnections } from '../../src/cli/serving/connections.ts'
import { passWebSockets } from '../../src/node.ts'
import { close, listen } from '../support/loopback.ts'
import { head, openSocket } from '../support/raw-client.ts'
import type { Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'

const LINGER_MS = 5000
const HEAD_MS = 2000

let server: Server
let port: number
let endIdle: () => void
let answers: ServerResponse[]
let hasClosed: boolean
beforeEach(async () => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval', 'setTimeout', 'performance'] })
  answers = []
  server = createServer((_, response) => void answers.push(response))
  server.keepAliveTimeout = 60_000
  endIdle = trackConnections(server)
  port = await listen(server)
  hasClosed = false
  server.once('close', () => (hasClosed = true))
})
afterEach(async () => {
  vi.useRealTimers()
  await close(server)
})

/** Opens a connection, sends the bytes and collects the answer. `accepted` is its end at the server. */
async function open(bytes: string) {
  const accepting = once(server, 'connection') as Promise<[Socket]>
  const socket = await openSocket(port)
  const [accepted] = await accepting
  let received = ''
  socket.on('data', (chunk) => (received += chunk.toString()))
  socket.on('error', () => undefined)
  socket.write(bytes)
  return { socket, accepted, received: () => received }
}

function drain(): void {
  endIdle()
  server.close()
}

/** Lets the time for the rest of a head pass, after which the server must close at its next look. */
async function closedSoon(): Promise<void> {
  vi.advanceTimersByTime(HEAD_MS)
  const closing = async (): Promise<boolean> => {
    vi.advanceTimersByTime(100)
    return hasClosed
  }
  await expect.poll(closing, { interval: 1, timeout: 5000 }).toBe(true)
}

const GET = head('GET /', 'Host: a')

describe('while the server closes', () => {
  it('closes a connection without a request', async () => {
    const { socket } = await open('')
    const closed = once(socket, 'close')
    drain()
    vi.advanceTimersByTime(100)
    await closed
    await closedSoon()
    await expect.poll(() => vi.getTimerCount()).toBe(0)
  })

  it('finishes an open request, however long it takes, then closes its connection', async () => {
    const { socket, accepted, received } = await open(GET)
    await expect.poll(() => answers.length).toBe(1)
    drain()
    vi.advanceTimersByTime(10 * HEAD_MS)
    expect(accepted.destroyed).toBe(false)
    answers[0]?.end('late')
    await closedSoon()
    await expect.poll(received).toContain('late')
    await expect.poll(() => socket.closed).toBe(true)
    await expect.poll(() => vi.getTimerCount()).toBe(0)
  })

  it('finishes each request in front of an upgrade that waits for them', async () => {
    passWebSockets(server, () => new Response())
    endIdle = trackConnections(server)
    const { accepted, received } = await open(
      GET + GET + head('GET /', 'Host: a', 'Connection: upgrade', 'Upgrade: h2c'),
    )
    await expect.poll(() => answers.length).toBe(2)
    drain()
    answers[0]?.end('<1>')
    vi.advanceTimersByTime(2 * HEAD_MS)
    expect(accepted.destroyed).toBe(false)
    answers[1]?.end('<2>')
    await expect.poll(() => answers.length).toBe(3)
    answers[2]?.end('<3>')
    await closedSoon()
    await expect.poll(received).toMatch(/<1>[^]*<2>[^]*<3>/)
  })

  it('leaves a WebSocket open', async () => {
    server.on('upgrade', (_, socket) => socket.write('HTTP/1.1 101 Switching Protocols\r\n\r\n'))
    endIdle = trackConnections(server)
    const { socket, accepted, received } = await open(
      head('GET /', 'Host: a', 'Connection: upgrade', 'Upgrade: websocket'),
    )
    await expect.poll(received).toContain(' 101 ')
    drain()
    vi.advanceTimersByTime(10 * HEAD_MS)
    expect(accepted.destroyed).toBe(false)
    socket.destroy()
  })

  it.each([
    ['half a head', 'GET / HT'],
    ['an empty line', '\r\n'],
  ])('does not wait long for %s', async (_, bytes) => {
    const { socket, accepted } = await open(bytes)
    await expect.poll(() => accepted.bytesRead).toBeGreaterThan(0)
    const closed = once(socket, 'close')
    drain()
    vi.advanceTimersByTime(HEAD_MS)
    await closed
    expect(socket.closed).toBe(true)
  })

  it('does not wait long for the second request of a connection', async () => {
    const { socket, accepted, received } = await open(GET)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('first')
    await expect.poll(received).toContain('first')
    socket.write('GET / HT')
    await expect.poll(() => accepted.bytesRead).toBeGreaterThan(GET.length)
    await expect.poll(() => server.listening && socket.writableLength).toBe(0)
    drain()
    await closedSoon()
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('does not wait for the rest of a request that has its response', async () => {
    const { socket } = await open(head('POST /', 'Host: a', 'Content-Length: 100'))
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    drain()
    await closedSoon()
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('waits for the rest of a request head', async () => {
    const { socket, accepted, received } = await open(GET.slice(0, -2))
    await expect.poll(() => accepted.bytesRead).toBeGreaterThan(0)
    drain()
    vi.advanceTimersByTime(HEAD_MS - 100)
    expect(accepted.destroyed).toBe(false)
    socket.write('\r\n')
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('whole')
    await closedSoon()
    await expect.poll(received).toContain('whole')
  })
})

describe('a response before the end of the request', () => {
  const UPLOAD = head('POST /', 'Host: a', 'Content-Length: 1000')

  it('closes the connection of a client that keeps sending slowly', async () => {
    const { socket, accepted, received } = await open(UPLOAD)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    await expect.poll(received).toContain('early')
    for (let passed = 0; passed < LINGER_MS; passed += 500) {
      expect(accepted.destroyed).toBe(false)
      socket.write('x')
      vi.advanceTimersByTime(500)
    }
    await expect.poll(() => socket.closed).toBe(true)
  })

  it('keeps the connection of a client that soon sends the rest', async () => {
    const { socket, accepted, received } = await open(UPLOAD)
    await expect.poll(() => answers.length).toBe(1)
    answers[0]?.end('early')
    socket.write('x'.repeat(1000))
    await expect.poll(() => accepted.bytesRead).toBe(UPLOAD.length + 1000)
    vi.advanceTimersByTime(3 * LINGER_MS)
    socket.write(GET)
    await expect.poll(() => answers.length).toBe(2)
    answers[1]?.end('second')
    await expect.poll(received).toContain('second')
    socket.destroy()
  })
})

it('forgets a closed connection', async () => {
  const { socket: ended, accepted: tracked } = await open('')
  ended.destroy()
  await expect.poll(() => tracked.closed).toBe(true)
  const destroy = vi.spyOn(tracked, 'destroy')
  const { socket } = await open('')
  drain()
  await closedSoon()
  expect(destroy).not.toHaveBeenCalled()
  socket.destroy()
})

it('does nothing on runtimes with another server', () => {
  expect(() => trackConnections(undefined)()).not.toThrow()
})
