import http from 'node:http'
import { Socket } from 'node:net'
import { afterEach, beforeEach, expect, it } from 'vitest'
import { listen } from '../../../src/cli/serving/serve.ts'
import { createHandler } from '../../../src/gateway/handler.ts'
import { resolveGateway } from '../../../src/gateway/options.ts'
import { withAuth } from '../../../src/index.ts'
import { createConnections } from '../../../src/node/sockets/direct.ts'
import { expectStill, flood } from '../../support/backpressure.ts'
import { GOOD } from '../../support/gateway-behaviour.ts'
import { findFreePort } from '../../support/loopback.ts'
import { head, openSocket, sendRaw } from '../../support/raw-client.ts'
import { startRawUpstream } from '../../support/raw-upstream.ts'
import type { GatewayFailure } from '../../../src/gateway.ts'
import type { RawUpstream } from '../../support/raw-upstream.ts'

/** From the socket of the client to that of the upstream. tests/gateway-sockets.test.ts has what it shares with other servers. */

let upstream: RawUpstream
let failures: GatewayFailure[]
let closings: (() => Promise<void>)[]
beforeEach(async () => {
  upstream = await startRawUpstream()
  failures = []
  closings = [upstream.close]
})
afterEach(async () => {
  for (const end of closings.toReversed()) await end()
})

/** Serves a gateway as the command does. */
async function serve(see: (incoming: unknown) => void = () => undefined, url = upstream.url) {
  const connections = createConnections()
  const gateway = createHandler(
    resolveGateway({
      upstream: url,
      onFailure: (failure: GatewayFailure) => void failures.push(failure),
    }),
    (request) => {
      const connection = connections(request)
      see(connection?.incoming)
      return connection
    },
  )
  const handler = withAuth(gateway, { verifier: () => ({ outcome: 'allow' }) })
  const serving = await listen(handler, { host: '127.0.0.1', port: 0 })
  closings.push(() => serving.close('now'))
  return Number(new URL(serving.url).port)
}

it('finds the connection of a request by its server, and of no other request', () => {
  const req = new http.IncomingMessage(new Socket())
  const res = new http.ServerResponse(req)
  const find = createConnections()
  const incomingOf = (runtime?: unknown) =>
    find(Object.assign(new Request('http://a.test'), { runtime }))?.incoming
  expect(incomingOf({ node: { req, res } })).toBe(req)
  for (const node of [undefined, {}, { req }, { res }, { req: {}, res }, { req, res: {} }]) {
    expect(incomingOf({ node })).toBeUndefined()
  }
})

it('says why an upstream cannot be reached', async () => {
  const port = await serve(undefined, `http://127.0.0.1:${await findFreePort()}`)
  const response = await sendRaw(port, head('GET /', ...GOOD, 'Connection: close'))
  expect(response).toMatch(/^HTTP\/1\.1 502 /)
  expect(failures).toMatchObject([{ code: 'upstream_unreachable', cause: 'ECONNREFUSED' }])
})

it('leaves no listener on a connection with many requests', async () => {
  const counts: number[] = []
  const port = await serve((incoming) => {
    if (incoming instanceof http.IncomingMessage)
      counts.push(incoming.socket.listenerCount('close'))
  })
  const socket = await openSocket(port)
  socket.resume()
  for (let count = 1; count <= 4; count += 1) {
    socket.write(head('GET /', ...GOOD))
    await expect.poll(() => upstream.calls.length).toBe(count)
    await new Promise((resolve) => setTimeout(resolve, 20))
  }
  socket.destroy()
  expect(counts).toHaveLength(4)
  expect(counts[3]).toBe(counts[0])
})

it('goes on after a client and an upstream that paused', async () => {
  upstream.plan('/flood', ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\n\r\n')
    flood(socket)
  })
  upstream.plan('/sink', ({ socket }) => socket.pause())
  const port = await serve()
  const [reader, writer] = [await openSocket(port), await openSocket(port)]
  reader.pause().write(head('GET /flood', ...GOOD))
  writer.write(head('POST /sink', ...GOOD, 'Content-Length: 1000000000'))
  flood(writer)
  await expect.poll(() => upstream.calls.length).toBe(2)
  const flooding = upstream.callsFor('/flood')[0]?.socket
  const sent = (): number => (flooding?.bytesWritten ?? 0) + writer.bytesWritten
  await expectStill(sent)
  const [answered = 0, uploaded] = [flooding?.bytesWritten, writer.bytesWritten]
  reader.resume()
  await expect.poll(() => flooding?.bytesWritten).toBeGreaterThan(answered)
  reader.destroy()
  upstream.callsFor('/sink')[0]?.socket.resume()
  await expect.poll(() => writer.bytesWritten).toBeGreaterThan(uploaded)
  writer.destroy()
})
