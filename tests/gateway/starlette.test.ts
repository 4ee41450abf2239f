/** @module-tag slow */
import { once } from 'node:events'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { createSigner } from '../../src/verifiers/upstream/signature.ts'
import { whyMissing } from '../support/installed.ts'
import { findFreePort } from '../support/loopback.ts'
import { ROOT } from '../support/project.ts'
import { head, openSocket, sendRaw } from '../support/raw-client.ts'
import { GOOD, handshake, onHono } from '../support/socket-gateway.ts'
import { spawnProgram } from '../support/spawned-program.ts'
import { TOKEN } from '../support/token.ts'
import type { Verdict } from '../../src/index.ts'
import type { SocketGateway } from '../support/socket-gateway.ts'
import type { SpawnedProgram } from '../support/spawned-program.ts'

/** `examples/python/gateway_identity.py`, in Starlette behind the gateway. Its part for MCP servers is tried by hand: see docs/mcp.md. */

// Debian's, since its packages are there.
const PYTHON = '/usr/bin/python3'
const missing = whyMissing(
  [PYTHON, '-c', 'import starlette, uvicorn, websockets'],
  'python3-starlette uvicorn python3-websockets',
)
const SECRET = '0123456789abcdef0123456789abcdef'
const NEXT_SECRET = 'fedcba9876543210fedcba9876543210'
const BEARER = { authorization: `Bearer ${TOKEN}` }
const CALLER = {
  principal: 'alice b, é',
  tenant: 'acme',
  attributes: { roles: ['admin'], größe: ['ü"'] },
  scopes: ['notes:read', 'a b', 'c,d'],
  clientId: 'notes app',
}

interface Forgery {
  readonly ageMs?: number
  readonly version?: string
  readonly more?: readonly string[]
  readonly target?: string
}

describe.skipIf(missing !== undefined)(
  `an app of Starlette behind the gateway${missing === undefined ? '' : `: ${missing}`}`,
  () => {
    let app: SpawnedProgram
    let port: number
    const gateways: SocketGateway[] = []

    beforeAll(async () => {
      port = await findFreePort()
      const folders = [join(ROOT, 'examples/python'), join(ROOT, 'tests/gateway')]
      const args = ['-B', '-m', 'uvicorn', 'starlette_app:app', '--port', `${port}`]
      app = spawnProgram(PYTHON, args, { cwd: ROOT, env: { PYTHONPATH: folders.join(':') } })
      await app.printed(/running on/)
    })
    afterAll(async () => {
      await Promise.all(gateways.map((gateway) => gateway.close()))
      app.kill('SIGKILL')
      await app.ended
    })

    async function through(caller: object = CALLER, secret = SECRET, more = {}) {
      const verifier = (): Verdict => ({ outcome: 'allow', ...caller })
      const upstream = `http://127.0.0.1:${port}`
      const gateway = await onHono({ upstream, sign: { secret }, ...more }, { verifier })
      gateways.push(gateway)
      return gateway
    }

    async function ask(path: string, caller?: object, secret?: string) {
      const gateway = await through(caller, secret)
      return fetch(`http://127.0.0.1:${gateway.port}${path}`, { headers: BEARER })
    }

    it.each(['/notes/', '/notes/a%2Fb%20c?d=/e', '/notes/caf%C3%A9;v=1', '/notes//x'])(
      'gets the caller whom the gateway names, at %s',
      async (path) => {
        const response = await ask(path)
        expect(response.status).toBe(200)
        expect(await response.json()).toEqual(CALLER)
      },
    )

    it('gets a caller who has only a name and a scope', async () => {
      const nobody = { tenant: null, attributes: {}, clientId: null }
      const bob = { principal: 'bob', scopes: ['notes:read'] }
      expect(await (await ask('/notes/', bob)).json()).toEqual({ ...nobody, ...bob })
    })

    it('gets the names that the gateway writes in UTF-8, and keeps their percent signs', async () => {
      const caller = { ...CALLER, principal: 'alice%20b, é', scopes: ['notes:read', 'c,d%20é'] }
      const more = { identityHeaders: { encoding: 'utf-8' } }
      const gateway = await through(caller, SECRET, more)
      const url = `http://127.0.0.1:${gateway.port}/notes/`
      expect(await (await fetch(url, { headers: BEARER })).json()).toEqual(caller)
    })

    it('asks for scopes by `requires`', async () => {
      expect((await ask('/delete')).status).toBe(403)
      expect((await ask('/delete', { ...CALLER, scopes: ['notes:delete'] })).status).toBe(200)
      expect(
        (await ask('/notes/', { ...CALLER, scopes: ['notes:read notes:delete'] })).status,
      ).toBe(403)
    })

    it('believes each secret of a rotation, and no other gateway', async () => {
      expect((await ask('/notes/', CALLER, NEXT_SECRET)).status).toBe(200)
      const other = await ask('/notes/', CALLER, 'a-secret-of-another-gateway')
      expect(other.status).toBe(403)
      expect(await other.text()).toBe('Forbidden')
    })

    it('greets on a WebSocket', async () => {
      const gateway = await through()
      const socket = await openSocket(gateway.port)
      socket.write(handshake('/greet', GOOD))
      let received = ''
      socket.on('data', (chunk) => (received += String(chunk)))
      await expect.poll(() => received).toContain(CALLER.principal)
      socket.destroy()
      expect(received).toMatch(/^HTTP\/1\.1 101 /)
    })

    describe('that a client calls past the gateway', () => {
      const PLAIN = { principal: 'alice', tenant: '', attributes: '', scopes: '', client: '' }
      const line = (name: string, value: unknown): string => `X-Auth-${name}: ${String(value)}`

      async function forge(
        change: object = {},
        { ageMs = 0, version = 'v1', more = [], target = 'GET /notes/' }: Forgery = {},
      ) {
        const signer = createSigner(SECRET, () => Date.now() - ageMs)
        const caller = { ...PLAIN, scopes: 'notes:read' }
        const signed = await signer({ method: 'GET', path: '/notes/', ...caller })
        const signature = signed.replace('v1', version)
        const sent = Object.entries({ ...caller, ...change, signature })
        const fields = [...sent.map(([name, value]) => line(name, value)), ...more]
        const bytes = head(target, 'Host: a', 'Connection: close', ...fields)
        return Number((await sendRaw(port, bytes)).slice('HTTP/1.1 '.length, 'HTTP/1.1 200'.length))
      }

      it('takes what the gateway has signed', async () => {
        expect(await forge()).toBe(200)
        expect(await forge({}, { ageMs: 59_000 })).toBe(200)
        expect(await forge({}, { ageMs: -4000 })).toBe(200)
      })

      it.each<[object, Forgery?]>([
        [{ principal: 'bob' }],
        [{ principal: '' }],
        [{ tenant: 'acme' }],
        [{ attributes: '{"roles":["admin"]}' }],
        [{ scopes: 'notes:read admin' }],
        [{ client: 'admin' }],
        [{}, { ageMs: 61_000 }],
        [{}, { ageMs: -10_000 }],
        [{}, { version: 'v2' }],
        [{}, { target: 'HEAD /notes/' }],
        [{}, { target: 'GET /notes/2' }],
        [{}, { more: ['X-Auth-Principal: alice'] }],
        [{}, { more: ['X-Auth-Scopes: notes:read'] }],
      ])('rejects %j %j', async (change, options) => {
        expect(await forge(change, options)).toBe(403)
      })

      it('rejects a caller without a signature, on a WebSocket too', async () => {
        const headers = { 'x-auth-principal': 'alice', 'x-auth-scopes': 'notes:read' }
        expect((await fetch(`http://127.0.0.1:${port}/notes/`, { headers })).status).toBe(403)
        const socket = await openSocket(port)
        socket.write(handshake('/greet', 'X-Auth-Principal: alice'))
        const [received] = (await once(socket, 'data')) as [Buffer]
        socket.destroy()
        expect(String(received)).toMatch(/^HTTP\/1\.1 403 /)
      })
    })
  },
)

it.skipIf(missing !== undefined).each(['', 'short', `${SECRET} short`])(
  'the secret %j of the example is refused at the start',
  async (secret) => {
    const code = 'import os, gateway_identity as g; g.for_starlette(None, os.environ["SECRET"])'
    const options = { cwd: join(ROOT, 'examples/python'), env: { SECRET: secret } }
    const program = spawnProgram(PYTHON, ['-B', '-c', code], options)
    expect(await program.ended).toBe(1)
    expect(program.stderr()).toContain(
      'Each secret of WITH_AUTH_SIGN_SECRET must have at least 16 characters',
    )
    expect(program.stderr()).not.toContain(SECRET)
  },
)
