import { execFile } from 'node:child_process'
import { cpSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, inject, it } from 'vitest'
import { startAuthEndpoint } from './support/auth-endpoint.ts'
import { BUN, NODES, locate } from './support/binaries.ts'
import { BAD_ATTEMPTS, GOOD_ATTEMPTS, offer } from './support/handshakes.ts'
import { send } from './support/http.ts'
import { onCommand, onDenoServe, onWorkerd } from './support/served-program.ts'
import { beginHandshake, openWebSocket } from './support/websocket.ts'
import { TOKEN } from '../support/token.ts'
import type { AuthEndpoint } from './support/auth-endpoint.ts'
import type { Attempt } from './support/handshakes.ts'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

const APP = inject('app')
const EXAMPLES = join(import.meta.dirname, '../../examples')

const ON_BUN = 'websocket-bun.ts'
const ON_DENO = 'websocket-deno.ts'
const ON_WORKERS = 'websocket-workers.ts'
const ON_NODE = 'websocket-node.js'
const FILES = [ON_BUN, ON_DENO, ON_WORKERS, ON_NODE]
for (const name of FILES) cpSync(join(EXAMPLES, name), join(APP, name))

const CAREFUL: readonly (readonly [name: string, start: Start])[] = [
  [`Bun: ${ON_BUN}`, onCommand(BUN, '--port=0', ON_BUN)],
  ['Bun: Bun.serve({ routes })', onCommand(BUN, 'websocket-bun-routes.js')],
  [`Deno: ${ON_DENO}`, onDenoServe(ON_DENO)],
  [`workerd: ${ON_WORKERS}`, onWorkerd(ON_WORKERS)],
  [`workerd with nodejs_compat: ${ON_WORKERS}`, onWorkerd(ON_WORKERS, 'nodejs_compat')],
  ...NODES.map((node) => [`${node.name}: ${ON_NODE}`, onCommand(node, ON_NODE)] as const),
]

// Servers that leave the choice of the sub-protocol to the runtime or the library, and what that makes of `key.good, chat`.
const CARELESS: readonly (readonly [name: string, start: Start, named: readonly string[]])[] = [
  ['Bun', onCommand(BUN, '--port=0', 'websocket-careless-bun.js'), [`key.${TOKEN}`]],
  ['Deno', onDenoServe('websocket-careless-deno.js'), []],
  ['workerd', onWorkerd('websocket-careless-workers.js'), []],
  ...NODES.map(
    (node) =>
      [
        `ws on ${node.name}`,
        onCommand(node, 'websocket-careless-node.js'),
        [`key.${TOKEN}`],
      ] as const,
  ),
]

const NOTICED = { timeout: 10_000 }
const SLOW = [`Authorization: Bearer ${TOKEN}`, 'X-Scenario: slow']
const SLOW_ALLOW = { status: 200, body: '{"principal":"alice"}', delayMs: 500 }

let endpoint: AuthEndpoint
beforeAll(async () => {
  endpoint = await startAuthEndpoint()
  endpoint.plan('slow', [SLOW_ALLOW])
})
afterAll(() => endpoint.close())

describe.each(CAREFUL)('%s', (_name, start) => {
  const running = runAround(start)

  it.each(nameEach(GOOD_ATTEMPTS))('opens a WebSocket for %s', async (_case, { lines, chosen }) => {
    const handshake = await openWebSocket(running().url, lines)
    expect(handshake).toMatchObject({ status: 101, protocols: chosen })
    expect(handshake.head).not.toContain(TOKEN)
    expect(await handshake.exchange('hello')).toBe('alice: hello')
    expect(await handshake.exchange('again')).toBe('alice: again')
    await handshake.leave()
  })

  it.each(nameEach(BAD_ATTEMPTS))(
    'rejects %s before any upgrade',
    async (_case, { lines, code }) => {
      const before = endpoint.received.length
      const handshake = await openWebSocket(running().url, lines)
      expect(handshake).toMatchObject({ status: 401, protocols: [] })
      expect(handshake.body).toContain(code)
      expect(endpoint.received.length - before).toBe(code === 'denied' ? 1 : 0)
      await handshake.leave()
    },
  )

  it('opens a WebSocket for a client with the API of browsers', async () => {
    const { url } = running()
    const answered = { protocol: 'chat', data: 'alice: hello' }
    expect(await runClient(url, 'chat', `key.${TOKEN}`)).toEqual(answered)
    expect(await runClient(url, `key.${TOKEN}`, 'chat')).toEqual(answered)
    expect(await runClient(url, 'chat', 'key.wrong')).toBe('refused')
    // Such a client fails where it offers protocols and none is chosen, so the key cannot be all that it offers.
    expect(await runClient(url, `key.${TOKEN}`)).toBe('refused')
  })

  it('answers 426 to an allowed request without an upgrade', async () => {
    const headers = { authorization: `Bearer ${TOKEN}` }
    expect(await send(running().url, { target: '/socket', headers })).toMatchObject({ status: 426 })
  })

  it('goes on when a client leaves during the check', async () => {
    const before = endpoint.received.length
    const connection = await beginHandshake(running().url, SLOW)
    await expect.poll(() => endpoint.received.length, NOTICED).toBe(before + 1)
    await connection.leave()
    const handshake = await openWebSocket(running().url, SLOW)
    expect(await handshake.exchange('hello')).toBe('alice: hello')
    await handshake.leave()
  })

  // `getAuth` throws in a handler that was called without a verdict.
  it('has printed no error', () => {
    expect(running().printed()).not.toMatch(/error|exception|unhandled|uncaught/i)
  })
})

describe.each(CARELESS)('%s, when the server chooses no sub-protocol', (_name, start, named) => {
  const running = runAround(start)

  it.each(nameEach(BAD_ATTEMPTS))(
    'does not call the handler for %s',
    async (_case, { lines, code }) => {
      const handshake = await openWebSocket(running().url, lines)
      expect(handshake).toMatchObject({ status: 401, protocols: [] })
      expect(handshake.body).toContain(code)
      await handshake.leave()
      expect(running().printed()).not.toContain('HANDLER')
    },
  )

  it(`answers with ${named.join() || 'none'} of the protocols "key.good, chat"`, async () => {
    const handshake = await openWebSocket(running().url, [offer(`key.${TOKEN}`, 'chat')])
    expect(handshake).toMatchObject({ status: 101, protocols: named })
    expect(await handshake.exchange('hello')).toBe('hello')
    await handshake.leave()
    await expect.poll(() => running().printed(), NOTICED).toContain('HANDLER')
  })
})

// Vitest cuts a long `$name`.
function nameEach<T extends Attempt>(attempts: readonly T[]): (readonly [string, T])[] {
  return attempts.map((attempt) => [attempt.name, attempt])
}

/** Starts a server before the tests of a block, and stops it after them. */
function runAround(start: Start): () => RunningServer {
  let server: RunningServer
  beforeAll(async () => void (server = await start(APP, { AUTH_ENDPOINT: endpoint.url })))
  afterAll(() => server.stop())
  return () => server
}

/** Says hello through the WebSocket of Node 22, which Node 20 does not have yet. */
async function runClient(url: string, ...protocols: string[]): Promise<unknown> {
  const [client = ''] = NODES.filter(({ name }) => name === 'Node 22').map(locate)
  const address = new URL('/socket', url).href
  const args = [join(APP, 'websocket-client.js'), address, ...protocols]
  return JSON.parse((await promisify(execFile)(client, args, { timeout: 15_000 })).stdout)
}
