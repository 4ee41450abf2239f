import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { createServer } from 'node:http'
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from 'vitest'
import { passWebSockets } from '../src/node.ts'
import { close, listen } from './support/loopback.ts'
import { head, openSocket, sendRaw } from './support/raw-client.ts'
import { answer, fieldOf, startRawUpstream } from './support/raw-upstream.ts'
import {
  accept,
  acceptEcho,
  collect,
  GOOD,
  handshake,
  KEY,
  onHono,
  onSrvx,
} from './support/socket-gateway.ts'
import { TOKEN } from './support/token.ts'
import type { RawUpstream, UpstreamCall } from './support/raw-upstream.ts'
import type { SocketGateway } from './support/socket-gateway.ts'

/** WebSockets through the gateway, byte by byte: what an attacker may try with an upgrade. */

const CREDENTIALS = ['bearer', { webSocketProtocol: 'key.' }, { cookie: 'session' }] as const

describe.each([
  ['the command', onSrvx],
  ['@hono/node-server', onHono],
])('behind the server of %s', (_name, start) => {
  let upstream: RawUpstream
  let gateway: SocketGateway
  let strict: SocketGateway
  beforeAll(async () => {
    upstream = await startRawUpstream()
    gateway = await start({ upstream: upstream.url, timeoutMs: 3_000 })
    const publicOrigin = 'https://api.example.com'
    strict = await start({ upstream: upstream.url, publicOrigin }, { credentials: CREDENTIALS })
  })
  afterAll(async () => {
    await gateway.close()
    await strict.close()
    await upstream.close()
  })

  async function open(path: string, bytes: string, port = gateway.port) {
    const socket = await openSocket(port)
    onTestFinished(() => void socket.destroy())
    const received = collect(socket)
    socket.write(bytes, 'latin1')
    const switched = (): Promise<void> => expect.poll(received).toContain('\r\n\r\n')
    return { socket, received, switched, call: () => upstream.callsFor(path)[0] as UpstreamCall }
  }

  it('passes the handshake with the identity, and then the bytes of both sides', async () => {
    upstream.plan('/echo', acceptEcho)
    const { socket, received, switched, call } = await open('/echo', handshake('/echo', GOOD))
    await switched()
    expect(received()).toMatch(/^HTTP\/1\.1 101 Switching Protocols\r\n/)
    expect(received()).toMatch(/^sec-websocket-accept: s3pPLMBiTxaQ9kYGzzhZRbK\+xOo=\r$/m)
    expect(received()).toMatch(/^connection: Upgrade\r\nupgrade: websocket\r$/m)
    expect(call().line).toBe('GET /echo HTTP/1.1')
    expect(fieldOf(call(), 'x-auth-principal')).toBe('alice')
    expect(fieldOf(call(), 'x-auth-attributes')).toBe('{"roles":["admin"]}')
    expect(fieldOf(call(), 'x-forwarded-host')).toBe('api.test')
    expect(fieldOf(call(), 'upgrade')).toBe('websocket')
    expect(fieldOf(call(), 'connection')).toBe('Upgrade')
    expect(fieldOf(call(), 'sec-websocket-key')).toBe(KEY)
    expect(fieldOf(call(), 'authorization')).toBeUndefined()
    socket.write('\x81\x85frame', 'latin1')
    await expect.poll(received).toContain('\r\n\r\n\x81\x85frame')
    socket.destroy()
    await expect.poll(() => call().socket.closed).toBe(true)
  })

  it.each([
    ['no token', [], 401, 'missing_credentials'],
    ['a wrong token', ['Authorization: Bearer bad'], 401, 'denied'],
    ['two tokens', [GOOD, 'Authorization: Bearer bad'], 401, 'malformed_credentials'],
  ])(
    'answers an upgrade with %s, closes, and asks no upstream',
    async (_, fields, status, code) => {
      const received = await sendRaw(gateway.port, handshake('/denied', ...fields))
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
      expect(received).toContain(`"code":"${code}"`)
      expect(received).toMatch(/^connection: close\r$/im)
      expect(upstream.callsFor('/denied')).toEqual([])
    },
  )

  it.each(['//evil.test/x', 'http://evil.test/x', '/public/../x', '/public/..%2fx'])(
    'opens no socket for the ambiguous target %s',
    async (target) => {
      const before = upstream.calls.length
      expect(await sendRaw(gateway.port, handshake(target))).toMatch(/^HTTP\/1\.1 (?:400|401) /)
      expect(upstream.calls).toHaveLength(before)
    },
  )

  it.each(['h/public/x?', 'h#', 'a@b', 'h\\public', '', 'a b'])(
    'reads no path out of the host %j',
    async (host) => {
      const before = upstream.calls.length
      const bytes = handshake('/admin').replace('api.test', host)
      expect(await sendRaw(gateway.port, bytes)).toMatch(/^HTTP\/1\.1 (?:400|401) /)
      expect(upstream.calls).toHaveLength(before)
    },
  )

  it('tells no identity that a client made up, in any spelling', async () => {
    upstream.plan('/public/spoof', (call) => accept(call))
    const spoofed = ['X-Auth-Principal', 'x_auth_principal', 'X.Auth.Tenant', 'X-AUTH_Attributes']
    const fields = [...spoofed, 'X-Auth-Signature', 'Remote-User', 'X-Forwarded-For', 'X-Real-IP']
    const bytes = handshake('/public/spoof', ...fields.map((name) => `${name}: root`))
    const { switched, call } = await open('/public/spoof', bytes)
    await switched()
    expect(call().fields.filter(([, value]) => value.includes('root'))).toEqual([])
  })

  it('keeps its own headers if Connection lists them', async () => {
    upstream.plan('/listed', (call) => accept(call))
    const list = 'Connection: upgrade, x-auth-principal, x-forwarded-host, sec-websocket-extensions'
    const fields = handshake('/listed', GOOD, 'Sec-WebSocket-Extensions: x')
    const bytes = fields.replace('Connection: Upgrade', list)
    const { switched, call } = await open('/listed', bytes)
    await switched()
    expect(fieldOf(call(), 'x-auth-principal')).toBe('alice')
    expect(fieldOf(call(), 'x-forwarded-host')).toBe('api.test')
    expect(fieldOf(call(), 'connection')).toBe('Upgrade')
    expect(fieldOf(call(), 'sec-websocket-extensions')).toBeUndefined()
  })

  it.each([
    ['chat, key.TOKEN', 'chat'],
    ['key.TOKEN,chat, other', 'chat, other'],
    ['key.TOKEN', undefined],
  ])('removes only the token from the protocols %s', async (offered, told) => {
    const path = `/protocols-${offered.length}`
    upstream.plan(path, (call) => accept(call))
    const fields = [`Sec-WebSocket-Protocol: ${offered.replace('TOKEN', TOKEN)}`]
    const bytes = handshake(path, ...fields, `sec_websocket_protocol: key.${TOKEN}`)
    const { switched, call } = await open(path, bytes, strict.port)
    await switched()
    expect(fieldOf(call(), 'sec-websocket-protocol')).toBe(told)
    expect(JSON.stringify(call().fields)).not.toContain(TOKEN)
  })

  it.each([
    ['another website', ['Origin: https://evil.test'], 403],
    ['no page', [], 403],
    ['a sandbox', ['Origin: null'], 403],
    ['a longer name', ['Origin: https://api.example.com.evil.test'], 403],
    ['another scheme', ['Origin: http://api.example.com'], 403],
    ['another port', ['Origin: https://api.example.com:8443'], 403],
    ['the address of the request', ['Origin: http://api.test'], 403],
    ['two pages', ['Origin: https://api.example.com', 'Origin: https://evil.test'], 403],
    ['its own page', ['Origin: https://api.example.com'], 101],
  ])('with a cookie, answers an upgrade from %s', async (name, origin, status) => {
    const path = `/cookie-${name.replaceAll(' ', '-')}`
    upstream.plan(path, (call) => accept(call))
    const bytes = handshake(path, `Cookie: a=1; session=${TOKEN}`, ...origin)
    const { received, switched } = await open(path, bytes, strict.port)
    await switched()
    expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    expect(received().includes('origin_not_allowed')).toBe(status === 403)
    const calls = upstream.callsFor(path).map((call) => fieldOf(call, 'cookie'))
    expect(calls).toEqual(status === 101 ? ['a=1'] : [])
  })

  it('without publicOrigin takes cookies from pages of its own address alone', async () => {
    upstream.plan('/own', (call) => accept(call))
    const own = await start({ upstream: upstream.url }, { credentials: CREDENTIALS })
    for (const [origin, status] of [
      ['https://api.test', 403],
      ['http://api.test', 101],
    ] as const) {
      const bytes = handshake('/own', `Cookie: session=${TOKEN}`, `Origin: ${origin}`)
      const { received, switched } = await open('/own', bytes, own.port)
      await switched()
      expect(received()).toMatch(new RegExp(`^HTTP/1\\.1 ${status} `))
    }
    await own.close()
  })

  it('asks no program for its Origin that sends the token in a header', async () => {
    upstream.plan('/program', (call) => accept(call))
    const bytes = handshake('/program', GOOD)
    const { received, switched } = await open('/program', bytes, strict.port)
    await switched()
    expect(received()).toMatch(/^HTTP\/1\.1 101 /)
  })

  it('passes bytes that came with the handshake, and with its answer', async () => {
    upstream.plan('/early', (call) => accept(call, [], 'first of the upstream'))
    const { received, call } = await open('/early', `${handshake('/early', GOOD)}early`)
    await expect.poll(received).toMatch(/\r\n\r\nfirst of the upstream$/)
    await expect.poll(() => call().content()).toBe('early')
  })

  it.each(['200 OK', '403 Forbidden', '426 Upgrade Required', '301 Moved'])(
    'passes the refusal %s on, and no request smuggled behind the upgrade',
    async (status) => {
      const path = `/refused-${status.slice(0, 3)}`
      upstream.plan(path, ({ socket }) =>
        socket.write(answer(status, ['Upgrade: websocket', 'Connection: Upgrade'], 'not here')),
      )
      const smuggled = head('GET /smuggled', 'Host: api.test', GOOD, 'X-Auth-Principal: root')
      const received = await sendRaw(gateway.port, handshake(path, GOOD) + smuggled)
      expect(received).toMatch(new RegExp(`^HTTP/1\\.1 ${status}\r\n`))
      expect(received).toMatch(/not here$/)
      expect(received.match(/HTTP\/1\.1/g)).toHaveLength(1)
      const [call] = upstream.callsFor(path)
      await sleep(50)
      expect(call?.content()).toBe('')
      expect(upstream.callsFor('/smuggled')).toEqual([])
    },
  )

  it.each([
    ['a wrong answer to the key', ['Sec-WebSocket-Accept: AAAA', 'Upgrade: websocket']],
    ['no answer to the key', ['Upgrade: websocket']],
    ['another protocol', ['Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=', 'Upgrade: h2c']],
    ['no protocol', ['Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=']],
  ])('opens no tunnel for a 101 with %s', async (name, fields) => {
    const path = `/fake-${name.replaceAll(' ', '-')}`
    const lines = ['HTTP/1.1 101 Switching', 'Connection: Upgrade', ...fields, '', '']
    upstream.plan(path, ({ socket }) => socket.write(lines.join('\r\n')))
    const smuggled = head('GET /internal', 'Host: a')
    const received = await sendRaw(gateway.port, handshake(path, GOOD) + smuggled)
    expect(received).toMatch(/^HTTP\/1\.1 502 /)
    expect(received).toContain('upstream_unreachable')
    expect(upstream.callsFor(path)[0]?.content()).toBe('')
  })

  it('answers 504 if the upstream does not answer in time', { tags: ['slow'] }, async () => {
    upstream.plan('/slow', () => undefined)
    const received = await sendRaw(gateway.port, handshake('/slow', GOOD))
    expect(received).toMatch(/^HTTP\/1\.1 504 /)
    await expect.poll(() => upstream.callsFor('/slow')[0]?.socket.closed).toBe(true)
  })

  it('answers 502 if the upstream is down', async () => {
    const down = await start({ upstream: 'http://127.0.0.1:1' })
    expect(await sendRaw(down.port, handshake('/', GOOD))).toMatch(/^HTTP\/1\.1 502 /)
    await down.close()
  })

  it('leaves the upstream when the client leaves before the answer', async () => {
    upstream.plan('/left', () => undefined)
    // The other gateway would leave by its own timeout.
    const { socket, call } = await open('/left', handshake('/left', GOOD), strict.port)
    await expect.poll(() => upstream.callsFor('/left').length).toBe(1)
    socket.end()
    await expect.poll(() => call().socket.closed).toBe(true)
  })

  it('opens no socket beside the response to an earlier request', async () => {
    upstream.plan('/pending', () => undefined)
    upstream.plan('/beside', acceptEcho)
    const pending = head('GET /pending', 'Host: api.test', GOOD)
    const { socket, received } = await open('/beside', pending + handshake('/beside', GOOD))
    await once(socket, 'close')
    expect(received()).toBe('')
    expect(upstream.callsFor('/beside')).toEqual([])
  })

  it('ends the client when the upstream breaks off, and the other way round', async () => {
    upstream.plan('/abrupt', (call) => accept(call))
    const first = await open('/abrupt', handshake('/abrupt', GOOD))
    await first.switched()
    first.call().socket.resetAndDestroy()
    await expect.poll(() => first.socket.closed).toBe(true)
    const second = await open('/abrupt', handshake('/abrupt', GOOD))
    await second.switched()
    second.socket.resetAndDestroy()
    await expect.poll(() => upstream.callsFor('/abrupt')[1]?.socket.closed).toBe(true)
  })

  it('finds the body of an upgrade behind more headers than Node lists', async () => {
    const many = Array.from({ length: 1_500 }, () => 'a:')
    const smuggled = head('GET /smuggled', 'Host: a', GOOD)
    const length = `Content-Length: ${smuggled.length}`
    for (const upgrade of ['h2c', 'websocket']) {
      const fields = ['Host: a', GOOD, 'Connection: Upgrade', `Upgrade: ${upgrade}`]
      // Without `Connection: close`, a body that was not found would be the next request.
      const bytes = head('GET /many', ...fields, ...many, length) + smuggled
      const { received } = await open('/many', bytes)
      await expect.poll(received).toMatch(/^HTTP/)
      await sleep(100)
      expect(received().match(/HTTP\/1\.1 [1-5]/g)).toHaveLength(1)
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
    const { received } = await open('/no-handshake', bytes)
    await expect.poll(received).toContain('upgrade_not_supported')
    expect(received()).toMatch(/^HTTP\/1\.1 501 /)
    expect(upstream.callsFor('/no-handshake')).toEqual([])
  })
})

it('gives no handler a URL made of a hostile host', async () => {
  const urls: string[] = []
  const server = createServer()
  passWebSockets(server, ({ url }) => {
    urls.push(url)
    return new Response(null, { status: 403 })
  })
  const port = await listen(server)
  const hosts = ['h/public/x?', 'h#', 'a@b', 'h', '[::1]:80', 'a.b:8']
  for (const host of hosts) {
    await sendRaw(port, handshake('/admin').replace('api.test', host))
  }
  await close(server)
  const good = ['http://h/admin', 'http://[::1]:80/admin', 'http://a.b:8/admin']
  expect(urls).toEqual(['/admin', '/admin', '/admin', ...good])
})

it('is the only listener for upgrades, since no other is guarded', () => {
  const server = createServer()
  server.on('upgrade', () => undefined)
  const handler = (): Response => new Response(null)
  expect(() => passWebSockets(server, handler)).toThrow(/Remove the other listener/)
})
