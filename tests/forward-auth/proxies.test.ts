/** @module-tag slow */
import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect as connectHttp2 } from 'node:http2'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import { promisify } from 'node:util'
import { afterAll, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest'
import { forwardAuthCommand } from '../../src/cli/commands/forward-auth.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import { startEndpointWithKeys } from '../support/auth-endpoint.ts'
import { whyMissing } from '../support/installed.ts'
import { readText } from '../support/project.ts'
import { PROGRAMS, startApp, startProxy } from './proxied-app.ts'
import { exchange, head, openSocket } from '../support/raw-client.ts'
import { serveCommand, stopCommands } from '../support/served-command.ts'
import { TOKEN } from '../support/token.ts'
import { words } from '../support/words.ts'
import type { EndpointWithKeys } from '../support/auth-endpoint.ts'
import type { TestedProxy } from './proxied-app.ts'

const KEY = `sk-${TOKEN}`
const GOOD = `Authorization: Bearer ${KEY}`
const LONG = `sk-long-${TOKEN}`
const { signature: _signature, ...IDENTITY } = GATEWAY_HEADERS
const NAMES = Object.values(IDENTITY)
const ALICE = {
  principal: 'alice',
  tenant: 'acme',
  attributes: { roles: ['admin'] },
  scope: 'notes:read notes:write',
  client_id: 'notes app',
}

const fold = (name: string): string => name.toLowerCase().replace(/[^a-z\d]/g, '-')

describe.each(['nginx', 'caddy', 'haproxy'] as const)('%s', (proxy: TestedProxy) => {
  const missing = whyMissing(...PROGRAMS[proxy])

  describe.skipIf(missing !== undefined)(
    `asks with-auth${missing === undefined ? '' : `: ${missing}`}`,
    () => {
      let app: Awaited<ReturnType<typeof startApp>>
      let endpoint: EndpointWithKeys
      let command: ReturnType<typeof serveCommand>
      let front: Awaited<ReturnType<typeof startProxy>>

      beforeAll(async () => {
        app = await startApp()
        endpoint = await startEndpointWithKeys({ [KEY]: ALICE, [LONG]: 'p'.repeat(8000) })
        const args = ['--for', proxy, '--raw-targets', '--healthz', '--public', '/open/*']
        command = serveCommand(forwardAuthCommand, args, { AUTH_ENDPOINT: endpoint.url })
        const auth = Number(new URL(await command.listening()).port)
        // `http2` is what a user adds beside TLS. Caddy and HAProxy need no such line.
        front = await startProxy(proxy, { auth, app: app.port }, (config) =>
          config.replace('merge_slashes off;', 'merge_slashes off; http2 on;'),
        )
      })
      afterAll(async () => {
        await front.stop()
        await stopCommands()
        await endpoint.close()
        await app.close()
      })
      beforeEach(() => void (app.reached.length = 0))

      const send = async (line: string, ...fields: readonly string[]) => {
        const bytes = head(line, 'Host: shop.example', 'Connection: close', ...fields)
        const response = await exchange(front.url, Buffer.from(bytes, 'latin1'))
        return { status: response?.status, body: response?.body ?? '', fields: response?.headers }
      }
      const valuesAt = (name: string): string[] =>
        app.reached.flatMap(({ fields }) =>
          fields.filter(([spelling]) => fold(spelling) === name).map(([, value]) => value),
        )
      const codeIn = (body: string): unknown => /"code":"(\w+)"/.exec(body)?.[1]

      it('passes a request with a good key on, with the identity and without the key', async () => {
        expect((await send('GET /v1/notes?a=1', GOOD)).status).toBe(200)
        expect(app.reached.map(({ line }) => line)).toEqual(['GET /v1/notes?a=1'])
        const values = ['alice', 'acme', '{"roles":["admin"]}', ALICE.scope, 'notes%20app']
        expect(NAMES.flatMap(valuesAt)).toEqual(values)
        expect(valuesAt('authorization')).toEqual([])
        expect(valuesAt('x-forwarded-for')).toEqual(['127.0.0.1'])
        expect(command.logged('decision').at(-1)).toMatchObject({
          path: '/v1/notes',
          outcome: 'allow',
          clientAddress: '127.0.0.1',
        })
      })

      it('passes on no request whose fields could cut off the identity', async () => {
        const crowd = Array.from({ length: 990 }, (_, index) => `a${index}: x`)
        // HAProxy takes fewer by itself.
        const status = proxy === 'haproxy' ? 400 : 431
        expect((await send('GET /v1/notes', GOOD, ...crowd)).status).toBe(status)
        expect(app.reached).toEqual([])
      })

      it('gives the client our 401, challenge and body', async () => {
        const { status, fields, body } = await send('GET /v1/notes')
        expect(status).toBe(401)
        expect(fields?.get('www-authenticate')).toEqual(['Bearer realm="api"'])
        expect(fields?.get('cache-control')).toEqual(['no-store'])
        expect(fields?.get('content-type')).toEqual(['application/json'])
        expect(codeIn(body)).toBe('missing_credentials')
        expect(app.reached).toEqual([])
      })

      const marks = "-_.!#$%&'*+^`|~".split('')
      const spellings = marks.flatMap((one) => marks.map((two) => `X${one}Auth${two}Principal`))
      const others = words(
        'X-AUTH-PRINCIPAL X-Auth-Tenant x_auth.attributes X-Auth-Scopes X_Auth.Client X-Auth-Signature',
      )
      it.each([...spellings, ...others])('never passes on %s of a client', async (name) => {
        await send('GET /a', GOOD, `${name}: root`, `${name}: root2`)
        await send('GET /open/a', `${name}: root`)
        expect(app.reached).toHaveLength(2)
        const sent = app.reached.flatMap(({ fields }) =>
          fields.filter(([spelling]) => fold(spelling).startsWith('x-auth-')),
        )
        expect(sent.map(([, value]) => value).filter((value) => value.includes('root'))).toEqual([])
        expect(valuesAt('x-auth-principal').filter((value) => value !== '')).toEqual(['alice'])
      })

      it.each([...NAMES, 'authorization', 'x-forwarded-for'])(
        'is not told to drop %s by Connection',
        async (name) => {
          await send('GET /a', GOOD, `Connection: close, ${name}`, 'X-Auth-Principal: root')
          const reached = app.reached.length
          expect(valuesAt('x-auth-principal')).toEqual(reached === 0 ? [] : ['alice'])
          expect(valuesAt('connection').join().toLowerCase()).not.toContain('x-')
        },
      )

      it.each([
        'X-Original-URI: /open/a',
        'X-Forwarded-Uri: /open/a',
        'X-Forwarded-Uri: /healthz',
        'X-Original-URL: /open/a',
        'X-Rewrite-URL: /open/a',
        'X-Original-Method: OPTIONS',
        'X-Forwarded-Method: OPTIONS',
        'X-HTTP-Method-Override: DELETE',
      ])('asks about the target of the request, whatever %s says', async (field) => {
        expect((await send('GET /admin', field)).status).toBe(401)
        expect(command.logged('decision').at(-1)).toMatchObject({ path: '/admin', method: 'GET' })
        expect(app.reached).toEqual([])
        await send('GET /admin', field, GOOD)
        const [name = ''] = field.toLowerCase().split(':')
        expect(valuesAt(name)).toEqual([])
      })

      it.each([
        'X-Forwarded-Host: open.example',
        'X-Forwarded-Proto: ftp',
        ...'X-Forwarded-For Forwarded X-Real-IP Remote-User X-Remote-User Client-Cert Proxy'
          .split(' ')
          // Some apps read every mark as a dash.
          .flatMap((name) => ['-', '_', '.', '!'].map((mark) => name.replaceAll('-', mark)))
          .map((name) => `${name}: 10.6.6.6`),
      ])('passes on nothing of %s', async (field) => {
        expect((await send('GET /a', GOOD, field)).status).toBe(200)
        expect(command.logged('decision').at(-1)).toMatchObject({ clientAddress: '127.0.0.1' })
        const said = field.split(': ')[1] ?? ''
        expect(
          app.reached.flatMap(({ fields }) => fields).filter(([, value]) => value.includes(said)),
        ).toEqual([])
      })

      it('answers /healthz as any other path, and never with the health of with-auth', async () => {
        expect((await send('GET /healthz')).status).toBe(401)
        expect((await send('HEAD /healthz')).status).toBe(401)
      })

      it.each(words('/a%2fb /a//b /a;v=1 /a%3bb /a%20b?x=%2F&y=// /%7Ealice /a%252fb /a|b'))(
        'passes %s on byte for byte',
        async (target) => {
          expect((await send(`GET ${target}`, GOOD)).status).toBe(200)
          const [got = ''] = app.reached.map(({ line }) => line)
          expect(got.replace('%7C', '|')).toBe(`GET ${target}`)
        },
      )

      it.each([
        '/open/../admin',
        '/open/%2e%2e/admin',
        '/open/..;/admin',
        '/open/..%2fadmin',
        '/open/%2e%2e%2fadmin',
        '/open//../admin',
        '/a\\..\\b',
        '/caf\u00e9',
      ])('lets nobody in by %s', async (target) => {
        const { status } = await send(`GET ${target}`)
        expect([400, 401]).toContain(status)
        expect(app.reached).toEqual([])
      })

      it.each(['OPTIONS *', 'TRACE /', 'TRACK /', 'get /', 'CONNECT a:1', 'GET admin'])(
        'passes nothing on for %s, even with a good key',
        async (line) => {
          await send(line, GOOD)
          expect(app.reached).toEqual([])
        },
      )

      it('decides about the path of a target in absolute form', async () => {
        expect((await send('GET http://evil.example/admin')).status).not.toBe(200)
        await send('GET http://shop.example/admin', GOOD)
        expect(app.reached.map(({ line }) => line).filter((line) => line !== 'GET /admin')).toEqual(
          [],
        )
      })

      it('passes on an identity of 8,000 characters beside long headers', async () => {
        const long = ['a', 'b'].map((name) => `X-Long-${name}: ${'x'.repeat(7000)}`)
        await send('GET /a', `Authorization: Bearer ${LONG}`, ...long)
        expect(valuesAt('x-auth-principal')).toEqual(['p'.repeat(8000)])
      })

      it('opens a WebSocket with a key, and none without', async () => {
        const upgrade = [
          'Host: a',
          'Connection: Upgrade',
          'Upgrade: websocket',
          'Sec-WebSocket-Version: 13',
          'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
        ]
        const denied = await exchange(front.url, Buffer.from(head('GET /ws', ...upgrade)))
        expect(denied?.status).toBe(401)
        const socket = await openSocket(front.port)
        socket.write(head('GET /ws', ...upgrade, GOOD, 'X-Auth-Principal: root'))
        let received = ''
        for await (const chunk of socket) {
          if (received === '') socket.write('\x81\x05hello', 'latin1')
          received += (chunk as Buffer).toString('latin1')
          if (received.endsWith('hello')) break
        }
        expect(received).toMatch(/^HTTP\/1\.1 101/)
        expect(valuesAt('x-auth-principal')).toEqual(['alice'])
      })

      it.each(['h2c', 'h2c/1', 'foo', 'websocket, h2c', 'h2c, websocket'])(
        'passes no upgrade to %s on, since its requests would not be checked',
        async (protocol) => {
          const names = [`Upgrade: ${protocol}`, 'HTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA']
          const request = head('GET /a', 'Host: a', 'Connection: Upgrade', ...names, GOOD)
          await exchange(front.url, Buffer.from(request))
          const passed = app.reached.flatMap(({ fields }) => fields.map(([name]) => name))
          expect(passed.filter((name) => /upgrade|settings/.test(name))).toEqual([])
        },
      )

      it.each([85, 97, 98, 400])('survives %i headers without a key', async (count) => {
        const fillers = Array.from({ length: count }, (_, index) => `X-F${index}: 1`)
        expect([400, 401, 431]).toContain((await send('GET /a', ...fillers)).status)
        expect((await send('GET /a', GOOD)).status).toBe(200)
        expect(app.reached).toHaveLength(1)
      })

      it('passes an upload of 20 MB on, and rejects one without a key before it is sent', async () => {
        const body = Buffer.alloc(20_000_000, 'a')
        const headers = { authorization: `Bearer ${KEY}` }
        const response = await fetch(`${front.url}/upload`, { method: 'POST', headers, body })
        expect(((await response.json()) as { length: number }).length).toBe(20_000_000)
        const line = head('POST /upload', 'Host: a', 'Content-Length: 20000000')
        const rejected = await exchange(front.url, Buffer.from(line))
        expect(rejected?.status).toBe(401)
        expect(app.reached).toHaveLength(1)
      })

      it('passes the start of an upload on before its end', async () => {
        const socket = await openSocket(front.port)
        socket.write(head('POST /begun', 'Host: a', GOOD, 'Content-Length: 10'))
        socket.write('start')
        const begun = (): unknown => app.callsFor('/begun').at(-1)?.content()
        await vi.waitFor(() => expect(begun()).toBe('start'), { timeout: 10_000 })
        socket.destroy()
      })

      it('streams a response while it is made', async () => {
        const response = await fetch(`${front.url}/stream`, {
          headers: { authorization: `Bearer ${KEY}` },
        })
        const reader = response.body?.getReader()
        const first = await reader?.read()
        expect(Buffer.from(first?.value ?? []).toString()).toBe('first')
        await reader?.cancel()
      })

      it('decides about HTTP/2 requests as well', async () => {
        const session = connectHttp2(front.url)
        const ask = async (fields: Record<string, string>) => {
          const stream = session.request({ ':path': '/h2?a=1', ...fields })
          let status: unknown
          stream.on('response', (got) => (status = got[':status']))
          await text(stream)
          return status
        }
        expect(await ask({})).toBe(401)
        expect(await ask({ authorization: `Bearer ${KEY}`, 'x-auth-principal': 'root' })).toBe(200)
        session.close()
        expect(app.reached.map(({ line }) => line)).toEqual(['GET /h2?a=1'])
        expect(valuesAt('x-auth-principal')).toEqual(['alice'])
      })

      it('gives what docs/forward-auth.md says to its four calls', async () => {
        const folder = mkdtempSync(join(tmpdir(), 'with-auth-calls-'))
        writeFileSync(join(folder, 'key.txt'), `${KEY}\n`)
        const page = readText('docs/forward-auth.md').split('## Check the configuration')[1] ?? ''
        const calls = /```sh\n(.*?)```/s.exec(page)?.[1]?.trim().split('\n') ?? []
        const bodies: string[] = []
        for (const call of calls) {
          const line = `${call} --silent`.replace('8080', String(front.port))
          const { stdout } = await promisify(execFile)('sh', ['-c', line], { cwd: folder })
          bodies.push(stdout)
        }
        rmSync(folder, { recursive: true })
        const isRejected = bodies.map((body) => body.includes('missing_credentials'))
        expect(isRejected).toEqual([true, false, false, true])
        expect(valuesAt('x-auth-principal')).toEqual(['alice', 'alice'])
        expect(command.logged('decision').at(-1)).toMatchObject({ path: '/private', status: 401 })
      })

      it('leaves the answers and the failures of the app alone', async () => {
        const denied = await send('GET /forbidden', GOOD)
        expect(denied.body).toContain('of the app')
        expect(denied.fields?.get('www-authenticate')).toEqual(['Basic realm="app"'])
        expect((await send('GET /broken', GOOD)).status).toBe(502)
      })

      it('gives the client a 503 with Retry-After while the endpoint fails', async () => {
        endpoint.respondWith(500)
        const { status, fields, body } = await send('GET /a', 'Authorization: Bearer sk-new')
        endpoint.respondWith(undefined)
        expect(status).toBe(503)
        expect(fields?.get('retry-after')).toHaveLength(1)
        expect(codeIn(body)).toBe('service_error')
        expect(app.reached).toEqual([])
      })
    },
  )
})
