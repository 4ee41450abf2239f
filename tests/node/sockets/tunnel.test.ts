import { once } from 'node:events'
import { createServer } from 'node:net'
import { beforeEach, expect, it } from 'vitest'
import { join } from '../../../src/node/sockets/tunnel.ts'
import { expectStill } from '../../support/backpressure.ts'
import { openSocket } from '../../support/raw-client.ts'
import { run } from '../../support/tcp-endpoint.ts'
import type { Server, Socket } from 'node:net'

const NOTICED = { timeout: 10_000 }

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
  await expect.poll(() => told, NOTICED).toBe('last words')
  // The upstream has been told, and does not end by itself.
  await expect.poll(() => upstream.near.closed && client.near.closed, NOTICED).toBe(true)
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
  await expect.poll(() => upstream.near.closed && client.near.closed, NOTICED).toBe(true)
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
    await expect.poll(() => reader.bytesRead, NOTICED).toBe(all)
    sender.destroy()
  },
)
