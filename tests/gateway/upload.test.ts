import http from 'node:http'
import { createServer } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, expect, it, vi } from 'vitest'
import { sendBody } from '../../src/gateway/upload.ts'
import { expectStill } from '../support/backpressure.ts'
import { run } from '../support/tcp-endpoint.ts'
import type { ClientRequest } from 'node:http'
import type { Server, Socket } from 'node:net'

let server: Server
let port: number
let received: string
let sockets: ReadonlySet<Socket>
beforeEach(async () => {
  received = ''
  server = createServer((socket) => {
    socket.on('data', (chunk) => (received += chunk.toString()))
  })
  ;({ port, sockets } = await run(server))
})

/** A request, and its errors. */
function open(...fields: readonly string[]): { request: ClientRequest; failures: string[] } {
  const failures: string[] = []
  const options = { host: '127.0.0.1', port, method: 'POST', agent: false, headers: fields }
  const request = http.request(options)
  request.on('error', (error: NodeJS.ErrnoException) =>
    failures.push(`${error.code}: ${error.message}`),
  )
  return { request, failures }
}

function writable() {
  const seen = { cancelled: false }
  let controller: ReadableStreamDefaultController<Uint8Array> | undefined
  const body = new ReadableStream<Uint8Array>({
    start: (given) => void (controller = given),
    cancel: () => void (seen.cancelled = true),
  })
  const write = (text: string): void => controller?.enqueue(new TextEncoder().encode(text))
  return { body, seen, write, end: () => controller?.close(), fail: () => controller?.error('x') }
}

it.each([
  ['more bytes', 'abc', 'BODY_TOO_LONG: The body is longer than Content-Length'],
  ['fewer bytes', 'a', 'BODY_TOO_SHORT: The body is shorter than Content-Length'],
])(
  'a body with %s than its length fails, and the surplus is not sent (request smuggling)',
  async (_, text, message) => {
    const { request, failures } = open('content-length', '2')
    await sendBody(new Blob([text]).stream(), request, '2')
    await expect.poll(() => failures).toEqual([message])
    await expect.poll(() => sockets.size).toBe(0)
    expect(received).not.toContain('abc')
  },
)

it('a body that breaks off fails the request, and has no end', async () => {
  const { request, failures } = open('transfer-encoding', 'chunked')
  const { body, write, fail } = writable()
  const sending = sendBody(body, request, null)
  write('part')
  await expect.poll(() => received).toContain('part')
  fail()
  await sending
  await expect.poll(() => failures).toEqual(['undefined: The body broke off'])
  expect(received).not.toMatch(/0\r\n\r\n$/)
})

it('reads the body for a while after the request ends, and then cancels it', async () => {
  const { request } = open('transfer-encoding', 'chunked')
  const { body, seen, write } = writable()
  const sending = sendBody(body, request, null, 200)
  write('sent')
  await expect.poll(() => received).toContain('sent')
  request.destroy()
  write('thrown away')
  await sleep(50)
  expect(seen.cancelled).toBe(false)
  await sending
  expect(seen.cancelled).toBe(true)
  expect(received).not.toContain('thrown away')
})

it('sends a long body whole to an upstream that pauses, and leaves no listener behind', async () => {
  server.on('connection', (socket) => {
    socket.pause()
    setTimeout(() => socket.resume(), 100)
  })
  const { request } = open('transfer-encoding', 'chunked')
  const before = request.listenerCount('close')
  await sendBody(new Blob(['x'.repeat(4_000_000)]).stream(), request, null)
  expect(request.listenerCount('close')).toBe(before)
  await expect.poll(() => received.replaceAll(/[^x]/g, '').length).toBe(4_000_000)
})

it('reads a body no faster than the upstream does', async () => {
  server.on('connection', (socket) => socket.pause())
  const { request } = open('transfer-encoding', 'chunked')
  const chunk = new Uint8Array(1_000_000)
  let count = 0
  const body = new ReadableStream<Uint8Array>({
    pull: (controller) => {
      count += 1
      if (count < 100) controller.enqueue(chunk)
      else controller.close()
    },
  })
  const sending = sendBody(body, request, null, 0)
  await expectStill(() => count)
  expect(count).toBeGreaterThan(0)
  expect(count).toBeLessThan(50)
  request.destroy()
  await sending
})

it('waits no longer for the end of a request whose body was sent', async () => {
  const timers = vi.spyOn(globalThis, 'setTimeout')
  const { request } = open('content-length', '2')
  await sendBody(new Blob(['ab']).stream(), request, '2', 12_345)
  const closed = new Promise((resolve) => request.once('close', resolve))
  request.destroy()
  await closed
  expect(timers).not.toHaveBeenCalledWith(expect.anything(), 12_345)
})

it('does not cancel a body that ends within that time', async () => {
  const { request } = open('transfer-encoding', 'chunked')
  const { body, seen, write, end } = writable()
  const sending = sendBody(body, request, null)
  request.destroy()
  write('rest')
  end()
  await sending
  expect(seen.cancelled).toBe(false)
})

it('a string in the body fails the request: its length is not in bytes (request smuggling)', async () => {
  const { request, failures } = open('content-length', '3')
  const texts = new ReadableStream({
    start: (controller) => controller.enqueue('abcGET / HTTP/1.1'),
  })
  await sendBody(texts, request, '3')
  await expect.poll(() => failures).toEqual(['NO_BYTES: The body does not consist of bytes'])
  expect(received).not.toContain('abc')
})
