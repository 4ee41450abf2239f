import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { forwardAuthCommand } from '../../../src/cli/commands/forward-auth.ts'
import { createKey } from '../../../src/keys.ts'
import { startEndpointWithKeys } from '../../support/auth-endpoint.ts'
import { head, openSocket } from '../../support/raw-client.ts'
import { serveCommand, stopCommands } from '../../support/served-command.ts'
import { subrequest } from '../../support/subrequest.ts'
import { runLine } from '../../support/surroundings.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import { TOKEN } from '../../support/token.ts'
import type { ForwardAuthProxy } from '../../../src/forward-auth.ts'
import type { EndpointWithKeys } from '../../support/auth-endpoint.ts'
import type { Client } from '../../support/subrequest.ts'

const KEY = `sk-${TOKEN}`
const GOOD = { authorization: `Bearer ${KEY}` }

const inFolder = setupFolder()
let endpoint: EndpointWithKeys
beforeEach(async () => {
  endpoint = await startEndpointWithKeys({ [KEY]: 'alice' })
})
afterEach(async () => {
  await stopCommands()
  await endpoint.close()
})

async function start(proxy: ForwardAuthProxy, ...args: readonly string[]) {
  const line = ['--for', proxy, ...args]
  const command = serveCommand(forwardAuthCommand, line, { AUTH_ENDPOINT: endpoint.url })
  const url = await command.listening()
  const ask = (client: Client = { headers: GOOD }, path = '/', method = 'GET') => {
    const { headers } = subrequest(proxy, client)
    return fetch(`${url}${path}`, { method, headers })
  }
  return { ...command, url, ask }
}

function failWith(...args: readonly string[]) {
  return runLine(['forward-auth', ...args], [forwardAuthCommand], { AUTH_ENDPOINT: endpoint.url })
}

describe('a subrequest', () => {
  it('is decided about, and logged with the method and path of the client', async () => {
    const { ask, logged } = await start('nginx')
    const allowed = await ask({ target: '/v1/notes?secret=1', method: 'PUT', headers: GOOD })
    expect(allowed.status).toBe(200)
    expect(allowed.headers.get('x-auth-principal')).toBe('alice')
    const denied = await ask({ target: '/v1/notes', method: 'PUT' })
    expect(denied.status).toBe(401)
    expect(denied.headers.get('x-auth-error')).toBe(await denied.text())
    const facts = { method: 'PUT', path: '/v1/notes', clientAddress: '203.0.113.7' }
    expect(logged('decision')).toMatchObject([
      { outcome: 'allow', status: 200, ...facts },
      { outcome: 'deny', reason: 'missing_credentials', status: 401, ...facts },
    ])
    expect(logged('decision')[0]).not.toHaveProperty('principal')
  })

  it('that describes no request is logged as a denial, and the failure names the headers', async () => {
    const { url, logged } = await start('caddy')
    const { status } = await fetch(`${url}/open`, { headers: GOOD })
    expect(status).toBe(500)
    const code = 'proxy_misconfigured'
    expect(logged('decision')).toMatchObject([{ outcome: 'deny', reason: code, status, path: '' }])
    expect(logged('failure')).toMatchObject([
      {
        code,
        headers:
          'x-forwarded-uri, x-forwarded-method, x-forwarded-host, x-forwarded-proto, x-forwarded-for',
        message: 'the proxy must set these headers, each once: see the example for it',
      },
    ])
  })

  it.each([
    [{ target: '/a/../b' }, 400, 'malformed_request', ''],
    [{ target: '/a%2fb' }, 400, 'malformed_request', '/a%2fb'],
    [{ method: 'TRACE', target: '/a' }, 405, 'method_not_allowed', '/a'],
  ])(
    'that is rejected before the guard counts as a denial: %j',
    async (client, status, reason, path) => {
      const { ask, logged } = await start('nginx')
      expect((await ask({ headers: GOOD, ...client })).status).toBe(status)
      const method = 'method' in client ? client.method : 'GET'
      const clientAddress = '203.0.113.7'
      const denial = { outcome: 'deny', reason, status, path, method, clientAddress }
      expect(logged('decision')).toMatchObject([denial])
      expect(logged('failure')).toEqual([])
    },
  )

  it('that holds the key elsewhere is logged without it', async () => {
    const { ask, logged } = await start('nginx', '--raw-targets')
    const target = `/${KEY.replace('s', '%73').replace('-', '%252d')}`
    expect((await ask({ target, headers: GOOD })).status).toBe(200)
    expect((await ask({ target, method: KEY, headers: GOOD })).status).toBe(405)
    endpoint.respondWith(500)
    const unproven = await start('nginx', '--raw-targets')
    expect((await unproven.ask({ target, headers: GOOD })).status).toBe(503)
    expect([...logged('decision'), ...unproven.logged('decision')]).toMatchObject([
      { outcome: 'allow', method: 'GET', path: '' },
      { outcome: 'deny', reason: 'method_not_allowed', method: '', path: '' },
      { outcome: 'deny', reason: 'endpoint_unproven', method: 'GET', path: '' },
    ])
  })

  it('passes with a hidden slash only with --raw-targets', async () => {
    const { ask } = await start('haproxy', '--raw-targets')
    expect((await ask({ target: '/a%2fb', headers: GOOD })).status).toBe(200)
    expect((await ask({ target: '/a/..%2fb', headers: GOOD })).status).toBe(400)
  })

  it('is decided about by the options of the gateway', async () => {
    const { ask, logged } = await start(
      'nginx',
      '--public=/open/*',
      '--preflight=allow',
      '--realm=shop',
      '--credentials=header:x-api-key',
      '--credentials=cookie:session',
      '--log-principal',
    )
    expect((await ask({ target: '/open/a' })).status).toBe(200)
    expect((await ask()).headers.get('www-authenticate')).toBe('Bearer realm="shop"')
    expect((await ask({ headers: { 'x-api-key': KEY } })).status).toBe(200)
    expect((await ask({ headers: { cookie: `session=${KEY}` } })).status).toBe(200)
    const headers = { origin: 'https://a', 'access-control-request-method': 'PUT' }
    expect((await ask({ method: 'OPTIONS', headers })).status).toBe(200)
    expect(logged('decision').at(2)).toMatchObject({ principal: 'alice' })
  })
})

describe('the listener', () => {
  const fields = [...subrequest('nginx', { headers: GOOD }).headers].map(
    ([name, value]) => `${name}: ${value}`,
  )

  it.each([
    ['Upgrade: websocket', 'Connection: Upgrade'],
    ['Expect: 100-continue', 'Content-Length: 3'],
    ['Expect: the-unexpected'],
    ['Content-Length: 1000'],
    ['Transfer-Encoding: chunked'],
  ])('answers at once, whatever the client of the proxy sent: %s', async (...more) => {
    const { url } = await start('nginx')
    const socket = await openSocket(Number(new URL(url).port))
    socket.write(head('GET /', 'Host: a', ...fields, ...more))
    const [received] = (await once(socket, 'data')) as [Buffer]
    socket.destroy()
    expect(received.toString()).toMatch(/^HTTP\/1\.1 200 /)
  })

  it('takes 60 KiB of headers', async () => {
    const { ask } = await start('caddy')
    const target = `/?${'q'.repeat(30_000)}`
    expect((await ask({ target, headers: GOOD }, target)).status).toBe(200)
  })
})

it('--healthz answers a load balancer, but no subrequest of a proxy that passes on the path', async () => {
  const { url, ask, logged } = await start('nginx', '--healthz')
  const health = await fetch(`${url}/healthz`)
  expect(await health.json()).toEqual({ status: 'ok' })
  expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200)
  expect(logged('decision')).toEqual([])
  expect((await ask({ target: '/healthz' }, '/healthz')).status).toBe(401)
  expect((await fetch(`${url}/healthz`, { method: 'POST' })).status).toBe(500)
  const { status } = await fetch(`${url}/healthz`, { headers: { 'x-forwarded-uri': '/' } })
  expect(status).toBe(200)
  const without = await start('nginx')
  expect((await fetch(`${without.url}/healthz`)).status).toBe(500)
})

it('does not start if the auth endpoint allows a random key', async () => {
  endpoint.respondWith(200)
  const { code, noted } = await failWith('--for=nginx', '--port=0')
  expect(code).toBe(1)
  expect(noted).toMatch(/^with-auth: The command does not start: the auth endpoint allowed a/)
  expect(noted).not.toContain('rejected')
})

it('says at its start where it listens and for how long a revoked key works', async () => {
  const file = inFolder('keys.yaml')
  await createKey(file, { principal: 'alice' })
  const command = serveCommand(forwardAuthCommand, ['--for=nginx', '--keys', file])
  const url = await command.listening()
  expect(command.noted()).toContain(`with-auth: forward-auth on ${url} (a revoked key works for`)
  expect(command.logged('listening')).toMatchObject([{ revokedKeyWorksForMs: 1000 }])
})

it('cannot describe a protected resource: its document is a 200 that allows nothing', async () => {
  const file = inFolder('run.yaml')
  const resource =
    'resource: { identifier: https://api.example.test/, authorization_servers: [https://login.example.test] }'
  writeFileSync(file, `server:\n  auth:\n    endpoint: ${endpoint.url}\n    ${resource}\n`)
  const { code, noted } = await failWith('--for=nginx', '--config', file)
  expect(code).toBe(1)
  expect(noted).toContain('"resource" must be left out')
})
