import { once } from 'node:events'
import { createServer } from 'node:http'
import { createAdaptorServer } from '@hono/node-server'
import { serve } from 'srvx'
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest'
import { createGateway } from '../src/gateway.ts'
import { withAuth } from '../src/index.ts'
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
import { startRawUpstream } from './support/raw-upstream.ts'
import { TOKEN } from './support/token.ts'
import type { Server } from 'node:net'
import type { GatewayFailure } from '../src/gateway.ts'
import type { AuthConfig, Verdict } from '../src/index.ts'
import type { RawUpstream } from './support/raw-upstream.ts'

const VERDICTS: ReadonlyMap<string, Verdict> = new Map([
  [TOKEN, { outcome: 'allow', principal: 'alice', attributes: { roles: ['admin'] } }],
  ['nobody', { outcome: 'allow' }],
  ['odd', { outcome: 'allow', principal: 'a\r\nX-Admin: 1' }],
  ['jose', { outcome: 'allow', principal: 'José' }],
])
const CONFIG: AuthConfig = {
  verifier: ({ token }) => VERDICTS.get(token) ?? { outcome: 'deny' },
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

describe.each([
  ['@hono/node-server', serveByHono],
  ['srvx', serveBySrvx],
])('behind %s', (_name, start) => {
  const failures: GatewayFailure[] = []
  let upstream: RawUpstream
  let serving: Serving
  beforeAll(async () => {
    // @hono/node-server prints every response that breaks off.
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    upstream = await startRawUpstream()
    const onFailure = (failure: GatewayFailure): void => void failures.push(failure)
    serving = await start(withAuth(createGateway({ upstream: upstream.url, onFailure }), CONFIG))
  })
  afterAll(async () => {
    vi.restoreAllMocks()
    await serving.close()
    await upstream.close()
  })

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
    const gateway = await start(withAuth(createGateway({ upstream: url }), CONFIG))
    const ask = (...more: readonly string[]) =>
      sendRaw(gateway.port, head('GET /', ...GOOD, 'Connection: close', ...more))
    const rejected = await ask(...fields)
    expect(rejected).toMatch(/^HTTP\/1\.1 431 Request Header Fields Too Large\r\n/)
    expect(rejected).toContain(
      '{"error":{"message":"More than 200 header fields","type":"invalid_request_error","code":"too_many_headers"}}',
    )
    await ask()
    expect(reached).toEqual(['alice'])
    await gateway.close()
    await close(node)
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

  it('answers 504 to a client that is still uploading', async () => {
    const onFailure = (failure: GatewayFailure): void => void failures.push(failure)
    const slow = await start(
      withAuth(createGateway({ upstream: upstream.url, timeoutMs: 300, onFailure }), CONFIG),
    )
    upstream.plan('/slow-upload', () => undefined)
    const client = await openSocket(slow.port)
    client.write(head('POST /slow-upload', ...GOOD, 'Content-Length: 1000'))
    const trickle = setInterval(() => client.write('x'), 20)
    const [bytes] = (await once(client, 'data')) as [Buffer]
    clearInterval(trickle)
    expect(String(bytes)).toMatch(/^HTTP\/1\.1 504 /)
    await expect.poll(() => upstream.callsFor('/slow-upload')[0]?.socket.closed, NOTICED).toBe(true)
    client.destroy()
    await slow.close()
  })

  it('answers 508 when it is its own upstream', async () => {
    let gateway: Handler = () => new Response(null, { status: 500 })
    const loop = await start((request) => gateway(request))
    const url = `http://127.0.0.1:${loop.port}`
    gateway = withAuth(createGateway({ upstream: url, forwardAuthorization: true }), CONFIG)
    const response = await sendRaw(loop.port, head('GET /', ...GOOD, 'Connection: close'))
    expect(response).toMatch(/^HTTP\/1\.1 508 /)
    await loop.close()
  })
})
