import { createServer } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterAll, beforeAll, beforeEach, describe, expect, inject, it } from 'vitest'
import { close, listen } from '../support/loopback.ts'
import { BUN, DENO, SOME_NODES } from './support/binaries.ts'
import { DENO_SERVE, onCommand, onSrvx, onWorkerd } from './support/served-program.ts'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { RunningServer } from './support/server-process.ts'
import type { Start } from './support/served-program.ts'

/** `firstOf` over an introspection endpoint and an auth endpoint. */

const CONTRACT = 'verifiers-contract.js'
const RUNTIMES: readonly (readonly [name: string, start: Start])[] = [
  ...SOME_NODES.map((node) => [node.name, onSrvx(node, CONTRACT)] as const),
  ['Bun', onCommand(BUN, '--port=0', CONTRACT)],
  ['Deno', onCommand(DENO, ...DENO_SERVE, CONTRACT)],
  ['workerd', onWorkerd(CONTRACT)],
]
const ACTIVE = {
  active: true,
  sub: 'alice',
  aud: ['my-api'],
  realm_access: { roles: ['admin'] },
}
/** The answers about the tokens of the identity provider. */
const ANSWERS: Readonly<Record<string, readonly [status: number, body: unknown]>> = {
  'o-good': [200, ACTIVE],
  'o-off': [200, { active: false }],
  'o-text': [200, { ...ACTIVE, active: 'true' }],
  'o-other': [200, { ...ACTIVE, aud: 'other' }],
  'o-refresh': [200, { ...ACTIVE, token_type: 'refresh_token' }],
  'o-401': [401, { error: 'invalid_client' }],
  'o-307': [307, ''],
}

let port = 0
let calls: string[] = []
let credentials: string | undefined
const server = createServer((request, response) => void answer(request, response))
beforeAll(async () => void (port = await listen(server)))
afterAll(() => close(server))

async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
  const body = await text(request)
  if (request.url === '/validate') {
    const { api_key: token } = JSON.parse(body) as { api_key: string }
    calls.push(`endpoint ${token}`)
    return send(response, token === 'e-good' ? 200 : 401, { principal: 'bob' })
  }
  const token = new URLSearchParams(body).get('token') ?? ''
  calls.push(`introspection ${token}`)
  credentials = request.headers.authorization
  return send(response, ...(ANSWERS[token] ?? [503, '']))
}

function send(response: ServerResponse, status: number, body: unknown): void {
  const headers = { 'content-type': 'application/json', location: '/validate' }
  response.writeHead(status, headers).end(JSON.stringify(body))
}

describe.each(RUNTIMES)('on %s', (_name, start) => {
  let running: RunningServer
  beforeAll(async () => void (running = await start(inject('app'), {})), 60_000)
  afterAll(() => running.stop())
  beforeEach(() => void (calls = []))

  async function decide(...tokens: string[]): Promise<Record<string, unknown>[]> {
    const services = `http://127.0.0.1:${port}`
    const asked = { introspect: `${services}/introspect`, endpoint: `${services}/validate`, tokens }
    const response = await fetch(running.url, { method: 'POST', body: JSON.stringify(asked) })
    return (await response.json()) as Record<string, unknown>[]
  }

  it('each token goes to its own service', async () => {
    expect(await decide('o-good', 'e-good', 'o-good', 'e-bad')).toMatchObject([
      { principal: 'alice', verifier: 'introspection', cache: 'miss' },
      { principal: 'bob', verifier: 'endpoint', cache: 'miss' },
      { principal: 'alice', verifier: 'introspection', cache: 'hit' },
      { reason: 'denied', verifier: 'endpoint' },
    ])
    expect(calls).toEqual(['introspection o-good', 'endpoint e-good', 'endpoint e-bad'])
    const encoded = 'my%3Aapi:a%3Ab%25c%2Bd%20%C3%BC%2F%3D%26'
    expect(credentials).toBe(`Basic ${Buffer.from(encoded).toString('base64')}`)
  })

  it('bad tokens are denied, and a fault of this server is an outage', async () => {
    const decisions = await decide(...Object.keys(ANSWERS))
    const events = decisions.filter(({ type }) => type === 'decision')
    expect(events.map(({ reason, detail }) => detail ?? reason)).toEqual([
      undefined,
      'inactive',
      'invalid_response',
      'audience',
      'type',
      'service_error',
      'service_error',
    ])
    expect(calls.filter((call) => call.startsWith('endpoint'))).toEqual([])
    expect(decisions.filter(({ type }) => type === 'warning')).toMatchObject([
      { message: 'The introspection endpoint answered 401: check "client"' },
      { message: 'The introspection endpoint answered 307: check "url"' },
    ])
  })
})
