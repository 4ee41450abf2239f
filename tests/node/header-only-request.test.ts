import { createServer } from 'node:http'
import { once } from 'node:events'
import { connect as connectHttp2, createServer as createHttp2Server } from 'node:http2'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { parseTarget } from '../../src/core/request/target.ts'
import { toHeaderOnlyRequest } from '../../src/node/header-only-request.ts'
import { close, listen } from '../support/loopback.ts'
import { head, sendRaw } from '../support/raw-client.ts'
import { TOKEN } from '../support/token.ts'
import type { AddressInfo } from 'node:net'

const seen: Request[] = []
const server = createServer((incoming, outgoing) => {
  seen.push(toHeaderOnlyRequest(incoming))
  outgoing.end()
})
let port: number

beforeAll(async () => {
  port = await listen(server)
})
afterAll(() => close(server))

async function see(requestLine: string, ...fields: string[]): Promise<Request> {
  await sendRaw(port, head(requestLine, 'Host: api.example.test', 'Connection: close', ...fields))
  const request = seen.pop()
  if (request === undefined) throw new Error(`Node itself refused ${requestLine}`)
  return request
}

describe('a header-only request', () => {
  it('has the original target and method, and headers with lower-case names', async () => {
    const request = await see('DELETE /a%2Fb/%63?x=1&x=2', 'X-Team: red', 'x-team: blue')
    expect(parseTarget(request.url)).toEqual({ path: '/a%2Fb/c', query: 'x=1&x=2' })
    expect(request.method).toBe('DELETE')
    expect([...request.headers]).toEqual([
      ['connection', 'close'],
      ['host', 'api.example.test'],
      ['x-team', 'red, blue'],
    ])
    expect(request.body).toBeNull()
    expect(request).toBeInstanceOf(Request)
  })

  it('joins repeated headers, also where Node drops the second', async () => {
    const request = await see(
      'GET /',
      `Authorization: Bearer ${TOKEN}`,
      'Authorization: Bearer evil',
    )
    expect(request.headers.get('authorization')).toBe(`Bearer ${TOKEN}, Bearer evil`)
  })

  it('keeps bytes above ASCII', async () => {
    const request = await see('GET /', 'Authorization: Bearer \xe9', 'X-Other: \xff')
    expect(request.headers.get('authorization')).toBe('Bearer \xe9')
    expect(request.headers.get('x-other')).toBe('\xff')
  })

  it('has a method that Fetch forbids, such as TRACE', async () => {
    expect((await see('TRACE /')).method).toBe('TRACE')
  })

  it('reads headers named like members of Object.prototype', async () => {
    const request = await see('GET /', '__proto__: x', 'constructor: y')
    expect(request.headers.get('__proto__')).toBe('x')
    expect(request.headers.get('constructor')).toBe('y')
  })
})

it('takes nothing from the Host into its path', async () => {
  await sendRaw(port, head('GET /admin', 'Host: h/public/x?', 'Connection: close'))
  const request = seen.pop()
  expect(parseTarget(request?.url ?? '')?.path).toBe('/admin')
  expect(request?.headers.get('host')).toBe('h/public/x?')
})

it('takes the whole path when a framework has shortened it', () => {
  const incoming = { url: '/x', originalUrl: '/mounted/x?a=1', method: 'GET', rawHeaders: [] }
  const request = toHeaderOnlyRequest(incoming)
  expect(parseTarget(request.url)).toEqual({ path: '/mounted/x', query: 'a=1' })
})

it('takes a missing method for empty, and a missing target for a malformed one', () => {
  const request = toHeaderOnlyRequest({ rawHeaders: ['x-odd'] })
  expect(request.method).toBe('')
  expect(request.url).toBe('')
  expect([...request.headers]).toEqual([['x-odd', '']])
})

it('is malformed if Fetch rejects the headers', () => {
  const rawHeaders = ['authorization', `Bearer ${TOKEN}`, 'x-bad', 'a\nb: c']
  const incoming = { url: '/', method: 'GET', rawHeaders }
  const request = toHeaderOnlyRequest(incoming)
  expect(request.url).toBe('')
  expect([...request.headers]).toEqual([])
})

it('takes :authority of HTTP/2 as the host, and omits the other pseudo-headers', async () => {
  const http2 = createHttp2Server((incoming, outgoing) => {
    seen.push(toHeaderOnlyRequest(incoming))
    outgoing.end()
  })
  http2.listen(0, '127.0.0.1')
  await once(http2, 'listening')
  const host = `127.0.0.1:${(http2.address() as AddressInfo).port}`
  const session = connectHttp2(`http://${host}`)
  const stream = session.request({ ':path': '/v1?a=1', authorization: 'Bearer k1' })
  stream.resume()
  await once(stream, 'end')
  session.close()
  http2.close()
  const request = seen.pop()
  expect(parseTarget(request?.url ?? '')).toEqual({ path: '/v1', query: 'a=1' })
  expect([...(request?.headers ?? [])]).toEqual([
    ['authorization', 'Bearer k1'],
    ['host', host],
  ])
})
