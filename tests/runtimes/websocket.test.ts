import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { answerByToken, startAuthEndpoint } from '../support/auth-endpoint.ts'
import { BUN, NODES, locate } from './support/binaries.ts'
import { send } from './support/http.ts'
import { openConnection } from '../support/raw-client.ts'
import { onBun, onCommand, onDeno, onWorkerd } from './support/served-program.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthEndpoint } from '../support/auth-endpoint.ts'
import type { RawConnection } from '../support/raw-client.ts'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

/** The examples for WebSockets, as clients see them over the wire. */

const bearer = (key: string): string => `Authorization: Bearer ${key}`
const offer = (...protocols: string[]): string => `Sec-WebSocket-Protocol: ${protocols.join(', ')}`

/** The lines of each handshake, and the choice in the response of a server that speaks `chat`. */
const GOOD: [name: string, lines: readonly string[], chosen?: 'chat'][] = [
  ['a key in the header', [bearer(TOKEN)]],
  ['a key in the header, and a protocol', [bearer(TOKEN), offer('chat')], 'chat'],
  ['a key as the last protocol', [offer('chat', `key.${TOKEN}`)], 'chat'],
  ['a key as the first protocol', [offer(`key.${TOKEN}`, 'chat')], 'chat'],
  ['a key as a protocol in a field of its own', [offer(`key.${TOKEN}`), offer('chat')], 'chat'],
  ['the same key in both', [bearer(TOKEN), offer('chat', `key.${TOKEN}`)], 'chat'],
  ['a key as the only protocol', [offer(`key.${TOKEN}`)]],
  ['a key beside an unknown protocol', [offer(`key.${TOKEN}`, 'other')]],
]
const BAD: readonly (readonly [name: string, code: string, ...lines: readonly string[]])[] = [
  ['no key', 'missing_credentials'],
  ['no key, but a protocol', 'missing_credentials', offer('chat')],
  ['a prefix in capitals', 'missing_credentials', offer(`KEY.${TOKEN}`, 'chat')],
  ['a wrong key in the header', 'denied', bearer('wrong')],
  ['a wrong key as a protocol', 'denied', offer('chat', 'key.wrong')],
  ['a prefix without a key', 'malformed_credentials', offer('chat', 'key.')],
  ['a key twice', 'malformed_credentials', offer(`key.${TOKEN}`, 'chat', `key.${TOKEN}`)],
  ['two keys in a field', 'malformed_credentials', offer(`key.${TOKEN}`, 'key.wrong')],
  [
    'a key in each of two fields',
    'malformed_credentials',
    offer('key.wrong', 'chat'),
    offer(`key.${TOKEN}`),
  ],
  [
    'a wrong key in the header and a good one as a protocol',
    'malformed_credentials',
    bearer('wrong'),
    offer(`key.${TOKEN}`),
  ],
]

const APP = inject('app')

const ON_BUN = 'websocket-bun.ts'
const ON_DENO = 'websocket-deno.ts'
const ON_WORKERS = 'websocket-workers.ts'
const ON_NODE = 'websocket-node.js'
for (const name of [ON_BUN, ON_DENO, ON_WORKERS, ON_NODE]) {
  cpSync(join(import.meta.dirname, '../../examples', name), join(APP, name))
}

const SERVERS: readonly (readonly [name: string, start: Start])[] = [
  [`Bun: ${ON_BUN}`, onBun(ON_BUN)],
  ['Bun: Bun.serve({ routes })', onCommand(BUN, 'websocket-bun-routes.js')],
  [`Deno: ${ON_DENO}`, onDeno(ON_DENO)],
  [`workerd: ${ON_WORKERS}`, onWorkerd(ON_WORKERS)],
  [`workerd with nodejs_compat: ${ON_WORKERS}`, onWorkerd(ON_WORKERS, 'nodejs_compat')],
  ...NODES.map((node) => [`${node.name}: ${ON_NODE}`, onCommand(node, ON_NODE)] as const),
]

const SLOW = [bearer(TOKEN), 'X-Slow: yes']

let endpoint: AuthEndpoint
beforeAll(async () => {
  endpoint = await startAuthEndpoint((question) => ({
    ...answerByToken(question),
    delayMs: question.headers['x-slow'] === undefined ? 0 : 500,
  }))
})
afterAll(() => endpoint.close())

describe.each(SERVERS)('%s', (_name, start) => {
  let running: RunningServer
  beforeAll(async () => void (running = await start(APP, { AUTH_ENDPOINT: endpoint.url })))
  afterAll(() => running.stop())

  it.each(GOOD)('opens a WebSocket for %s', async (_case, lines, chosen) => {
    const handshake = await openWebSocket(running.url, lines)
    const protocols = chosen === undefined ? [] : [chosen]
    expect(handshake).toMatchObject({ status: 101, protocols })
    expect(handshake.head).not.toContain(TOKEN)
    expect(await handshake.exchange('hello')).toBe('alice: hello')
    expect(await handshake.exchange('again')).toBe('alice: again')
    await handshake.leave()
  })

  it.each(BAD)('rejects %s before any upgrade', async (_case, code, ...lines) => {
    const before = endpoint.received.length
    const handshake = await openWebSocket(running.url, lines)
    expect(handshake).toMatchObject({ status: 401, protocols: [] })
    expect(handshake.body).toContain(code)
    expect(endpoint.received.length - before).toBe(code === 'denied' ? 1 : 0)
    await handshake.leave()
  })

  it('opens a WebSocket for a client with the API of browsers', async () => {
    const { url } = running
    const answered = { protocol: 'chat', data: 'alice: hello' }
    expect(await runClient(url, 'chat', `key.${TOKEN}`)).toEqual(answered)
    expect(await runClient(url, `key.${TOKEN}`, 'chat')).toEqual(answered)
    expect(await runClient(url, 'chat', 'key.wrong')).toBe('refused')
    // Such a client fails where it offers protocols and none is chosen, so the key cannot be all that it offers.
    expect(await runClient(url, `key.${TOKEN}`)).toBe('refused')
  })

  it('answers 426 to an allowed request without an upgrade', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await send(running.url, { target: '/socket', headers })).toMatchObject({ status: 426 })
  })

  it('goes on when a client leaves during the check', async () => {
    const before = endpoint.received.length
    const connection = await beginHandshake(running.url, SLOW)
    await expect.poll(() => endpoint.received.length).toBe(before + 1)
    await connection.leave()
    const handshake = await openWebSocket(running.url, SLOW)
    expect(await handshake.exchange('hello')).toBe('alice: hello')
    await handshake.leave()
  })

  // `getAuth` throws in a handler that was called without a verdict.
  it('has printed no error', () => {
    expect(running.printed()).not.toMatch(/error|exception|unhandled|uncaught/i)
  })
})

/** Says hello through the WebSocket of Node 22, which Node 20 does not have yet. */
async function runClient(url: string, ...protocols: string[]): Promise<unknown> {
  const [client = ''] = NODES.filter(({ name }) => name === 'Node 22').map(locate)
  const address = new URL('/socket', url).href
  const args = [join(APP, 'websocket-client.js'), address, ...protocols]
  return JSON.parse((await promisify(execFile)(client, args, { timeout: 15_000 })).stdout)
}

// RFC 6455 §1.3: the example of the RFC, key and answer.
const KEY = 'dGhlIHNhbXBsZSBub25jZQ=='
const ACCEPT = 's3pPLMBiTxaQ9kYGzzhZRbK+xOo='
const FINAL_TEXT = 0x81
const MASKED = 0x80

/** Writes the request of a handshake, with these lines beside its own. */
async function beginHandshake(url: string, lines: readonly string[]): Promise<RawConnection> {
  const connection = await openConnection(url)
  const head = [
    'GET /socket HTTP/1.1',
    `Host: ${new URL(url).host}`,
    'Connection: Upgrade',
    'Upgrade: websocket',
    'Sec-WebSocket-Version: 13',
    `Sec-WebSocket-Key: ${KEY}`,
    ...lines,
  ]
  await connection.write(`${head.join('\r\n')}\r\n\r\n`)
  return connection
}

/** Opens a WebSocket, and reads how the handshake was answered, as it came over the wire. */
async function openWebSocket(url: string, lines: readonly string[]) {
  const connection = await beginHandshake(url, lines)
  const head = await connection.readThrough('\r\n\r\n')
  const status = Number(head.split(' ')[1])
  if (status === 101 && readField(head, 'sec-websocket-accept')[0] !== ACCEPT) {
    throw new Error(`No WebSocket was opened: ${head}`)
  }
  const length = Number(readField(head, 'content-length')[0] ?? 0)
  const body = (await connection.readBytes(length)).toString()
  return {
    status,
    /** The values of `Sec-WebSocket-Protocol` in the response. */
    protocols: readField(head, 'sec-websocket-protocol'),
    head,
    /** That of a rejection. */
    body,
    /** Sends a message, and waits for the one that comes back. */
    exchange: (message: string): Promise<string> => exchange(connection, message),
    leave: connection.leave,
  }
}

function readField(head: string, name: string): string[] {
  const prefix = `${name}:`
  return head
    .split('\r\n')
    .filter((line) => line.toLowerCase().startsWith(prefix))
    .map((line) => line.slice(prefix.length).trim())
}

/** Sends a message in one frame, with a mask of zeros, and reads the text of another (RFC 6455 §5.2). */
async function exchange(connection: RawConnection, message: string): Promise<string> {
  const mask = [0, 0, 0, 0]
  await connection.write(
    Buffer.from([FINAL_TEXT, MASKED | message.length, ...mask, ...Buffer.from(message)]),
  )
  const [type, length = 0] = await connection.readBytes(2)
  expect(type).toBe(FINAL_TEXT)
  return (await connection.readBytes(length)).toString()
}
