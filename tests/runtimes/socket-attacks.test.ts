import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { close, listen } from '../support/loopback.ts'
import { head, openSocket, sendRaw } from '../support/raw-client.ts'
import { collect, handshake } from '../support/socket-gateway.ts'
import { NODES, OLDER_NODES } from './support/binaries.ts'
import { KEY, startGateway, writeKey } from './support/command.ts'
import { startServer } from './support/server-process.ts'
import type { Binary } from './support/binaries.ts'
import type { RunningServer } from './support/server-process.ts'

/**
 * What an attacker may do to the connections of a gateway, on the versions of Node that treat upgrades in their own way. Each gateway
 * is a process of its own: one that is broken answers no signal, and is killed.
 */

const GOOD = `Authorization: Bearer ${KEY}`
// For the key of `handshake`.
const ACCEPTED = [
  'HTTP/1.1 101 Switching Protocols',
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=',
  '',
  '',
].join('\r\n')
const BIG = 'x'.repeat(4_000_000)

const upstream = createServer((incoming, response) => {
  const { url = '', method = '' } = incoming
  let body = ''
  incoming.on('data', (chunk) => (body += String(chunk)))
  incoming.on('end', () => response.end(url === '/big' ? BIG : `<${method} ${url} ${body}>`))
})
upstream.on('upgrade', (_incoming, socket) => {
  socket.write(ACCEPTED)
  socket.pipe(socket)
})
let upstreamUrl: string
let folder: string
let keys: string
beforeAll(async () => {
  upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  folder = mkdtempSync(join(tmpdir(), 'with-auth-sockets-'))
  keys = writeKey(join(folder, 'keys.yaml'))
})
afterAll(async () => {
  await close(upstream)
  rmSync(folder, { recursive: true })
})

const command = (binary: Binary): Promise<RunningServer> => startGateway(binary, upstreamUrl, keys)
const program = (binary: Binary): Promise<RunningServer> =>
  startServer({
    binary,
    args: ['socket-gateway.js'],
    cwd: inject('app'),
    env: { UPSTREAM: upstreamUrl, KEY },
  })

const GATEWAYS = [
  ...[...NODES, ...OLDER_NODES].map(
    (node) => [`the command on ${node.name}`, node, command] as const,
  ),
  ...NODES.map((node) => [`passWebSockets on ${node.name}`, node, program] as const),
]

// All headers that Node's parser treats as `Connection`.
const CONNECTIONS = ['Connection', 'Proxy-Connection', 'pRoXy-cOnNeCtIoN']
const OTHERS = ['Keep-Alive', 'Upgrade', 'TE', 'HTTP2-Settings', 'Proxy-Authorization']
const LISTS = ['Upgrade', 'upgrade, close', 'keep-alive,\tUPGRADE', 'x, upgrade, HTTP2-Settings']
const PROTOCOLS = ['h2c', 'TLS/1.0', 'websocket', '']

describe.each(GATEWAYS)('%s', (_name, node, start) => {
  let gateway: RunningServer
  let port: number
  beforeAll(async () => {
    gateway = await start(node)
    port = Number(new URL(gateway.url).port)
  })
  afterAll(() => gateway.stop())

  const plain = (path: string, ...fields: readonly string[]): string =>
    head(`GET ${path}`, 'Host: a', GOOD, ...fields)
  const last = (path: string): string => plain(path, 'Connection: close')

  it('serves on after every header that could make an upgrade come back for ever', async () => {
    for (const name of [...CONNECTIONS, ...OTHERS]) {
      const requests = LISTS.flatMap((list) =>
        PROTOCOLS.flatMap((protocol) => [
          head('GET /', 'Host: a', `${name}: ${list}`, `Upgrade: ${protocol}`),
          head('GET /', 'Host: a', `${name}: ${list}`, 'Connection: close', `Upgrade: ${protocol}`),
          head('GET /', 'Host: a', `Upgrade: ${protocol}`, 'Connection: x', `${name}: ${list}`),
        ]),
      )
      const sockets = await Promise.all(requests.map((bytes) => sendAndStay(bytes)))
      expect([name, pathsIn(await sendRaw(port, last('/on')))]).toEqual([name, ['/on']])
      sockets.forEach((socket) => socket.destroy())
    }
  })

  it('answers what comes in one piece with an upgrade that is none, in order', async () => {
    const upgrade = (path: string): string => plain(path, 'Connection: upgrade', 'Upgrade: h2c')
    const pieces = [
      [upgrade('/1'), plain('/2')],
      [upgrade('/1'), upgrade('/2'), upgrade('/3'), plain('/4')],
      [plain('/1'), plain('/2'), upgrade('/3'), plain('/4')],
      [plain('/big'), upgrade('/2'), plain('/3')],
    ]
    for (const piece of pieces) {
      const answers = await sendRaw(port, piece.join('') + last('/last'))
      const expected = [...piece.map((bytes) => bytes.split(' ')[1] ?? ''), '/last']
      expect(pathsIn(answers)).toEqual(expected.filter((path) => path !== '/big'))
      expect(answers.includes(BIG)).toBe(piece[0]?.includes('/big'))
    }
  })

  it.each([
    ['a length', 'Content-Length: 5', 'hello'],
    ['chunks', 'Transfer-Encoding: chunked', '5\r\nhello\r\n0\r\n\r\n'],
  ])(
    'answers an upgrade with a body in %s, and what follows unless it closes',
    async (_, framing, body) => {
      const fields = ['Host: a', GOOD, 'Connection: upgrade', 'Upgrade: h2c', framing]
      const first = head('POST /1', ...fields) + body
      const answers = await sendRaw(port, first + plain('/2') + last('/3'))
      const [answer = ''] = answers.split('\r\n\r\n')
      const isClosed = /^connection: close$/im.test(answer)
      expect(answers).toContain('<POST /1 hello>')
      expect(pathsIn(answers)).toEqual(isClosed ? ['/1'] : ['/1', '/2', '/3'])
      // Since Node 26 its server reads the body itself, and loses what follows in the same piece.
      expect(isClosed).toBe(node.name.startsWith('Node 26'))
    },
  )

  it('takes upgrades one after the other on one connection, and leaves nothing behind', async () => {
    const socket = await openSocket(port)
    const received = collect(socket)
    for (let count = 1; count <= 12; count += 1) {
      socket.write(plain(`/${count}`, 'Connection: upgrade', 'Upgrade: h2c'))
      await expect.poll(() => pathsIn(received())).toContain(`/${count}`)
    }
    socket.destroy()
    expect(gateway.printed()).not.toContain('Warning')
  })

  it('opens a WebSocket, and answers 501 to one with a body', async () => {
    const bytes = handshake('/socket', GOOD)
    const socket = await openSocket(port)
    const received = collect(socket)
    socket.write(`${bytes}frame`)
    await expect.poll(received).toMatch(/^HTTP\/1\.1 101 [^]*\r\n\r\nframe$/)
    socket.destroy()
    const withBody = handshake('/socket', GOOD, 'Content-Length: 4') + 'body'
    expect(await sendRaw(port, withBody)).toMatch(/^HTTP\/1\.1 501 /)
  })

  async function sendAndStay(bytes: string) {
    const socket = await openSocket(port)
    socket.on('error', () => undefined)
    socket.write(bytes)
    return socket
  }
})

function pathsIn(answers: string): string[] {
  return [...answers.matchAll(/<\w+ (\S+) /g)].map(([, path = '']) => path)
}
