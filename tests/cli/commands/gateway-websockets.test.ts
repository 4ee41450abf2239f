import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { listen, serveUntilStopped } from '../../../src/cli/serving/serve.ts'
import { createGateway } from '../../../src/gateway.ts'
import { withAuth } from '../../../src/index.ts'
import { passWebSockets } from '../../../src/node.ts'
import { openSocket, sendRaw } from '../../support/raw-client.ts'
import { collect, handshake } from '../../support/socket-gateway.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import type { Socket } from 'node:net'

const GOOD = `Authorization: Bearer ${KEY}`

const { inFolder, acceptSockets, upstream, upstreamUrl, endpoint, start, startGuarded } =
  setupGateway((_, response) => response.end('from the upstream'))

function countUpstream(): Promise<number> {
  return new Promise((resolve, reject) => {
    upstream().getConnections((error, count) => (error === null ? resolve(count) : reject(error)))
  })
}

async function open(url: string): Promise<{ socket: Socket; received: () => string }> {
  const socket = await openSocket(Number(new URL(url).port))
  const received = collect(socket)
  socket.write(handshake('/socket?secret=s3', GOOD))
  await expect.poll(received).toMatch(/^HTTP\/1\.1 101 .*\r\n\r\n$/s)
  return { socket, received }
}

describe('with-auth gateway', () => {
  it('logs each upgrade like a request', async () => {
    acceptSockets()
    const { url, logged } = await startGuarded('--request-id-header', 'x-request-id')
    const { socket } = await open(url)
    const denied = await sendRaw(Number(new URL(url).port), handshake('/socket'))
    expect(denied).toMatch(/^HTTP\/1\.1 401 [^]*"code":"missing_credentials"/)
    const line = { path: '/socket', method: 'GET', clientAddress: '127.0.0.1' }
    expect(logged('decision')).toMatchObject([
      { ...line, outcome: 'allow', status: 101, upstreamStatus: 101 },
      { ...line, outcome: 'deny', reason: 'missing_credentials', status: 401 },
    ])
    expect(JSON.stringify(logged())).not.toContain('s3')
    socket.destroy()
  })

  it('decides about requests and WebSockets by one cache', async () => {
    acceptSockets()
    const file = inFolder('run.yaml')
    const cache = 'cache: { allow_ttl_ms: 60000 }, context: { headers: [], params: none }'
    writeFileSync(file, `server:\n  auth: { endpoint: "${endpoint().url}", ${cache} }\n`)
    const gateway = start(['--config', file])
    const url = await gateway.listening()
    const asked = () => endpoint().asked.filter((token) => token === KEY)
    expect((await call(`${url}/socket`, KEY)).status).toBe(200)
    const { socket } = await open(url)
    expect(asked()).toHaveLength(1)
    expect(gateway.logged('decision').map((line) => line['cache'])).toEqual(['miss', 'hit'])
    socket.destroy()
  })

  it('ends WebSockets at the end of the drain', async () => {
    acceptSockets()
    const allow = { verifier: () => ({ outcome: 'allow' as const }) }
    const handler = withAuth(createGateway({ upstream: upstreamUrl() }), allow)
    const serving = await listen(handler, { host: '127.0.0.1', port: 0 }, (server) =>
      passWebSockets(server, handler),
    )
    const { socket } = await open(serving.url)
    const signals = ['SIGTERM' as const]
    const nextSignal = () => {
      const signal = signals.pop()
      return signal === undefined ? new Promise<never>(() => undefined) : Promise.resolve(signal)
    }
    await serveUntilStopped([serving], { nextSignal }, 300)
    await expect.poll(() => socket.closed).toBe(true)
    await expect.poll(countUpstream).toBe(0)
  })

  it.each([
    ['SIGINT', ['SIGINT']],
    ['the second SIGTERM', ['SIGTERM', 'SIGTERM']],
  ] as const)('cuts WebSockets off on %s', async (_, signals) => {
    acceptSockets()
    const gateway = await startGuarded()
    const { socket, received } = await open(gateway.url)
    for (const [index, signal] of signals.entries()) {
      socket.write(`still here ${index}`)
      await expect.poll(received).toContain(`still here ${index}`)
      gateway.signal(signal)
    }
    await once(socket, 'close')
    expect(await gateway.ended).toBe(0)
  })

  it('answers an upgrade of /healthz, and logs no upstream for Max-Forwards: 0', async () => {
    const { url, logged } = await startGuarded('--healthz')
    const healthy = await sendRaw(Number(new URL(url).port), handshake('/healthz'))
    expect(healthy).toMatch(/^HTTP\/1\.1 200 [^]*"status":"ok"/)
    const headers = { authorization: `Bearer ${KEY}`, 'max-forwards': '0' }
    const response = await fetch(`${url}/`, { method: 'OPTIONS', headers })
    expect([response.status, response.headers.get('allow')]).toEqual([
      204,
      'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS',
    ])
    const [line] = logged('decision')
    expect(line).toMatchObject({ outcome: 'allow', status: 204, method: 'OPTIONS' })
    expect(line).not.toHaveProperty('upstreamStatus')
  })
})
