import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import { PassThrough } from 'node:stream'
import { afterAll, beforeAll, beforeEach, expect, it, vi } from 'vitest'
import { refuseUpgrade } from '../../src/node/upgrade.ts'
import { close, listen } from '../support/loopback.ts'
import { head, sendRaw } from '../support/raw-client.ts'

const server = createServer()
let port: number
let response: Response
let closedMs: number | undefined

beforeAll(async () => {
  server.on('upgrade', (_incoming, socket) => void refuseUpgrade(socket, response, closedMs))
  port = await listen(server)
})
beforeEach(() => {
  closedMs = undefined
})
afterAll(() => close(server))

function upgrade(): Promise<string> {
  const fields = ['Host: h', 'Connection: Upgrade', 'Upgrade: websocket']
  return sendRaw(port, head('GET /', ...fields))
}

function countConnections(): Promise<number> {
  return new Promise((resolve, reject) => {
    server.getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

it('sends the whole response, which it frames itself, and closes the connection', async () => {
  const headers = new Headers({
    'www-authenticate': 'Bearer realm="é"',
    'content-length': '99',
    'transfer-encoding': 'chunked',
    connection: 'keep-alive',
  })
  headers.append('set-cookie', 'a=1')
  headers.append('set-cookie', 'b=2')
  response = new Response('né', { status: 401, headers })
  const received = await upgrade()
  expect(received.split('\r\n')).toEqual([
    'HTTP/1.1 401 Unauthorized',
    'content-type: text/plain;charset=UTF-8',
    'set-cookie: a=1',
    'set-cookie: b=2',
    'www-authenticate: Bearer realm="é"',
    'content-length: 3',
    'connection: close',
    '',
    Buffer.from('né').toString('latin1'),
  ])
})

it('sends no length with a 204 (RFC 9110 §8.6)', async () => {
  response = new Response(null, { status: 204 })
  const lines = ['HTTP/1.1 204 No Content', 'connection: close', '', '']
  expect((await upgrade()).split('\r\n')).toEqual(lines)
})

it('closes the connection when the body breaks off', async () => {
  const body = new ReadableStream({ pull: (controller) => controller.error(new Error('broken')) })
  response = new Response(body, { status: 401 })
  expect(await upgrade()).toBe('')
})

it('sends a status line for a status without a name', async () => {
  response = new Response('no', { status: 599 })
  expect((await upgrade()).split('\r\n')[0]).toBe('HTTP/1.1 599 ')
})

it('does not read the body for a closed socket', async () => {
  const socket = new PassThrough().destroy()
  const unread = new Response('no', { status: 401 })
  await refuseUpgrade(socket, unread)
  expect(unread.bodyUsed).toBe(false)
})

it('clears the time limit when the socket closes', async () => {
  const begin = vi.spyOn(globalThis, 'setTimeout')
  const end = vi.spyOn(globalThis, 'clearTimeout')
  const socket = new PassThrough().resume()
  await refuseUpgrade(socket, new Response('no', { status: 401 }), 60_000)
  if (!socket.closed) await once(socket, 'close')
  const begun = begin.mock.calls.findIndex(([, afterMs]) => afterMs === 60_000)
  expect(begun).not.toBe(-1)
  expect(end.mock.calls.flat()).toContain(begin.mock.results[begun]?.value)
})

it('closes the connection after ten seconds by default', () => {
  vi.useFakeTimers()
  const socket = new PassThrough()
  void refuseUpgrade(socket, new Response(new ReadableStream(), { status: 401 }))
  vi.advanceTimersByTime(9_999)
  expect(socket.destroyed).toBe(false)
  vi.advanceTimersByTime(1)
  expect(socket.destroyed).toBe(true)
})

it('does not wait for a client that keeps its half open', async () => {
  response = new Response('no', { status: 401 })
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  socket.resume().write(head('GET /', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket'))
  await once(socket, 'end')
  await vi.waitFor(async () => expect(await countConnections()).toBe(0), 10_000)
  socket.destroy()
})

it.each([
  ['a body that does not end', () => new ReadableStream()],
  ['a client that reads nothing of a long one', () => 'x'.repeat(20_000_000)],
])('does not hold the connection for %s', async (_name, createBody) => {
  response = new Response(createBody(), { status: 401 })
  closedMs = 200
  const socket = connect({ port, host: '127.0.0.1' }).on('error', () => undefined)
  socket.pause()
  socket.write(head('GET /', 'Host: h', 'Connection: Upgrade', 'Upgrade: websocket'))
  await vi.waitFor(async () => expect(await countConnections()).toBe(1), 10_000)
  await vi.waitFor(async () => expect(await countConnections()).toBe(0), 5000)
  socket.destroy()
})
