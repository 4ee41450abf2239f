import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { createKey } from '../../../src/keys.ts'
import { startAuthEndpoint } from '../../support/auth-endpoint.ts'
import { close, listen } from '../../support/loopback.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { TOKEN } from '../../support/token.ts'
import type { IncomingHttpHeaders, Server } from 'node:http'
import type { AuthEndpoint } from '../../support/auth-endpoint.ts'

const KEY = `sk-${TOKEN}`

let folder: string
let upstream: Server
let upstreamUrl: string
let reached: (string | undefined)[]
let received: IncomingHttpHeaders
let endpoint: AuthEndpoint

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'with-auth-gateway-'))
  reached = []
  upstream = createServer(({ url, headers }, response) => {
    reached.push(url)
    received = headers
    response.end()
  })
  upstreamUrl = `http://127.0.0.1:${await listen(upstream)}`
  endpoint = await startAuthEndpoint({ [KEY]: 'alice' })
})
afterEach(async () => {
  await stopCommands()
  await endpoint.close()
  await close(upstream)
  rmSync(folder, { recursive: true })
})

function start(args: readonly string[], env: Record<string, string> = {}) {
  return serveCommand(gatewayCommand, ['--upstream', upstreamUrl, ...args], env)
}

function call(url: string, key?: string): Promise<Response> {
  return fetch(url, key === undefined ? {} : { headers: { authorization: `Bearer ${key}` } })
}

describe('the settings of with-auth gateway', () => {
  async function startGuarded(...options: readonly string[]) {
    const gateway = start(options, { AUTH_ENDPOINT: endpoint.url })
    return { ...gateway, key: KEY, url: await gateway.listening() }
  }

  async function startWithKeys(...options: readonly string[]) {
    const file = join(folder, 'keys.yaml')
    const { key } = await createKey(file, { principal: 'alice' })
    const gateway = start(['--keys', file, ...options])
    return { ...gateway, key, url: await gateway.listening() }
  }

  it.each(['AUTH_ENDPOINT', '--keys'])(
    '%s: --public paths need no key and have no principal',
    async (way) => {
      const startIt = way === '--keys' ? startWithKeys : startGuarded
      const { url } = await startIt('--public', '/docs/*', '--public=/health')
      const claimed = { headers: { 'x-auth-principal': 'admin' } }
      expect((await fetch(`${url}/docs/intro`, claimed)).status).toBe(200)
      expect(received).not.toHaveProperty('x-auth-principal')
      expect((await fetch(`${url}/health`)).status).toBe(200)
      expect((await fetch(`${url}/health`, { method: 'POST' })).status).toBe(401)
      expect((await fetch(`${url}/docs`)).status).toBe(401)
      expect((await fetch(`${url}/healthy`)).status).toBe(401)
      expect(reached).toEqual(['/docs/intro', '/health'])
    },
  )

  it.each([
    '/public/../admin',
    '/public/%2e%2e/admin',
    '/public/..%2fadmin',
    '//public/x',
    'http://evil.example/public/../admin',
  ])('--public opens only its pattern, not %s', async (target) => {
    const { url } = await startGuarded('--public', '/public/*')
    const fields = ['Host: gateway.example', 'Connection: close']
    const answer = await sendRaw(Number(new URL(url).port), head(`GET ${target}`, ...fields))
    expect(answer).toMatch(/^HTTP\/1\.1 40[01] /)
    expect(reached).toEqual([])
  })

  it('passes a preflight on only with --preflight allow', async () => {
    const preflight = {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    }
    const closed = await startGuarded()
    expect((await fetch(`${closed.url}/a`, preflight)).status).toBe(401)
    closed.signal('SIGINT')
    const open = await startGuarded('--preflight', 'allow')
    expect((await fetch(`${open.url}/b`, preflight)).status).toBe(200)
    expect((await fetch(`${open.url}/c`, { method: 'OPTIONS' })).status).toBe(401)
    expect(reached).toEqual(['/b'])
  })

  it('--realm sets the realm of the challenge', async () => {
    const { url } = await startGuarded('--realm', 'models of "acme"')
    const challenge = (await fetch(url)).headers.get('www-authenticate')
    expect(challenge).toContain('realm="models of \\"acme\\""')
  })

  it('reads the key only from the header in --credentials', async () => {
    const { url, key, printed, noted } = await startGuarded('--credentials', 'header:x-api-key')
    const spelt = {
      'x-api-key': key,
      'x.api.key': key,
      X_Api_Key: key,
      authorization: 'Basic YTpi',
    }
    expect((await fetch(`${url}/a`, { headers: spelt })).status).toBe(200)
    expect(Object.keys(received).filter((name) => /^x.api.key$|authorization/.test(name))).toEqual(
      [],
    )
    expect(JSON.stringify(received)).not.toContain(key)
    expect((await call(`${url}/b`, key)).status).toBe(401)
    expect(reached).toEqual(['/a'])
    expect(printed() + noted()).not.toContain(key)
  })

  it('accepts several --credentials', async () => {
    const sources = ['--credentials=bearer', '--credentials=cookie:session']
    const { url, key } = await startGuarded(...sources)
    expect((await call(`${url}/a`, key)).status).toBe(200)
    const cookie = `theme=dark; session=${key}`
    expect((await fetch(`${url}/b`, { headers: { cookie } })).status).toBe(200)
    expect(received.cookie).toBe('theme=dark')
    expect((await fetch(`${url}/c`, { headers: { 'x-api-key': key } })).status).toBe(401)
  })

  it('forwards the key in the header with --forward-authorization', async () => {
    const more = ['--credentials', 'header:x-api-key', '--forward-authorization']
    const { url, key } = await startGuarded(...more)
    expect((await fetch(url, { headers: { 'x-api-key': key } })).status).toBe(200)
    expect(received['x-api-key']).toBe(key)
  })

  it('never logs a header that --credentials names', async () => {
    const both = ['--credentials=header:x-api-key', '--request-id-header=X-Api-Key']
    const gateway = start(both, { AUTH_ENDPOINT: endpoint.url })
    expect(await gateway.ended).toBe(2)
    expect(gateway.noted()).toContain(
      '--request-id-header must be the name of a header that holds no',
    )
  })
})
