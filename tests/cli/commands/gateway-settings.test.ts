import { describe, expect, it, onTestFinished } from 'vitest'
import { gatewayCommand } from '../../../src/cli/commands/gateway.ts'
import { withAuth } from '../../../src/index.ts'
import { createKey } from '../../../src/keys.ts'
import { fromUpstream } from '../../../src/verifiers.ts'
import { head, sendRaw, openSocket } from '../../support/raw-client.ts'
import { serveCommand } from '../../support/served-command.ts'
import { call, KEY, setupGateway } from '../support/running-gateway.ts'
import { writeFileSync } from 'node:fs'
import { collect, handshake } from '../../support/socket-gateway.ts'
import type { IncomingHttpHeaders, ServerResponse } from 'node:http'

let received: IncomingHttpHeaders
let answer: (response: ServerResponse) => void = (response) => response.end('hello')
const { acceptSockets, endpoint, inFolder, reached, start, startGuarded } = setupGateway(
  ({ headers }, response) => {
    received = headers
    answer(response)
  },
)

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
    const request = {
      method: 'OPTIONS',
      headers: { origin: 'https://app.example', 'access-control-request-method': 'PUT' },
    }
    const closed = await startGuarded()
    expect((await fetch(`${closed.url}/a`, request)).status).toBe(401)
    closed.signal('SIGINT')
    const open = await startGuarded('--preflight', 'allow')
    expect((await fetch(`${open.url}/b`, request)).status).toBe(200)
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

  it('answers 504 for an upstream that takes longer than --upstream-timeout-ms', async () => {
    answer = () => undefined
    onTestFinished(() => {
      answer = (response) => response.end('hello')
    })
    const { url } = await startGuarded('--upstream-timeout-ms', '50')
    expect((await call(url, KEY)).status).toBe(504)
  })

  it('sends a principal as --identity-encoding percent says, which is the default', async () => {
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'Jürgen' })
    for (const encoding of [[], ['--identity-encoding', 'percent']]) {
      const url = await start(['--keys', file, ...encoding]).listening()
      expect((await call(url, key)).status).toBe(200)
      expect(received['x-auth-principal']).toBe('J%C3%BCrgen')
    }
  })

  it('takes an upstream elsewhere without TLS with --allow-insecure-http', async () => {
    const upstream = ['--upstream', 'http://api.example.com', '--allow-insecure-http']
    const gateway = serveCommand(gatewayCommand, upstream, { AUTH_ENDPOINT: endpoint().url })
    expect((await fetch(await gateway.listening())).status).toBe(401)
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

describe('WITH_AUTH_SIGN_SECRET', () => {
  const SECRET = '0123456789abcdef0123456789abcdef'
  const NEXT = 'fedcba9876543210fedcba9876543210'

  /** The status that a guard with these secrets gives to the last request that the upstream got. */
  async function judge(path: string, ...secret: readonly string[]): Promise<number> {
    const proof = { signature: 'x-auth-signature', secret }
    const config = fromUpstream({ principalHeader: 'x-auth-principal', proof })
    const headers = new Headers(
      Object.entries(received).filter(
        (field): field is [string, string] => typeof field[1] === 'string',
      ),
    )
    const guarded = withAuth(() => new Response(), config)
    return (await guarded(new Request(`http://api.test${path}`, { headers }))).status
  }

  it('signs each identity with the first of several secrets, and nothing on a public path', async () => {
    const file = inFolder('keys.yaml')
    const { key } = await createKey(file, { principal: 'Jürgen Müller', tenant: 'acme' })
    const args = ['--keys', file, '--public=/public/*', '--identity-encoding', 'utf-8']
    const gateway = start(args, { WITH_AUTH_SIGN_SECRET: `${NEXT} ${SECRET}` })
    const url = await gateway.listening()
    expect((await call(`${url}/a?b=c`, key)).status).toBe(200)
    const principal = String(received['x-auth-principal'])
    expect(Buffer.from(principal, 'latin1').toString()).toBe('Jürgen Müller')
    expect(received['x-auth-tenant']).toBe('acme')
    expect(await judge('/a', SECRET, NEXT)).toBe(200)
    expect(await judge('/a', SECRET)).toBe(403)
    expect(await judge('/b', NEXT)).toBe(403)
    const claimed = { headers: { 'X-Auth-Signature': 't=1,v1=0', X_Auth_Signature: 't=1,v1=0' } }
    expect((await fetch(`${url}/public/x`, claimed)).status).toBe(200)
    expect(Object.keys(received).join()).not.toMatch(/x.auth/i)
    expect(gateway.printed() + gateway.noted()).not.toMatch(/0123456789|fedcba/)
  })

  it.each([
    '',
    'short-secret',
    `${SECRET} `,
    `${SECRET} short-secret`,
    `${SECRET}\u00fc`,
    `${SECRET}\n`,
  ])('%j stops the start, and is not shown', async (secrets) => {
    const gateway = start([], { AUTH_ENDPOINT: endpoint().url, WITH_AUTH_SIGN_SECRET: secrets })
    expect(await gateway.ended).toBe(2)
    expect(gateway.noted()).toContain(
      'WITH_AUTH_SIGN_SECRET must be 16 to 1024 visible ASCII characters',
    )
    expect(gateway.printed() + gateway.noted()).not.toMatch(/short-secret|01234/)
  })
})

const ORIGIN = 'https://app.example'
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After, X-Request-Id'

function fieldsOf({ headers }: Response): object {
  const names = ['allow-origin', 'expose-headers', 'allow-credentials']
  const cors = names.map((name) => [name, headers.get(`access-control-${name}`)])
  return { ...Object.fromEntries(cors), vary: headers.get('vary') }
}

const OPEN = {
  'allow-origin': ORIGIN,
  'expose-headers': EXPOSED,
  'allow-credentials': null,
  vary: 'Origin',
}
const CLOSED = { ...OPEN, 'allow-origin': null, 'expose-headers': null }

describe('with-auth gateway --cors-origin', () => {
  it('answers a preflight of the origin without a key, and the upstream never sees it', async () => {
    const { url } = await startGuarded('--cors-origin', ORIGIN, '--cors-origin=http://b.example:81')
    for (const origin of [ORIGIN, 'http://b.example:81']) {
      const response = await preflight(url, origin)
      expect(response.status).toBe(204)
      expect(Object.fromEntries(response.headers)).toMatchObject({
        'access-control-allow-origin': origin,
        'access-control-allow-methods': 'GET, HEAD, POST, PUT, PATCH, DELETE',
        'access-control-allow-headers': 'authorization,content-type,mcp-protocol-version',
        'access-control-max-age': '3600',
        vary: 'Origin',
      })
      expect(response.headers.has('access-control-allow-credentials')).toBe(false)
    }
    const long = await preflight(url, ORIGIN, 'x'.repeat(1025))
    expect([long.status, long.headers.has('access-control-allow-headers')]).toEqual([204, false])
    const plain = { origin: ORIGIN, 'access-control-request-method': 'GET' }
    const short = await fetch(url, { method: 'OPTIONS', headers: plain })
    expect([short.status, short.headers.has('access-control-allow-headers')]).toEqual([204, false])
    for (const origin of ['https://evil.example', `${ORIGIN}.evil.example`, 'null']) {
      const response = await preflight(url, origin)
      expect([response.status, fieldsOf(response)]).toEqual([401, CLOSED])
    }
    expect(reached).toEqual([])
  })

  it('lets the origin read a 401, a 403 and a 429 with their headers, and no other origin', async () => {
    const file = inFolder('run.yaml')
    const policy = 'unavailable_status: 503, route_policy: [{ forbid: { paths: /admin } }]'
    writeFileSync(file, `server: { auth: { endpoint: "${endpoint().url}", ${policy} } }`)
    const url = await start(['--config', file, '--cors-origin', ORIGIN]).listening()
    const ask = (path: string, key?: string, origin = ORIGIN): Promise<Response> =>
      fetch(url + path, { headers: { origin, ...(key && { authorization: `Bearer ${key}` }) } })
    const own = await ask('/')
    expect([own.status, fieldsOf(own)]).toEqual([401, OPEN])
    expect(own.headers.has('www-authenticate')).toBe(true)
    const other = await ask('/', undefined, 'https://evil.example')
    expect([other.status, fieldsOf(other)]).toEqual([401, CLOSED])
    const forbidden = await ask('/admin', KEY)
    expect([forbidden.status, fieldsOf(forbidden)]).toEqual([403, OPEN])
    endpoint().respondWith(429)
    const limited = await ask('/', 'sk-new')
    expect([limited.status, fieldsOf(limited)]).toEqual([429, OPEN])
    expect(limited.headers.has('retry-after')).toBe(true)
    expect(reached).toEqual([])
  })

  it('lets it read a 503 while the endpoint is unproven', async () => {
    await endpoint().close()
    const { url } = await startGuarded('--cors-origin', ORIGIN)
    const response = await fetch(url, { headers: { origin: ORIGIN } })
    expect([response.status, fieldsOf(response)]).toEqual([503, OPEN])
  })

  it('answers its preflights beside --preflight allow, which passes on those of other origins', async () => {
    const { url } = await startGuarded('--cors-origin', ORIGIN, '--preflight', 'allow')
    expect((await preflight(url, ORIGIN)).status).toBe(204)
    expect(reached).toEqual([])
    const other = await preflight(url, 'https://evil.example')
    expect([other.status, fieldsOf(other)]).toEqual([200, CLOSED])
    expect(reached).toEqual(['/'])
  })

  it('asks for the key of a WebSocket, and leaves the head of an open one as it is', async () => {
    acceptSockets()
    const { url } = await startGuarded('--cors-origin', ORIGIN)
    const open = async (...fields: string[]): Promise<string> => {
      const socket = await openSocket(Number(new URL(url).port))
      const bytes = collect(socket)
      socket.write(handshake('/', `Origin: ${ORIGIN}`, ...fields))
      await expect.poll(bytes).toMatch(/^HTTP\/1\.1 .*\r\n\r\n/s)
      socket.destroy()
      return bytes().toLowerCase()
    }
    const denied = await open('Access-Control-Request-Method: GET')
    expect(denied).toMatch(/^http\/1\.1 401 /)
    expect(denied).toContain(`access-control-allow-origin: ${ORIGIN}`)
    const opened = await open(`Authorization: Bearer ${KEY}`)
    expect(opened).toMatch(/^http\/1\.1 101 /)
    expect(opened).not.toMatch(/vary|access-control/)
  })

  it('opens an upstream without CORS headers, and leaves those that it sends', async () => {
    const { url } = await startGuarded('--cors-origin', ORIGIN)
    const headers = { origin: ORIGIN, authorization: `Bearer ${KEY}` }
    const fieldsFor = async (name: string, value: string): Promise<object> => {
      answer = (response) => response.setHeader(name, value).end('hello')
      const response = await fetch(url, { headers })
      return { status: response.status, ...fieldsOf(response) }
    }
    const open = { status: 200, ...OPEN }
    expect(await fieldsFor('access-control-expose-headers', 'X-Own')).toEqual({
      ...open,
      'expose-headers': 'X-Own',
    })
    expect(await fieldsFor('x-own', '1')).toEqual(open)
    expect(await fieldsFor('access-control-allow-origin', '*')).toMatchObject({
      'allow-origin': '*',
      'expose-headers': null,
    })
    // Starlette sends it to every origin. Without an origin it must not let pages send cookies.
    expect(await fieldsFor('access-control-allow-credentials', 'true')).toEqual(open)
  })

  it('adds nothing without the flag', async () => {
    const { url } = await startGuarded()
    const response = await fetch(url, { headers: { origin: ORIGIN } })
    expect(fieldsOf(response)).toEqual({ ...CLOSED, vary: null })
  })
})

function preflight(
  url: string,
  origin: string,
  names = 'authorization,content-type,mcp-protocol-version',
): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': names,
  }
  return fetch(url, { method: 'OPTIONS', headers })
}
