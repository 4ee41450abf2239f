import { describe, expect, it, vi } from 'vitest'
import { passOn } from '../../src/gateway/exchange.ts'
import { get } from '../support/requests.ts'
import { words } from '../support/words.ts'
import { codeOf, guardedGateway } from './sent.ts'

/** The response of an upstream as it reaches the client. */

/** The response to a GET, for an upstream whose `fetch` decodes. */
function passed(
  headers: Record<string, string>,
  status = 200,
  body: BodyInit | null = 'body',
  method = 'GET',
): Promise<Response> {
  const upstream = new Response(body, { status, headers })
  return guardedGateway(async () => upstream)(new Request(get('/', 'key'), { method }))
}

it.each([
  ...['gzip', 'gzip, chunked', 'chunked, chunked', ''].map((coding) => ({
    'transfer-encoding': coding,
  })),
  // Some fetch leaves them encoded.
  ...['zstd', 'gzip, zstd', 'dcb', 'x'].map((coding) => ({ 'content-encoding': coding })),
])('fails for the coding %j', async (headers) => {
  const response = await passed(headers)
  expect([response.status, await codeOf(response)]).toEqual([502, 'invalid_response'])
})

it.each(['gzip', 'GZip', 'x-gzip', 'deflate', 'br', 'identity', 'gzip, br'])(
  'lacks the content coding %s that fetch has decoded, and the encoded length',
  async (coding) => {
    const { headers } = await passed({ 'content-encoding': coding, 'content-length': '7' })
    expect([...headers.keys()]).toEqual(['content-type'])
  },
)

it('keeps coding and length with a fetch that does not decode', async () => {
  const headers = { 'content-encoding': 'zstd', 'content-length': '4' }
  const response = passOn(new Response('body', { headers }), 'GET', false)
  expect(Object.fromEntries(response.headers)).toMatchObject(headers)
  expect((await passed({ 'content-length': '4' })).headers.get('content-length')).toBe('4')
})

it('lacks the fields about the hop', async () => {
  const gone = words(
    'keep-alive proxy-authenticate proxy-connection te trailer upgrade alt-svc x-user',
  )
  const names = words('content-type date etag location set-cookie via www-authenticate')
  const fields = [...gone, ...names].map((name) => [name, 'a'])
  const { headers } = await passed({ ...Object.fromEntries(fields), connection: 'close, X-User' })
  expect([...headers.keys()]).toEqual(names)
})

it.each([204, 205, 304])('has neither body nor length with the status %i', async (status) => {
  const response = await passed({ 'content-length': '5', etag: '"1"' }, status, null)
  expect(response.body).toBeNull()
  expect([...response.headers.keys()]).toEqual(['etag'])
})

it('to HEAD has no body, even if fetch returns one, and the length of a GET', async () => {
  const cancel = vi.fn<() => void>()
  const body = new ReadableStream({ cancel })
  const response = await passed({ 'content-length': '5' }, 200, body, 'HEAD')
  expect(response.body).toBeNull()
  expect(response.headers.get('content-length')).toBe('5')
  expect(cancel).toHaveBeenCalledOnce()
})

it.each([0, 103, 199, 600])('fails for %i, which is not a final status', (status) => {
  expect(passOn(new Response(null, { status: 599 }), 'GET', true).status).toBe(599)
  const early = Object.defineProperty(new Response(), 'status', { value: status })
  // On workerd a Response may have such a status: the gateway must not leave it to that.
  expect(() => passOn(early, 'GET', true)).toThrow('Not a final status')
})

it('that cannot be passed on is cancelled, also if its stream throws', async () => {
  const cancel = vi.fn(() => {
    throw new Error('no')
  })
  await passed({ 'transfer-encoding': 'gzip' }, 200, new ReadableStream({ cancel }))
  await new Promise((resolve) => setTimeout(resolve))
  expect(cancel).toHaveBeenCalledOnce()
})

describe('the address of an upstream', () => {
  /** `Location` as the client gets it. */
  async function shown(value: string, upstream = 'http://u:8000', url = 'http://api.test/') {
    const fields = { location: value, 'content-location': value, link: value }
    const answer = async () => new Response('', { headers: fields })
    const request = new Request(url, get('/', 'key'))
    const { headers } = await guardedGateway(answer, { upstream, allowInsecureHttp: true })(request)
    expect(headers.get('content-location')).toBe(headers.get('location'))
    expect(headers.get('link')).toBe(value)
    return headers.get('location')
  }

  it.each([
    ['http://u:8000/v1/files/', '/v1/files/'],
    ['HTTP://U:8000/v1?a=%7E&b#c', '/v1?a=%7E&b#c'],
    ['http://u:8000', '/'],
    ['http://u:8000?a=1', '/?a=1'],
    ['//u:8000/x', '/x'],
    ['http://me:pw@u:8000/x', '/x'],
    // As UTF-8 reaches a Request: it must not be encoded twice.
    ['http://u:8000/caf\u00c3\u00a9', '/caf\u00c3\u00a9'],
    ...[
      'http://u/x',
      'http://u:8001/x',
      'http://u.evil.test:8000/x',
      'http://u:8000@evil.test/x',
      'http://evil.test/http://u:8000/x',
      '/base/x',
      'http://u:8000\\x',
      'http://u:99999/x',
      '/still-a-path/../x',
    ].map((other): [string, string] => [other, other]),
  ])('in %s is shown as %s', async (value, path) => {
    expect(await shown(value)).toBe(path)
  })

  it.each([
    ['http://u:8000/base/v1/x', '/v1/x'],
    ['http://u:8000/base', '/'],
    ['http://u:8000/base?a', '/?a'],
    ...[
      '/basement',
      '/other',
      '/base/../other',
      '/base/../base/x',
      '/base\t?a',
      String.raw`\base/x`,
    ].map((path): [string, string] => [`http://u:8000${path}`, `http://u:8000${path}`]),
  ])('with a base path in %s is shown as %s', async (value, path) => {
    expect(await shown(value, 'http://u:8000/base')).toBe(path)
  })

  it('is hidden by the scheme that the upstream was told, too', async () => {
    expect(await shown('https://u:8000/x', 'http://u:8000', 'https://api.test/')).toBe('/x')
    expect(await shown('https://u/x', 'http://u', 'https://api.test/')).toBe('/x')
    expect(await shown('https://u/x', 'http://u')).toBe('https://u/x')
    expect(await shown('http://u/x', 'http://u', 'https://api.test/')).toBe('/x')
  })

  it.each(['//evil.test/x', '/\\evil.test/x', '/\t/evil.test/x', '///evil.test', '/\t\\evil.test'])(
    'does not become another host by the path %j (open redirect)',
    async (path) => {
      for (const base of ['', '/base']) {
        const value = await shown(`http://u:8000${base}${path}`, `http://u:8000${base}`)
        expect(value).toBe(`/.${path}`)
        expect(new URL(value ?? '', 'https://api.test/a').origin).toBe('https://api.test')
      }
    },
  )
})
