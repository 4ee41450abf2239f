import { writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { openSocket } from '../../support/raw-client.ts'
import { collect, handshake } from '../../support/socket-gateway.ts'
import { KEY, setupGateway } from '../support/running-gateway.ts'
import type { ServerResponse } from 'node:http'

const ORIGIN = 'https://app.example'
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After, X-Request-Id'

let answer: (response: ServerResponse) => void = (response) => response.end('hello')
const { endpoint, inFolder, reached, start, startGuarded, acceptSockets } = setupGateway(
  (_request, response) => answer(response),
)

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
      const received = collect(socket)
      socket.write(handshake('/', `Origin: ${ORIGIN}`, ...fields))
      await expect.poll(received).toMatch(/^HTTP\/1\.1 .*\r\n\r\n/s)
      socket.destroy()
      return received().toLowerCase()
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

function preflight(url: string, origin: string): Promise<Response> {
  const headers = {
    origin,
    'access-control-request-method': 'POST',
    'access-control-request-headers': 'authorization,content-type,mcp-protocol-version',
  }
  return fetch(url, { method: 'OPTIONS', headers })
}
