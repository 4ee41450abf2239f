import { once } from 'node:events'
import { createServer } from 'node:net'
import { PassThrough } from 'node:stream'
import { beforeEach, expect, it, vi } from 'vitest'
import { join } from '../../../src/node/sockets/tunnel.ts'
import { expectStill } from '../../support/backpressure.ts'
import { openSocket } from '../../support/raw-client.ts'
import { run } from '../../support/tcp-endpoint.ts'
import type { Server, Socket } from 'node:net'

let server: Server
let port: number
beforeEach(async () => {
  server = createServer({ allowHalfOpen: true })
  ;({ port } = await run(server))
})

/** Two ends of a connection. */
async function connectPair(): Promise<{ far: Socket; near: Socket }> {
  const accepted = once(server, 'connection') as Promise<[Socket]>
  const far = await openSocket(port)
  far.setTimeout(0).on('error', () => undefined)
  const [near] = await accepted
  return { far, near }
}

it('passes the last bytes of a side that ends, and ends a side that never does', async () => {
  const [client, upstream] = [await connectPair(), await connectPair()]
  join(client.near, upstream.near, 300)
  let told = ''
  upstream.far.allowHalfOpen = true
  upstream.far.on('data', (bytes) => (told += String(bytes)))
  client.far.end('last words')
  await expect.poll(() => told).toBe('last words')
  // The upstream has been told, and does not end by itself.
  await expect.poll(() => upstream.near.closed && client.near.closed).toBe(true)
  upstream.far.destroy()
})

it('gives the other side what was sent before a regular end', async () => {
  const [client, upstream] = [await connectPair(), await connectPair()]
  join(client.near, upstream.near)
  let told = 0
  client.far.on('data', (bytes: Buffer) => (told += bytes.byteLength))
  upstream.far.end(Buffer.alloc(4 * 1024 * 1024))
  await once(client.far, 'close')
  expect(told).toBe(4 * 1024 * 1024)
  await expect.poll(() => upstream.near.closed && client.near.closed).toBe(true)
})

it.each(['client', 'upstream'] as const)(
  'lets the %s wait for a peer that reads slowly, and loses nothing',
  async (side) => {
    const ends = { client: await connectPair(), upstream: await connectPair() }
    join(ends.client.near, ends.upstream.near)
    const sender = ends[side].far
    const reader = ends[side === 'client' ? 'upstream' : 'client'].far
    const all = 64 * 1024 * 1024
    sender.write(Buffer.alloc(all))
    const sent = (): number => sender.bytesWritten - sender.writableLength
    await expectStill(sent)
    // Without backpressure all of it would be on its way.
    expect(sent()).toBeLessThan(all / 2)
    reader.resume()
    await expect.poll(() => reader.bytesRead).toBe(all)
    sender.destroy()
  },
)

it('gives a slow reader all of what was sent before an end, also if the sender is gone', async () => {
  const [client, upstream] = [await connectPair(), await connectPair()]
  // As the connections to an upstream are.
  upstream.near.allowHalfOpen = false
  join(client.near, upstream.near)
  const all = 64 * 1024 * 1024
  upstream.far.end(Buffer.alloc(all))
  await expectStill(() => upstream.near.bytesRead)
  client.far.resume()
  await once(client.far, 'close')
  expect(client.far.bytesRead).toBe(all)
})

it('ends a side that does not end, also if the other has closed by itself, and leaves no timer', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] })
  const [client, upstream] = [await connectPair(), await connectPair()]
  upstream.near.allowHalfOpen = false
  client.far.allowHalfOpen = true
  const timers = vi.getTimerCount()
  join(client.near, upstream.near, 300)
  client.far.resume()
  upstream.far.end()
  await expect.poll(() => upstream.near.closed && client.far.readableEnded).toBe(true)
  expect(client.near.closed).toBe(false)
  vi.advanceTimersByTime(300)
  await expect.poll(() => client.near.closed).toBe(true)
  client.far.destroy()
  const next = [await connectPair(), await connectPair()] as const
  join(next[0].near, next[1].near)
  next[1].far.end()
  next[0].far.resume()
  await expect.poll(() => next.every(({ near }) => near.closed)).toBe(true)
  expect(vi.getTimerCount()).toBe(timers)
})

it.each([
  ['is closed before its end', false],
  ['breaks off after its end', true],
])('ends both at once if one side %s', async (_how, hasEnded) => {
  const [client, upstream] = [await connectPair(), await connectPair()]
  upstream.far.allowHalfOpen = true
  join(client.near, upstream.near, 60_000)
  if (hasEnded) client.far.end()
  await expect.poll(() => client.near.readableEnded).toBe(hasEnded)
  client.near.destroy(hasEnded ? new Error('reset') : undefined)
  await expect.poll(() => upstream.near.closed).toBe(true)
  upstream.far.destroy()
})

it('delays no small frame, finds a peer that vanished, and never ends a silent connection', async () => {
  const { near } = await connectPair()
  const socket = Object.assign(near, {
    setTimeout: vi.fn<Socket['setTimeout']>(),
    setNoDelay: vi.fn<Socket['setNoDelay']>(),
    setKeepAlive: vi.fn<Socket['setKeepAlive']>(),
  })
  // Some tools for TLS give a stream in place of a socket.
  join(new PassThrough(), socket)
  expect(socket.setTimeout).toHaveBeenCalledExactlyOnceWith(0)
  expect(socket.setNoDelay).toHaveBeenCalledExactlyOnceWith(true)
  expect(socket.setKeepAlive).toHaveBeenCalledExactlyOnceWith(true, 60_000)
})
