import { describe, expect, it } from 'vitest'
import { discard, passOn } from '../../src/gateway/exchange.ts'

function answered(headers: Record<string, string>, status = 200, body: string | null = 'body') {
  return passOn(new Response(body, { status, headers }), 'GET', true)
}

it('passes status, fields and body on', async () => {
  const response = passOn(
    new Response('body', { status: 418, statusText: 'Teapot', headers: { etag: '"1"' } }),
    'POST',
    true,
  )
  expect([response.status, response.statusText]).toEqual([418, 'Teapot'])
  expect(response.headers.get('etag')).toBe('"1"')
  expect(await response.text()).toBe('body')
})

it.each(['gzip', 'gzip, chunked', 'chunked, chunked', ''])(
  'passes no body on with the transfer coding %j',
  (coding) => {
    expect(() => answered({ 'transfer-encoding': coding })).toThrow('Unknown transfer coding')
  },
)

it('passes each cookie on by itself', () => {
  const upstream = new Response('')
  upstream.headers.append('set-cookie', 'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT')
  upstream.headers.append('set-cookie', 'b=2')
  expect(passOn(upstream, 'GET', true).headers.getSetCookie()).toEqual([
    'a=1; Expires=Wed, 21 Oct 2026 07:28:00 GMT',
    'b=2',
  ])
})

it('R11 A-I13 passes nothing on that is for this hop, nor what Connection names', () => {
  const { headers } = answered({
    connection: 'X-Internal',
    'x-internal': 'secret',
    'keep-alive': 'timeout=5',
    'alt-svc': 'h3=":8443"',
    'x-kept': '1',
  })
  expect(Object.fromEntries(headers)).toEqual({
    'content-type': 'text/plain;charset=UTF-8',
    'x-kept': '1',
  })
})

it('R8 passes a challenge on as it is', () => {
  const challenge = 'Basic realm="x", Bearer error="invalid_token"'
  const { headers, status } = answered({ 'www-authenticate': challenge }, 401)
  expect([status, headers.get('www-authenticate')]).toEqual([401, challenge])
})

describe('A-I12 what fetch has decoded', () => {
  it.each(['gzip', 'GZip', 'x-gzip', 'deflate', 'br', 'identity', 'gzip, br'])(
    'is passed on without %s, and without the length of that',
    (coding) => {
      const { headers } = answered({ 'content-encoding': coding, 'content-length': '7' })
      expect([...headers.keys()]).toEqual(['content-type'])
    },
  )

  it.each(['zstd', 'gzip, zstd', 'dcb', 'x'])('cannot be known for %s', (coding) => {
    expect(() => answered({ 'content-encoding': coding })).toThrow('Unknown content coding')
  })

  it('is passed on as it is where fetch would have taken the field away (Deno)', async () => {
    const headers = { 'content-encoding': 'zstd', 'content-length': '4' }
    const response = passOn(new Response('body', { headers }), 'GET', false)
    expect(response.headers.get('content-encoding')).toBe('zstd')
    expect(response.headers.get('content-length')).toBe('4')
    expect(await response.text()).toBe('body')
  })

  it('keeps the length of what was not', () => {
    expect(answered({ 'content-length': '4' }).headers.get('content-length')).toBe('4')
  })
})

describe('a response without a body', () => {
  it.each([204, 205, 304])('has none for %i, and no length', (status) => {
    const response = answered({ 'content-length': '5', etag: '"1"' }, status, null)
    expect(response.body).toBeNull()
    expect([...response.headers.keys()]).toEqual(['etag'])
  })

  it('has none for HEAD, and the length that a GET would have', () => {
    const upstream = new Response(null, { headers: { 'content-length': '5' } })
    const response = passOn(upstream, 'HEAD', true)
    expect(response.body).toBeNull()
    expect(response.headers.get('content-length')).toBe('5')
  })
})

it.each([200, 599])('passes on the status %i', (status) => {
  expect(answered({}, status).status).toBe(status)
})

it.each([0, 103, 199, 600])('throws for %i, which is no final status', (status) => {
  const early = Object.defineProperty(new Response(), 'status', { value: status })
  expect(() => passOn(early, 'GET', true)).toThrow(RangeError)
})

it('ends a body that nobody will read, whatever the stream says to that', async () => {
  let cancelled = 0
  const cancel = (): never => {
    cancelled += 1
    throw new Error('no')
  }
  discard(new Response(new ReadableStream({ cancel })))
  discard(new Response(null))
  await new Promise((resolve) => setTimeout(resolve))
  expect(cancelled).toBe(1)
})
