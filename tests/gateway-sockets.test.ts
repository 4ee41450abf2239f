import { once } from 'node:events'
import { createServer } from 'node:http'
import { setTimeout as sleep } from 'node:timers/promises'
import { createAdaptorServer } from '@hono/node-server'
import { serve } from 'srvx'
import { afterAll, beforeAll, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest'
import { listen as serveCommand } from '../src/cli/serving/serve.ts'
import { createGateway } from '../src/gateway.ts'
import { createHandler } from '../src/gateway/handler.ts'
import { resolveGateway } from '../src/gateway/options.ts'
import { withAuth } from '../src/index.ts'
import { createConnections } from '../src/node/sockets/direct.ts'
import { expectStill, flood } from './support/backpressure.ts'
import {
  GOOD,
  NOTICED,
  itIsAGateway,
  itSendsItsOwnHeadersFirst,
  itUsesTheConnectionOfHeadOnce,
} from './support/gateway-behaviour.ts'
import { shortHeaders } from './support/gateway-rows.ts'
import { close, listen } from './support/loopback.ts'
import { head, openSocket, sendRaw } from './support/raw-client.ts'
import { bodyOf, fieldOf, startRawUpstream } from './support/raw-upstream.ts'
import { TOKEN } from './support/token.ts'
import type { Server } from 'node:net'
import type { GatewayFailure, GatewayOptions } from '../src/gateway.ts'
import type { AuthConfig, Verdict } from '../src/index.ts'
import type { RawUpstream } from './support/raw-upstream.ts'

const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  [TOKEN, { outcome: 'allow', principal: 'alice', attributes: { roles: ['admin'] } }],
  ['nobody', { outcome: 'allow' }],
  ['odd', { outcome: 'allow', principal: 'a\r\nX-Admin: 1' }],
  ['slow', { outcome: 'allow' }],
  ['jose', { outcome: 'allow', principal: 'José' }],
])
const CONFIG: AuthConfig = {
  verifier: async ({ token }) => {
    if (token === 'slow') await sleep(300)
    return VERDICTS.get(token) ?? { outcome: 'deny' }
  },
  public: ['/public/*'],
}
const ENOUGH = 'HTTP/1.1 413 Content Too Large\r\nContent-Length: 6\r\n\r\nenough'

type Handler = (request: Request) => Response | Promise<Response>
interface Serving {
  readonly port: number
  readonly close: () => Promise<void>
}

async function serveByHono(fetch: Handler): Promise<Serving> {
  const server = createAdaptorServer({ fetch }) as Server
  return { port: await listen(server), close: () => close(server) }
}

async function serveBySrvx(fetch: Handler): Promise<Serving> {
  const server = serve({
    fetch,
    port: 0,
    hostname: '127.0.0.1',
    silent: true,
    gracefulShutdown: false,
  })
  await server.ready()
  return { port: Number(new URL(server.url ?? '').port), close: () => server.close(true) }
}

/** As the command does: from the socket of the client to that of the upstream. */
function createSocketGateway(options: GatewayOptions): ReturnType<typeof createGateway> {
  return createHandler(resolveGateway(options), createConnections())
}

async function serveByCommand(fetch: Handler): Promise<Serving> {
  const serving = await serveCommand(fetch, { host: '127.0.0.1', port: 0 })
  return { port: Number(new URL(serving.url).port), close: () => serving.close('now') }
}

describe.each([
  ['@hono/node-server', serveByHono, createGateway],
  ['srvx', serveBySrvx, createGateway],
  ['the command', serveByCommand, createSocketGateway],
])('behind %s', (_name, start, create) => {
  const failures: GatewayFailure[] = []
  let upstream: RawUpstream
  let serving: Serving
  // @hono/node-server prints every response that breaks off.
  beforeEach(() => void vi.spyOn(console, 'error').mockImplementation(() => undefined))
  beforeAll(async () => {
    upstream = await startRawUpstream()
    const onFailure = (failure: GatewayFailure): void => void failures.push(failure)
    serving = await start(withAuth(create({ upstream: upstream.url, onFailure }), CONFIG))
  })
  afterAll(async () => {
    await serving.close()
    await upstream.close()
  })

  /** Serves another gateway until the end of the test. */
  async function serveOther(options: Partial<GatewayOptions>): Promise<Serving> {
    const other = await start(withAuth(create({ upstream: upstream.url, ...options }), CONFIG))
    onTestFinished(other.close)
    return other
  }

  itIsAGateway(() => ({ port: serving.port, upstream }))
  itUsesTheConnectionOfHeadOnce(() => ({ port: serving.port, upstream }))
  itSendsItsOwnHeadersFirst(() => ({ port: serving.port, upstream }))

  it.each([
    ['995 short headers', shortHeaders(995)],
    ['201 lines of one header', Array<string>(201).fill('A: 1')],
  ])('passes no request with %s on to a server on Node', async (_headers, fields) => {
    const reached: unknown[] = []
    const node = createServer(({ headers }, response) => {
      reached.push(headers['x-auth-principal'])
      response.end()
    })
    const url = `http://127.0.0.1:${await listen(node)}`
    const gateway = await serveOther({ upstream: url })
    const ask = (...more: readonly string[]) =>
      sendRaw(gateway.port, head('GET /', ...GOOD, 'Connection: close', ...more))
    const rejected = await ask(...fields)
    expect(rejected).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(rejected).toContain(
      '{"error":{"message":"More than 200 header fields","type":"invalid_request_error","code":"too_many_headers"}}',
    )
    await ask()
    expect(reached).toEqual(['alice'])
    await close(node)
  })

  it('passes on every line of a header that comes twice', async () => {
    const twice = ['Cookie: a=1', 'Cookie: b=2', 'X-A: 1', 'X-A: 2', 'Connection: close']
    await sendRaw(serving.port, head('GET /twice', ...GOOD, ...twice))
    const [call] = upstream.callsFor('/twice')
    expect(call && [fieldOf(call, 'cookie'), fieldOf(call, 'x-a')]).toEqual(['a=1; b=2', '1, 2'])
  })

  it('passes the body of a GET on, and does not use its connection again', async () => {
    const ask = (line: string, ...rest: readonly string[]) =>
      sendRaw(serving.port, head(line, ...GOOD, 'Connection: close', ...rest) + 'hello')
    expect(await ask('GET /search', 'Content-Length: 5')).toMatch(/^HTTP\/1\.1 200 /)
    const [call] = upstream.callsFor('/search')
    expect(call && [bodyOf(call), fieldOf(call, 'connection')]).toEqual(['hello', 'close'])
  })

  it('answers 400 to a GET with a body where fetch can send none', async () => {
    const gateway = await serveOther({ fetch: globalThis.fetch })
    const request = head('GET /none', ...GOOD, 'Connection: close', 'Content-Length: 5')
    const response = await sendRaw(gateway.port, `${request}hello`)
    expect(response).toMatch(/^HTTP\/1\.1 400 Bad Request\r\n/)
    expect(response).toContain(
      '{"error":{"message":"No body of a GET or HEAD can pass the gateway here","type":"invalid_request_error","code":"body_not_allowed"}}',
    )
    expect(upstream.callsFor('/none')).toEqual([])
  })

  it('keeps the Host of the client with preserveHost', async () => {
    const gateway = await serveOther({ publicOrigin: 'https://a.test', preserveHost: true })
    const [, key = ''] = GOOD
    for (const host of ['shop.example:8080', 'a b', 'a/b', 'a, b']) {
      await sendRaw(gateway.port, head('GET /host', `Host: ${host}`, key, 'Connection: close'))
    }
    const calls = upstream.callsFor('/host')
    expect(calls.map((call) => fieldOf(call, 'host'))).toEqual(['shop.example:8080'])
    expect(calls.map((call) => fieldOf(call, 'x-forwarded-host'))).toEqual(['a.test'])
  })

  it('sends its signature before the headers of the client', async () => {
    const gateway = await serveOther({ sign: { secret: 'a-secret-of-this-upstream' } })
    await sendRaw(gateway.port, head('GET /signed', ...GOOD, 'A: 1', 'Connection: close'))
    const names = upstream.callsFor('/signed')[0]?.fields.map(([name]) => name.toLowerCase()) ?? []
    expect(names).toContain('x-auth-signature')
    expect(names.indexOf('x-auth-signature')).toBeLessThan(names.indexOf('a'))
  })

  it('reads a response and an upload only as fast as the other side', async () => {
    upstream.plan('/flood', ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\n\r\n')
      flood(socket)
    })
    const reader = await openSocket(serving.port)
    reader.pause().write(head('GET /flood', ...GOOD))
    await expect.poll(() => upstream.callsFor('/flood').length, NOTICED).toBe(1)
    const [answering] = upstream.callsFor('/flood')
    await expectStill(() => answering?.socket.bytesWritten)

    upstream.plan('/sink', ({ socket }) => socket.pause())
    const writer = await openSocket(serving.port)
    writer.write(head('POST /sink', ...GOOD, 'Content-Length: 1000000000'))
    flood(writer)
    await expectStill(() => writer.bytesWritten)
    reader.destroy()
    writer.destroy()
    await expect.poll(() => answering?.socket.closed, NOTICED).toBe(true)
  })

  it('ends the call of a client that disconnected while its token was checked', async () => {
    const client = await openSocket(serving.port)
    client.write(head('GET /gone', 'Host: api.test', 'Authorization: Bearer slow'))
    setTimeout(() => client.destroy(), 100)
    const left = { code: 'client_left', path: '/gone' }
    await expect.poll(() => failures, NOTICED).toContainEqual(expect.objectContaining(left))
  })

  it('a response that ends with its connection does not look complete after a reset', async () => {
    upstream.plan('/reset', ({ socket }) => {
      socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\npart')
      setTimeout(() => socket.resetAndDestroy(), 50)
    })
    const client = await openSocket(serving.port)
    client.write(head('GET /reset', ...GOOD))
    const received: Buffer[] = []
    client.on('data', (chunk) => received.push(Buffer.from(chunk)))
    await once(client, 'close')
    expect(Buffer.concat(received).toString()).toMatch(/part(?:\r\n)?$/)
  })

  it('reports a client that disconnected', () => {
    expect(failures).toContainEqual(expect.objectContaining({ code: 'client_left', path: '/hang' }))
  })

  it('ends an upload when the response is complete, and the client gets the response', async () => {
    upstream.plan('/enough', ({ socket }) => socket.write(ENOUGH))
    const client = await openSocket(serving.port)
    client.write(head('POST /enough', ...GOOD, 'Transfer-Encoding: chunked') + '4\r\npart\r\n')
    const [bytes] = (await once(client, 'data')) as [Buffer]
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 413 [^]*enough$/)
    await expect.poll(() => upstream.callsFor('/enough')[0]?.socket.closed, NOTICED).toBe(true)
    client.destroy()
  })

  it('drops the rest of a refused upload, since some clients read no response before they have sent all', async () => {
    upstream.plan('/refused', ({ socket }) => {
      socket.pause()
      setTimeout(() => socket.write(ENOUGH), 500)
    })
    const client = await openSocket(serving.port)
    const length = 12_000_000
    client.write(head('POST /refused', ...GOOD, `Content-Length: ${length}`))
    const failed = await new Promise((resolve) => client.write(Buffer.alloc(length), resolve))
    expect(failed ?? undefined).toBeUndefined()
    const [bytes] = (await once(client, 'data')) as [Buffer]
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 413 /)
    client.destroy()
  })

  it('sends the head of an upload before its body', async () => {
    const client = await openSocket(serving.port)
    client.write(head('POST /later', ...GOOD, 'Connection: close', 'Content-Length: 5'))
    await expect.poll(() => upstream.callsFor('/later').length, NOTICED).toBe(1)
    client.write('later')
    expect(String(await once(client, 'data'))).toMatch(/^HTTP\/1\.1 200 /)
    expect(upstream.callsFor('/later').map(bodyOf)).toEqual(['later'])
  })

  it('answers 504 to a client that is still uploading', async () => {
    const slow = await serveOther({ timeoutMs: 300 })
    upstream.plan('/slow-upload', () => undefined)
    const client = await openSocket(slow.port)
    client.write(head('POST /slow-upload', ...GOOD, 'Content-Length: 1000'))
    const trickle = setInterval(() => client.write('x'), 20)
    const [bytes] = (await once(client, 'data')) as [Buffer]
    clearInterval(trickle)
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 504 /)
    await expect.poll(() => upstream.callsFor('/slow-upload')[0]?.socket.closed, NOTICED).toBe(true)
    client.destroy()
  })

  it('answers 508 when it is its own upstream', async () => {
    let gateway: Handler = () => new Response(null, { status: 500 })
    const loop = await start((request) => gateway(request))
    const url = `http://127.0.0.1:${loop.port}`
    gateway = withAuth(create({ upstream: url, forwardAuthorization: true }), CONFIG)
    const response = await sendRaw(loop.port, head('GET /', ...GOOD, 'Connection: close'))
    expect(response).toMatch(/^HTTP\/1\.1 508 /)
    await loop.close()
  })
})

it('the command asks the client of a response to close its connection while it drains', async () => {
  const upstream = await startRawUpstream()
  const gateway = withAuth(createSocketGateway({ upstream: upstream.url }), CONFIG)
  const serving = await serveCommand(gateway, { host: '127.0.0.1', port: 0 })
  upstream.plan('/last', ({ socket }) => {
    void serving.close('drain')
    setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nlast'), 50)
  })
  const response = await sendRaw(Number(new URL(serving.url).port), head('GET /last', ...GOOD))
  expect(response).toMatch(/^connection: close\r$/im)
  expect(response).toMatch(/\r\n\r\nlast$/)
  await upstream.close()
})

it('the command ends the calls of a client that leaves before the response to an earlier request', async () => {
  const upstream = await startRawUpstream()
  const gateway = withAuth(createSocketGateway({ upstream: upstream.url }), CONFIG)
  const serving = await serveCommand(gateway, { host: '127.0.0.1', port: 0 })
  upstream.plan('/first', () => undefined)
  upstream.plan('/silent', () => undefined)
  upstream.plan('/begun', ({ socket }) => {
    socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\npart\r\n')
  })
  const client = await openSocket(Number(new URL(serving.url).port))
  for (const path of ['/first', '/silent', '/begun']) client.write(head(`GET ${path}`, ...GOOD))
  await expect.poll(() => upstream.calls.length, NOTICED).toBe(3)
  await sleep(100)
  client.destroy()
  await expect.poll(() => upstream.calls.every(({ socket }) => socket.closed), NOTICED).toBe(true)
  await serving.close('now')
  await upstream.close()
})
