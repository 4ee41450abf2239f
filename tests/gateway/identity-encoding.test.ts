import { createServer } from 'node:http'
import { describe, expect, it } from 'vitest'
import { createForwardAuth } from '../../src/forward-auth.ts'
import { createGateway } from '../../src/gateway.ts'
import { withAuth } from '../../src/index.ts'
import { fromUpstream } from '../../src/verifiers/upstream/from-upstream.ts'
import { ask, serveHandler, startGuarded } from '../support/guarded-server.ts'
import { run } from '../support/tcp-endpoint.ts'
import { TOKEN } from '../support/token.ts'
import { words } from '../support/words.ts'
import type { IncomingMessage } from 'node:http'
import type { GatewayOptions } from '../../src/gateway.ts'

/** `identityHeaders.encoding: 'utf-8'`, on sockets. */

const SECRET = '0123456789abcdef0123456789abcdef'
const UTF8: Partial<GatewayOptions> = { identityHeaders: { encoding: 'utf-8' } }
const SIGNING = { sign: { secret: SECRET } }
const BEARER = ['Authorization', `Bearer ${TOKEN}`] as const
const SIGNED = fromUpstream({
  principalHeader: 'x-auth-principal',
  proof: { signature: 'x-auth-signature', secret: SECRET },
})

interface Names {
  readonly principal: string
  readonly tenant?: string
  readonly scopes?: readonly string[]
  readonly clientId?: string
}

async function startGateway(port: number, names: Names, options: Partial<GatewayOptions> = UTF8) {
  const upstream = `http://127.0.0.1:${port}`
  const gateway = createGateway({ upstream, ...options })
  const attributes = { größe: ['a, ü'] }
  return serveHandler(
    withAuth(gateway, { verifier: () => ({ outcome: 'allow', ...names, attributes }) }),
  )
}

/** The bytes of a header as UTF-8: Node gives a character for each. */
function textOf({ rawHeaders }: IncomingMessage, name: string): string | undefined {
  const value = rawHeaders[rawHeaders.indexOf(name) + 1]
  return rawHeaders.includes(name) ? Buffer.from(value ?? '', 'latin1').toString() : undefined
}

/** Reads the headers as OGX does: as UTF-8, and without decoding percent signs. */
async function startOgx(): Promise<number> {
  const { port } = await run(
    createServer((request, response) => {
      const attributes: unknown = JSON.parse(textOf(request, 'x-auth-attributes') ?? '{}')
      const principal = textOf(request, 'x-auth-principal')
      const tenant = textOf(request, 'x-auth-tenant')
      response.end(JSON.stringify({ principal, tenant, attributes }))
    }),
  )
  return port
}

const NAMES = ['alice', 'alice b', 'Doe, John', 'Jürgen Müller', '山田', 'a%20b', 'Å', '🙂 100%']

describe('an identity in UTF-8', () => {
  it.each(NAMES)('has the name %s for a server that decodes no percent signs', async (name) => {
    const port = await startGateway(await startOgx(), { principal: name, tenant: name })
    expect(await ask(port, [BEARER])).toEqual({
      status: 200,
      body: { principal: name, tenant: name, attributes: { größe: ['a, ü'] } },
    })
  })

  it('is what a subrequest of forward auth is answered, too', async () => {
    const forwardAuth = createForwardAuth(
      { verifier: () => ({ outcome: 'allow', principal: 'Jürgen Müller' }) },
      { for: 'nginx', identityHeaders: { encoding: 'utf-8' } },
    )
    const port = await serveHandler(forwardAuth)
    const fields = words(
      'Original-URI=/ Original-Method=GET Forwarded-Host=h Forwarded-Proto=http Forwarded-For=127.0.0.1',
    )
    const headers = fields.map((field) => `X-${field}`.split('=') as [string, string])
    const { headers: told } = await fetch(`http://127.0.0.1:${port}/`, {
      headers: [...headers, BEARER as unknown as [string, string]],
    })
    expect(Buffer.from(told.get('x-auth-principal') ?? '', 'latin1').toString()).toBe(
      'Jürgen Müller',
    )
  })
})

describe('a signed identity in UTF-8', () => {
  const options = { ...UTF8, ...SIGNING }

  it.each(NAMES)('reaches fromUpstream as %s', async (name) => {
    const server = await startGuarded(SIGNED)
    const names = { principal: name, tenant: name, clientId: name, scopes: ['lesen:ü', 'a%20b'] }
    const port = await startGateway(server.port, names, options)
    expect((await ask(port, [BEARER])).body).toMatchObject(names)
  })

  it.each([
    ['percent', 'v1', 'v2'],
    ['utf-8', 'v2', 'v1'],
  ] as const)(
    'is good for one encoding: %s cannot be read as another name',
    async (encoding, one, other) => {
      const seen: IncomingMessage[] = []
      const { port } = await run(
        createServer((request, response) => {
          seen.push(request)
          response.end('{}')
        }),
      )
      const names = { principal: encoding === 'percent' ? 'a b' : 'a%20b' }
      const gateway = await startGateway(port, names, { identityHeaders: { encoding }, ...SIGNING })
      await ask(gateway, [BEARER])
      const [request] = seen
      const { 'x-auth-signature': signature = '', 'x-auth-attributes': attributes } =
        request?.headers ?? {}
      expect(request?.headers['x-auth-principal']).toBe('a%20b')
      expect(signature).toContain(`,${one}=`)
      const server = await startGuarded(SIGNED)
      const told = (text: string) =>
        server.ask([
          ['X-Auth-Principal', 'a%20b'],
          ['X-Auth-Attributes', String(attributes)],
          ['X-Auth-Signature', text],
        ])
      expect((await told(String(signature))).body.principal).toBe(names.principal)
      expect((await told(String(signature).replace(one, other))).status).toBe(403)
    },
  )
})
