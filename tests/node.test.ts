import { createServer } from 'node:http'
import { PassThrough } from 'node:stream'
import { text } from 'node:stream/consumers'
import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { MockAgent } from 'undici'
import { getAuth, withAuth } from '../src/index.ts'
import { createNodeAuthenticator, nodeTransport, withUpgradeAuth } from '../src/node.ts'
import { startEndpointWithKeys } from './support/auth-endpoint.ts'
import { close } from './support/loopback.ts'
import { get } from './support/requests.ts'
import { head, openSocket, sendRaw } from './support/raw-client.ts'
import { run } from './support/tcp-endpoint.ts'
import { TOKEN } from './support/token.ts'
import { words } from './support/words.ts'
import type { Duplex } from 'node:stream'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AuthConfig } from '../src/index.ts'
import type { UpgradeListener } from '../src/node.ts'
import type { EndpointWithKeys } from './support/auth-endpoint.ts'

const GOOD = `Authorization: Bearer ${TOKEN}`
const SWITCHING = 'HTTP/1.1 101 Switching Protocols\r\n\r\n'
const UPGRADE = ['Host: h', 'Connection: Upgrade', 'Upgrade: websocket']

let endpoint: EndpointWithKeys

beforeEach(async () => {
  endpoint = await startEndpointWithKeys({ [TOKEN]: 'alice' })
  return endpoint.close
})

async function serve(server: Server): Promise<number> {
  return (await run(server)).port
}

describe('createNodeAuthenticator', () => {
  function serveGuarded(config: AuthConfig, handle: (body: string) => void): Promise<number> {
    const authenticate = createNodeAuthenticator(config)
    async function answer(incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> {
      const result = await authenticate(incoming)
      if (result.ok) {
        const body = await text(incoming)
        handle(body)
        outgoing.end(`${result.auth?.principal} ${body}`)
        return
      }
      const { status, headers } = result.response
      outgoing.writeHead(status, [...headers].flat()).end(await result.response.text())
    }
    return serve(createServer((incoming, outgoing) => void answer(incoming, outgoing)))
  }

  it('returns the identity, and leaves the body to the handler', async () => {
    const port = await serveGuarded({ endpoint: endpoint.url }, () => undefined)
    const response = await fetch(`http://127.0.0.1:${port}/v1`, {
      method: 'POST',
      headers: { authorization: `Bearer ${TOKEN}` },
      body: 'hello',
    })
    expect(await response.text()).toBe('alice hello')
    expect(endpoint.asked).toEqual([TOKEN])
  })

  it.each([
    ['no token', [], 401, 'missing_credentials', []],
    ['an invalid token', ['Authorization: Bearer bad'], 401, 'denied', ['bad']],
    ['two tokens', [GOOD, 'Authorization: Bearer bad'], 401, 'malformed_credentials', []],
  ])(
    'rejects a request with %s, and calls no handler',
    async (_name, fields, status, code, asked) => {
      const handle = vi.fn<(body: string) => void>()
      const port = await serveGuarded({ endpoint: endpoint.url }, handle)
      const received = await sendRaw(port, head('GET /', 'Host: h', 'Connection: close', ...fields))
      expect(received).toContain(`HTTP/1.1 ${status} `)
      expect(received).toContain(`"code":"${code}"`)
      expect(received).toMatch(/^www-authenticate: Bearer realm="api"/m)
      expect(endpoint.asked).toEqual(asked)
      expect(handle).not.toHaveBeenCalled()
    },
  )

  it.each([
    ...words(`
      //h/public/x ///admin /public/../admin /public/%2e%2e/admin /public#/../admin
      http://h/public/x http://x@h/public/x HTTP://h/public/x *
    `),
    '/public/..\\admin',
  ])('rejects the ambiguous target %s, also on public paths', async (target) => {
    const handle = vi.fn<(body: string) => void>()
    const port = await serveGuarded({ endpoint: endpoint.url, public: ['/public/*'] }, handle)
    const method = target === '*' ? 'OPTIONS' : 'GET'
    const received = await sendRaw(
      port,
      head(`${method} ${target}`, 'Host: h', 'Connection: close', GOOD),
    )
    expect(received).toContain('HTTP/1.1 400 ')
    expect(handle).not.toHaveBeenCalled()
    expect(endpoint.asked).toEqual([])
  })
})

describe('withUpgradeAuth', () => {
  function serveUpgrades(listener: UpgradeListener, config: AuthConfig = {}): Promise<number> {
    const server = createServer((_incoming, outgoing) => outgoing.end('no upgrade'))
    server.on('upgrade', withUpgradeAuth(listener, { endpoint: endpoint.url, ...config }))
    return serve(server)
  }

  const greet: UpgradeListener = (_incoming, socket, _head, auth) =>
    socket.end(`${SWITCHING}${auth?.principal}`)

  it('passes socket, first bytes and identity to the listener', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const port = await serveUpgrades(listener)
    const received = await sendRaw(port, `${head('GET /chat?a=1', ...UPGRADE, GOOD)}first`)
    expect(received).toBe(`${SWITCHING}alice`)
    const [incoming, , first] = listener.mock.calls[0] ?? []
    expect(incoming?.url).toBe('/chat?a=1')
    expect(first?.toString()).toBe('first')
  })

  it.each([
    ['no token', [], 'missing_credentials'],
    ['an invalid token', ['Authorization: Bearer bad'], 'denied'],
    ['two tokens', [GOOD, GOOD], 'malformed_credentials'],
  ])(
    'rejects %s with a response, closes the connection, and does not call the listener',
    async (_name, fields, code) => {
      const listener = vi.fn<UpgradeListener>(greet)
      const port = await serveUpgrades(listener)
      const received = await sendRaw(port, head('GET /chat', ...UPGRADE, ...fields))
      expect(received).toMatch(/^HTTP\/1\.1 401 Unauthorized\r\n/)
      expect(received).toMatch(/^www-authenticate: Bearer realm="api"/m)
      expect(received).toContain(`"code":"${code}"`)
      expect(listener).not.toHaveBeenCalled()
    },
  )

  it('rejects every upgrade when the endpoint is unavailable', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const silent = createServer()
    const silentUrl = `http://127.0.0.1:${await serve(silent)}/`
    const port = await serveUpgrades(listener, {
      endpoint: silentUrl,
      timeoutMs: 100,
      retry: false,
    })
    expect(await sendRaw(port, head('GET /', ...UPGRADE, GOOD))).toContain('"code":"timeout"')
    await close(silent)
    expect(await sendRaw(port, head('GET /', ...UPGRADE, GOOD))).toContain('"code":"unreachable"')
    expect(listener).not.toHaveBeenCalled()
  })

  it('reads the token of a browser from the offered protocols', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const port = await serveUpgrades(listener, { credentials: { webSocketProtocol: 'key.' } })
    const offer = `Sec-WebSocket-Protocol: chat, key.${TOKEN}`
    expect(await sendRaw(port, head('GET /', ...UPGRADE, offer))).toBe(`${SWITCHING}alice`)
    const twice = `${offer}, key.${TOKEN}`
    expect(await sendRaw(port, head('GET /', ...UPGRADE, twice))).toContain('malformed_credentials')
    expect(listener).toHaveBeenCalledTimes(1)
  })

  it('calls the listener without an identity on a public path', async () => {
    const port = await serveUpgrades(greet, { public: ['/open'] })
    expect(await sendRaw(port, head('GET /open', ...UPGRADE))).toBe(`${SWITCHING}undefined`)
  })

  it('survives a client that resets during the check', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const ALLOW = { outcome: 'allow' } as const
    const verifier = vi.fn<() => Promise<typeof ALLOW>>(async () => ALLOW)
    const server = createServer()
    const isLost = new Promise((resolve) =>
      server.once('connection', (socket) => socket.once('close', resolve)),
    )
    verifier.mockImplementationOnce(() => isLost.then(() => ALLOW))
    const decided = vi.fn<() => void>()
    server.on('upgrade', withUpgradeAuth(listener, { verifier, onEvent: decided }))
    const port = await serve(server)
    const socket = await openSocket(port)
    socket.write(head('GET /', ...UPGRADE, GOOD))
    await expect.poll(() => verifier).toHaveBeenCalled()
    socket.resetAndDestroy()
    await expect.poll(() => decided).toHaveBeenCalled()
    await sleep(20)
    expect(listener).not.toHaveBeenCalled()
    expect(await sendRaw(port, head('GET /', ...UPGRADE, GOOD))).toBe(`${SWITCHING}undefined`)
  })

  it('survives a server that destroys the socket just before an allow', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const sockets = new Set<Duplex>()
    const server = createServer()
    server.on('connection', (socket) => sockets.add(socket))
    const verifier = async (): Promise<{ outcome: 'allow' }> => {
      for (const socket of sockets) socket.destroy(new Error('shutting down'))
      return { outcome: 'allow' }
    }
    server.on('upgrade', withUpgradeAuth(listener, { verifier }))
    // Vitest fails a run with an uncaught exception.
    expect(await sendRaw(await serve(server), head('GET /', ...UPGRADE, GOOD))).toBe('')
    expect(listener).not.toHaveBeenCalled()
  })

  it('removes its own error listener before it passes the socket', async () => {
    const listener = vi.fn<UpgradeListener>((_incoming, socket) =>
      socket.end(`${SWITCHING}${socket.listenerCount('error')}`),
    )
    const server = createServer()
    const before = vi.fn<(count: number) => void>()
    server.on('upgrade', (_incoming, socket: Duplex) => before(socket.listenerCount('error')))
    server.on('upgrade', withUpgradeAuth(listener, { endpoint: endpoint.url }))
    const received = await sendRaw(await serve(server), head('GET /', ...UPGRADE, GOOD))
    expect(received).toBe(`${SWITCHING}${before.mock.calls[0]?.[0]}`)
  })

  it('destroys a socket that fails during the check', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const socket = new PassThrough({ autoDestroy: false })
    const isLost = new Promise((resolve) => socket.once('close', resolve))
    const verifier = () => isLost.then(() => ({ outcome: 'allow' as const }))
    const incoming = { url: '/', method: 'GET', rawHeaders: ['authorization', `Bearer ${TOKEN}`] }
    const decided = vi.fn<() => void>()
    const guarded = withUpgradeAuth(listener, { verifier, onEvent: decided })
    guarded(incoming as unknown as IncomingMessage, socket, Buffer.alloc(0))
    socket.emit('error', new Error('reset'))
    expect(socket.destroyed).toBe(true)
    await expect.poll(() => decided).toHaveBeenCalled()
    await sleep(20)
    expect(listener).not.toHaveBeenCalled()
  })

  it('takes no other value than a function', () => {
    const none = undefined as unknown as UpgradeListener
    expect(() => withUpgradeAuth(none, { endpoint: endpoint.url })).toThrow(
      'The upgrade listener must be a function',
    )
  })

  it('does not exempt an upgrade as a preflight', async () => {
    const listener = vi.fn<UpgradeListener>(greet)
    const port = await serveUpgrades(listener, { preflight: 'allow' })
    const fields = [...UPGRADE, 'Origin: https://h', 'Access-Control-Request-Method: GET']
    expect(await sendRaw(port, head('OPTIONS /chat', ...fields))).toContain('missing_credentials')
    expect(listener).not.toHaveBeenCalled()
  })
})

describe('nodeTransport', () => {
  const greet = (request: Request): Response => new Response(`Hello ${getAuth(request).principal}`)

  it('asks the endpoint for withAuth', async () => {
    const guarded = withAuth(greet, { endpoint: endpoint.url, fetch: nodeTransport() })
    expect(await (await guarded(get('/', TOKEN))).text()).toBe('Hello alice')
    expect((await guarded(get('/', 'bad'))).status).toBe(401)
    expect(endpoint.asked).toEqual([TOKEN, 'bad'])
  })

  it('serves several wrappers, and returns each answer to the wrapper that asked', async () => {
    const other = await startEndpointWithKeys({ [TOKEN]: 'bob' })
    const transport = nodeTransport()
    const guards = [endpoint.url, other.url].map((url) =>
      withAuth(greet, { endpoint: url, fetch: transport }),
    )
    const asking = [...guards, ...guards].map(async (guarded) => guarded(get('/', TOKEN)))
    const texts = await Promise.all(asking.map(async (response) => (await response).text()))
    await other.close()
    expect(texts).toEqual(['Hello alice', 'Hello bob', 'Hello alice', 'Hello bob'])
  })

  it.each([
    [200, 'Hello alice', 200],
    [500, 'service_error', 401],
  ])('answers tests through a MockAgent: %i', async (status, shown, expected) => {
    const mock = new MockAgent()
    mock.disableNetConnect()
    const origin = mock.get('https://auth.example.com')
    origin.intercept({ path: '/validate', method: 'POST' }).reply(status, { principal: 'alice' })
    const guarded = withAuth(greet, {
      endpoint: 'https://auth.example.com/validate',
      fetch: nodeTransport({ dispatcher: mock }),
    })
    const response = await guarded(get('/', TOKEN))
    expect(response.status).toBe(expected)
    expect(await response.text()).toContain(shown)
    mock.assertNoPendingInterceptors()
    // The MockAgent has no reply left.
    expect((await guarded(get('/', TOKEN))).status).toBe(401)
    await mock.close()
  })
})
