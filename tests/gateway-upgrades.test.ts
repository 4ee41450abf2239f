import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { head, openSocket } from './support/raw-client.ts'
import { fieldOf, startRawUpstream } from './support/raw-upstream.ts'
import { collect, GOOD, handshake, onHono, onSrvx } from './support/socket-gateway.ts'
import type { RawUpstream } from './support/raw-upstream.ts'
import type { SocketGateway } from './support/socket-gateway.ts'

/** An upgrade stays an ordinary request, unless it opens a WebSocket. */

const NOTICED = { timeout: 10_000 }

describe.each([
  ['the command', onSrvx],
  ['@hono/node-server', onHono],
])('behind the server of %s', (_name, start) => {
  let upstream: RawUpstream
  let gateway: SocketGateway
  const warnings: Error[] = []
  const keep = (warning: Error): void => void warnings.push(warning)
  beforeAll(async () => {
    process.on('warning', keep)
    upstream = await startRawUpstream()
    gateway = await start({ upstream: upstream.url })
  })
  afterAll(async () => {
    process.off('warning', keep)
    await gateway.close()
    await upstream.close()
  })

  const BODY = 'Content-Length: 5'
  it.each([
    [
      'h2c',
      head(
        'POST /h2c',
        'Host: a',
        GOOD,
        'Connection: Upgrade, HTTP2-Settings',
        'Upgrade: h2c',
        BODY,
      ),
    ],
    [
      'h2c in chunks',
      head(
        'PUT /h2c',
        'Host: a',
        GOOD,
        'Connection: upgrade',
        'Upgrade: h2c',
        'Transfer-Encoding: chunked',
      ),
    ],
    [
      'TLS/1.0',
      head('POST /h2c', 'Host: a', GOOD, 'Connection: Upgrade', 'Upgrade: TLS/1.0', BODY),
    ],
  ])('takes an upgrade to %s for an ordinary request, with its body', async (name, bytes) => {
    const before = upstream.callsFor('/h2c').length
    const body = name.includes('chunks') ? '5\r\nhello\r\n0\r\n\r\n' : 'hello'
    // All on one connection: nothing is left behind by the earlier ones. Since Node 26 a body ends its connection.
    const eachConnection = Number.parseInt(process.versions.node, 10) < 26 ? 12 : 1
    for (let sent = 0; sent < 12; sent += eachConnection) {
      const socket = await openSocket(gateway.port)
      const received = collect(socket)
      for (let count = 1; count <= eachConnection; count += 1) {
        socket.write(bytes + body)
        await expect.poll(() => received().match(/HTTP\/1\.1 200/g)?.length, NOTICED).toBe(count)
      }
      socket.destroy()
    }
    expect(warnings.map(({ message }) => message)).toEqual([])
    const calls = upstream.callsFor('/h2c').slice(before)
    expect(calls).toHaveLength(12)
    expect(calls.filter((call) => !call.content().includes('hello'))).toEqual([])
    expect(calls.filter((call) => fieldOf(call, 'upgrade') !== undefined)).toEqual([])
  })

  it('finds the body of an upgrade behind more headers than Node lists', async () => {
    const many = Array.from({ length: 1_500 }, () => 'a:')
    const smuggled = head('GET /smuggled', 'Host: a', GOOD)
    const length = `Content-Length: ${smuggled.length}`
    for (const upgrade of ['h2c', 'websocket']) {
      const fields = ['Host: a', GOOD, 'Connection: Upgrade', `Upgrade: ${upgrade}`]
      const socket = await openSocket(gateway.port)
      const received = collect(socket)
      // Without `Connection: close`, a body that was not found would be the next request.
      socket.write(head('GET /many', ...fields, ...many, length) + smuggled)
      await expect.poll(received, NOTICED).toMatch(/^HTTP/)
      await sleep(100)
      expect(received().match(/HTTP\/1\.1 [1-5]/g)).toHaveLength(1)
      socket.destroy()
    }
    expect(upstream.callsFor('/smuggled')).toEqual([])
  })

  it.each([
    ['a body', handshake('/no-handshake', GOOD, 'Content-Length: 4') + 'body'],
    [
      'the method POST',
      handshake('/no-handshake', GOOD, 'Content-Length: 0').replace('GET', 'POST'),
    ],
    ['HTTP/1.0', handshake('/no-handshake', GOOD).replace('HTTP/1.1', 'HTTP/1.0')],
    [
      'no Connection',
      handshake('/no-handshake', GOOD).replace('Connection: Upgrade', 'Connection: close'),
    ],
  ])('answers 501 to a WebSocket with %s', async (_, bytes) => {
    const socket = await openSocket(gateway.port)
    const received = collect(socket)
    socket.write(bytes)
    await expect.poll(received, NOTICED).toContain('upgrade_not_supported')
    expect(received()).toMatch(/^HTTP\/1\.1 501 /)
    expect(upstream.callsFor('/no-handshake')).toEqual([])
    socket.destroy()
  })
})
