import { describe, expect, it } from 'vitest'
import { createKey } from '../../../src/keys.ts'
import { head, sendRaw } from '../../support/raw-client.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import type { IncomingHttpHeaders } from 'node:http'

let received: IncomingHttpHeaders
const { inFolder, reached, start, startGuarded } = setupGateway(({ headers }, response) => {
  received = headers
  response.end()
})

async function startWithKeys(...options: readonly string[]) {
  const file = inFolder('keys.yaml')
  await createKey(file, { principal: 'alice' })
  return { url: await start(['--keys', file, ...options]).listening() }
}

describe('the settings of with-auth gateway', () => {
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

  it('reads the key only from the header in --credentials', async () => {
    const { url, printed, noted } = await startGuarded('--credentials', 'header:x-api-key')
    const spelt = {
      'x-api-key': KEY,
      'x.api.key': KEY,
      X_Api_Key: KEY,
      authorization: 'Basic YTpi',
    }
    expect((await fetch(`${url}/a`, { headers: spelt })).status).toBe(200)
    expect(Object.keys(received).filter((name) => /^x.api.key$|authorization/.test(name))).toEqual(
      [],
    )
    expect(JSON.stringify(received)).not.toContain(KEY)
    expect((await call(`${url}/b`, KEY)).status).toBe(401)
    expect(reached).toEqual(['/a'])
    expect(printed() + noted()).not.toContain(KEY)
  })

  it('forwards the key in the header with --forward-authorization', async () => {
    const more = ['--credentials', 'header:x-api-key', '--forward-authorization']
    const { url } = await startGuarded(...more)
    expect((await fetch(url, { headers: { 'x-api-key': KEY } })).status).toBe(200)
    expect(received['x-api-key']).toBe(KEY)
  })

  it('answers GET and HEAD of /healthz without a key with --healthz, and nothing else', async () => {
    const { url, logged } = await startGuarded('--healthz')
    const health = await fetch(`${url}/healthz`)
    expect([health.status, await health.json()]).toEqual([200, { status: 'ok' }])
    expect(health.headers.get('content-type')).toBe('application/json')
    expect(health.headers.get('cache-control')).toBe('no-store')
    expect((await fetch(`${url}/healthz`, { method: 'HEAD' })).status).toBe(200)
    expect(logged('decision')).toEqual([])
    for (const [method, target] of [
      ['POST', '/healthz'],
      ['DELETE', '/healthz'],
      ['GET', '/healthz/'],
      ['GET', '/HEALTHZ'],
      ['GET', '/a?/healthz'],
    ] as const) {
      expect([target, (await fetch(url + target, { method })).status]).toEqual([target, 401])
    }
    const without = await startGuarded()
    expect((await fetch(`${without.url}/healthz`)).status).toBe(401)
    expect(reached).toEqual([])
  })

  it('forwards the Host of the client with --preserve-host alone', async () => {
    const hostAt = async (...options: readonly string[]) => {
      const { url } = await startGuarded(...options)
      const fields = ['Host: Shop.example', `Authorization: Bearer ${KEY}`, 'Connection: close']
      await sendRaw(Number(new URL(url).port), head('GET /', ...fields))
      return received.host
    }
    expect(await hostAt('--preserve-host')).toBe('Shop.example')
    expect(await hostAt()).toMatch(/^127\.0\.0\.1:\d+$/)
  })
})
