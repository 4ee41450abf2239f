import { inspect } from 'node:util'
import { http, HttpResponse } from 'msw'
import { setupServer } from 'msw/node'
import { afterAll, afterEach, beforeAll, describe, expect, it, vi } from 'vitest'
import {
  AuthConfigError,
  AuthUnavailableError,
  createAuthenticator,
  getAuth,
  withAuth,
} from '../src/index.ts'
import { ENDPOINT } from './support/msw-endpoint.ts'
import { get, raw } from './support/requests.ts'
import type { AuthConfig, AuthEvent } from '../src/index.ts'

/** Each case is an attack. Its title names the row of the threat catalogue, and the advisory it comes from. */

const BASE: AuthConfig = { endpoint: ENDPOINT, public: ['/healthz', '/public/*', '/'] }
const ELSEWHERE = 'https://evil.example.test/'

interface Outcome {
  readonly status: number
  readonly code: string | undefined
  readonly asked: { api_key: string; request: { path: string } & Record<string, unknown> }[]
  readonly handled: number
}

let asked: Outcome['asked'] = []
let elsewhere = 0
let answer = (_token: string): Response | Promise<Response> =>
  new HttpResponse(null, { status: 401 })
const server = setupServer(
  http.post(ENDPOINT, async ({ request }) => {
    const body = (await request.json()) as Outcome['asked'][number]
    asked.push(body)
    return answer(body.api_key)
  }),
  http.all(ELSEWHERE, () => {
    elsewhere += 1
    return HttpResponse.json({ principal: 'anyone' })
  }),
)

beforeAll(() => server.listen({ onUnhandledRequest: 'error' }))
afterEach(() => {
  asked = []
  elsewhere = 0
  answer = () => new HttpResponse(null, { status: 401 })
  vi.restoreAllMocks()
})
afterAll(() => server.close())

async function attack(request: Request, config: AuthConfig = BASE): Promise<Outcome> {
  const handler = vi.fn(() => new Response('secret'))
  const response = await withAuth(handler, config)(request)
  const body: unknown = response.status === 200 ? undefined : await response.json()
  const code = (body as { error: { code: string } } | undefined)?.error.code
  return { status: response.status, code, asked, handled: handler.mock.calls.length }
}

const header = (authorization: string, url = 'http://h/admin'): Request =>
  raw(url, { authorization })
const REFUSED = { status: 401, asked: [], handled: 0 }

describe('A-H: the header', () => {
  it.each([
    ['A-H1 two headers, good first (Envoy CVE-2021-32777)', 'Bearer good, Bearer evil'],
    ['A-H1 two headers, good last (Envoy CVE-2021-32777)', 'Bearer evil, Bearer good'],
    ['A-H2 another scheme beside a good token', 'Basic zzz, Bearer good'],
    ['A-H3 a list in one header', 'Bearer a, Bearer b'],
    ['A-H4 a full-width scheme (Caddy CVE-2026-45135)', 'ＢＥＡＲＥＲ good'],
    [
      'A-H4 a scheme that folds to ASCII only in Unicode (Caddy CVE-2026-45135)',
      'Beare\u017f good',
    ],
    ['A-H4 a no-break space in place of the space', 'Bearer\u00a0good'],
    ['A-H5 a tab in place of the space', 'Bearer\tgood'],
    ['A-H5 a vertical tab in place of the space', 'Bearer\u000bgood'],
    ['A-H6 8 KB of spaces', `Bearer${' '.repeat(8192)}`],
    ['A-H8 no token (capsule-proxy: an empty token passed)', 'Bearer'],
    ['A-H8 only blanks', 'Bearer  \t'],
    ['A-H8 an empty header', ''],
    ['A-H9 a quoted token (Kubernetes test list)', 'Bearer "good"'],
    ['A-H9 a parameter', 'Bearer token=good'],
    ['A-H9 a colon', 'Bearer: good'],
    ['A-H10 broken percent-encoding (Auth.js GHSA-xmf8-cvqr-rfgj)', 'Bearer %%'],
    ['A-H10 an encoded NUL', 'Bearer %00'],
    ['A-H11 a character of latin-1', 'Bearer \u00e9'],
    ['A-H11 what an invalid byte becomes', 'Bearer \ufffd'],
    ['A-H12 a NUL', 'Bearer go\u0000od'],
    ['A-H12 a line feed', 'Bearer good\nx-injected: y'],
    ['A-H12 a carriage return', 'Bearer good\rx'],
    ['A-H14 a token of 8 KiB and one', `Bearer ${'a'.repeat(8193)}`],
    ['A-H14 a token of 1 MB', `Bearer ${'a'.repeat(1_000_000)}`],
    ['A-H18 no scheme at all', 'good'],
  ])('%s', async (_title, authorization) => {
    answer = () => HttpResponse.json({})
    expect(await attack(header(authorization))).toMatchObject(REFUSED)
  })

  it.each([
    ['A-H18 only Proxy-Authorization', { 'proxy-authorization': 'Bearer good' }],
    ['A-H18 only a look-alike', { 'x-authorization': 'Bearer good' }],
    ['A-H18 only a cookie', { cookie: 'authorization=Bearer good' }],
    ['A-H19 magic headers (Next.js CVE-2025-29927)', { 'x-middleware-subrequest': 'middleware' }],
    ['A-H19 magic headers (oauth2-proxy CVE-2026-40575)', { 'x-forwarded-uri': '/healthz' }],
    ['A-H19 magic headers (oauth2-proxy CVE-2026-34457)', { 'user-agent': 'GoogleHC/1.0' }],
    ['A-H19 magic headers (Traefik CVE-2026-35051)', { 'x-forwarded-prefix': '/public' }],
    ['A-H19 magic headers (Ory CVE-2026-33495)', { 'x-forwarded-proto': 'https' }],
    [
      'A-H19 magic headers (oauth2-proxy/oauth2-proxy#3506)',
      { 'x-forwarded-uri': '/healthz', 'x-forwarded-for': '127.0.0.1' },
    ],
    ['A-H19 magic headers', { 'x-original-uri': '/healthz', 'x-rewrite-url': '/healthz' }],
  ])('%s', async (_title, headers) => {
    answer = () => HttpResponse.json({})
    expect(await attack(raw('http://h/admin', headers as Record<string, string>))).toMatchObject(
      REFUSED,
    )
  })

  it.each([
    ['A-H7 blanks around the value are not part of the token', '  Bearer good \t '],
    ['A-H6 two spaces are not part of the token', 'Bearer  good'],
    ['A-H4 the scheme has any ASCII case', 'bEaReR good'],
  ])('%s', async (_title, authorization) => {
    await attack(header(authorization))
    expect(asked).toMatchObject([{ api_key: 'good' }])
  })

  it('A-H14 a token of 8 KiB is asked about', async () => {
    expect((await attack(header(`Bearer ${'a'.repeat(8192)}`))).asked).toHaveLength(1)
  })

  it('A-H15 2,000 headers are asked about, and more than 64 KiB of them are not', async () => {
    const many = (size: number): Record<string, string> =>
      Object.fromEntries(
        Array.from({ length: 2000 }, (_, index) => [`x-${index}`, 'a'.repeat(size)]),
      )
    const ask = (size: number): Promise<Outcome> =>
      attack(raw('http://h/admin', { ...many(size), authorization: 'Bearer good' }))
    expect((await ask(1)).asked).toHaveLength(1)
    asked = []
    expect(await ask(100)).toMatchObject({ status: 400, asked: [], handled: 0 })
  })

  it('A-H16 header names of Object.prototype are plain names', async () => {
    const headers = JSON.parse(
      '{"__proto__": "a", "constructor": "b", "hasownproperty": "c"}',
    ) as object
    await attack(raw('http://h/admin', { ...headers, authorization: 'Bearer good' }))
    expect(Object.entries(asked[0]?.request['headers'] ?? {})).toEqual(
      expect.arrayContaining([
        ['__proto__', 'a'],
        ['constructor', 'b'],
      ]),
    )
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  it('A-H20 nothing of the request gets into the challenge', async () => {
    const request = raw('http://h%22,x/admin', {
      host: 'h", error="x',
      authorization: 'Bearer good',
    })
    const response = await withAuth(() => new Response('secret'), BASE)(request)
    expect(response.headers.get('www-authenticate')).toBe(
      'Bearer realm="api", error="invalid_token"',
    )
  })

  it('A-H21 a repeated header is told as Fetch joins it (Envoy CVE-2021-32777)', async () => {
    const request = get('/admin', 'good')
    request.headers.append('x-tenant', 'a')
    request.headers.append('x-tenant', 'b')
    await attack(request)
    expect(asked[0]?.request['headers']).toMatchObject({ 'x-tenant': 'a, b' })
  })
})

describe('A-P: the path', () => {
  it.each([
    ['A-P1 a dot segment (Heimdall GHSA-3q34-rx83-r6mq)', '/public/../admin'],
    ['A-P2 an encoded dot segment', '/public/%2e%2e/admin'],
    ['A-P2 a dot segment that is half encoded', '/public/.%2E/admin'],
    ['A-P2 a single encoded dot', '/%2e/healthz'],
    ['A-P4 a backslash (Caddy CVE-2026-52844)', '/public/..\\admin'],
    ['A-P9 a raw tab', '/healthz\t/admin'],
    ['A-P10 a fragment (Traefik CVE-2023-47106)', '/public#/../admin'],
    ['A-P10 a fragment (oauth2-proxy CVE-2026-41059)', '/admin#/public/'],
    ['A-P10 a fragment in the query', '/healthz?a#/admin'],
    ['A-P2 a triplet that only decoding makes', '/public/%2%65%2e/admin'],
  ])('%s is refused as malformed', async (_title, path) => {
    expect(await attack(raw(`http://h${path}`))).toMatchObject({
      status: 400,
      code: 'malformed_request',
      asked: [],
      handled: 0,
    })
  })

  it.each([
    ['A-P3 an encoded slash (fast-uri CVE-2026-6321)', 'http://h/public/..%2fadmin'],
    [
      'A-P3 an encoded slash after encoded dots (Ory CVE-2026-33494)',
      'http://h/public/%2e%2e%2fadmin',
    ],
    ['A-P3 an encoded slash before the dots', 'http://h/public%2f..%2fadmin'],
    ['A-P4 an encoded backslash', 'http://h/public/..%5cadmin'],
    ['A-P8 dots before a path parameter', 'http://h/public/..;/admin'],
    ['A-P8 dots before an encoded path parameter', 'http://h/public/..%3b/admin'],
    ['A-P12 userinfo in the absolute form', 'http://x@h/healthz'],
    ['A-P12 an authority and no path', 'http://h'],
    ['A-P13 a backslash in Host (a bypass of Hono on Deno)', 'http://h.test\\public/admin'],
    ['A-P13 a fragment in Host', 'http://h#x/healthz'],
    ['A-P13 a query in Host', 'http://h?/admin'],
    ['A-P13 a path and a query in Host (honojs/node-server#163)', 'http://h?x=/healthz'],
    ['A-P13 userinfo in Host', 'http://u:p@h/healthz'],
    ['A-P13 no Host', 'http:///healthz'],
    ['A-P13 a URL that is only a path', '/healthz'],
    ['A-P16 an asterisk', '*'],
    ['A-P16 CONNECT', 'h.test:80'],
  ])('%s is refused as malformed', async (_title, url) => {
    expect(await attack(raw(url))).toMatchObject({ status: 400, asked: [], handled: 0 })
  })

  it.each([
    ['A-P2 dots that are encoded twice', '/public/%252e%252e/admin'],
    ['A-P3 an encoded slash', '/public%2fx'],
    ['A-P4 an encoded backslash', '/public/%5cx'],
    ['A-P5 an empty segment (rou3 CVE-2025-71399)', '//public/x'],
    ['A-P6 a letter that is encoded twice', '/public/%2561dmin'],
    ['A-P5 an empty segment (middie CVE-2026-2880)', '/public//x'],
    ['A-P5 the root twice', '//'],
    ['A-P7 another case (Authelia CVE-2026-48794)', '/PUBLIC/x'],
    ['A-P7 another case (Caddy CVE-2026-27587)', '/%48ealthz'],
    ['A-P7 a slash after it', '/healthz/'],
    ['A-P7 something below an exact path', '/healthz/x'],
    ['A-P7 something that begins so', '/healthzz'],
    ['A-P7 the prefix without its slash', '/public'],
    ['A-P7 a sibling of the prefix', '/publicx'],
    ['A-P8 a path parameter', '/admin;x=/public/'],
    ['A-P8 a path parameter on the public path', '/healthz;a=1'],
    ['A-P9 an encoded NUL', '/healthz%00'],
    ['A-P9 an encoded line feed (OGX: a $ matched before it)', '/healthz%0a'],
    ['A-P9 an encoded blank', '/healthz%20'],
    ['A-P9 an encoded NUL below a prefix', '/public/%00/x'],
    ['A-P11 a public path in the query (oauth2-proxy CVE-2025-54576)', '/admin?x=/public/'],
    ['A-P11 a public path as the query', '/admin?/healthz'],
    ['A-P14 overlong UTF-8', '/public/%C0%AE%C0%AE%C0%AFadmin%2f'],
    ['A-P15 broken percent-encoding', '/healthz%'],
    ['A-P21 what a framework strips (Next.js CVE-2026-44575)', '/admin.rsc'],
  ])('%s is not public', async (_title, path) => {
    expect(await attack(raw(`http://h${path}`))).toMatchObject({
      ...REFUSED,
      code: 'missing_credentials',
    })
  })

  it.each([
    ['A-P13 a path and a query in Host (Deno and workerd make a URL of it)', 'h/public/x?'],
    ['A-P13 a path in Host (honojs/node-server#163)', 'h/public'],
    ['A-P13 a backslash in Host, even if the URL hides it', 'h\\public'],
    ['A-P13 userinfo in Host', 'u@h'],
    ['A-P13 a blank in Host', 'h /public'],
  ])('%s makes nothing public', async (_title, host) => {
    expect(await attack(raw('http://h/public/x', { host }))).toMatchObject(REFUSED)
  })

  it.each(['h', 'h.test:80', '[::1]:80', 'xn--h-xka.test', ''])(
    'A-P13 an ordinary Host %j does',
    async (host) => {
      expect(await attack(raw('http://h/public/x', { host }))).toMatchObject({
        status: 200,
        asked: [],
      })
    },
  )

  it.each([
    ['the first (middie CVE-2026-22031)', '/%61dmin'],
    ['several (fastify/fastify-express#174)', '/%61%64m%69n'],
    ['in upper-case digits (withastro/astro#14771)', '/admi%6E'],
  ])('A-P6 an encoded letter is told decoded, as routers read it: %s', async (_title, path) => {
    expect(await attack(raw(`http://h${path}`))).toMatchObject(REFUSED)
    await attack(header('Bearer good', `http://h${path}`))
    expect(asked[0]?.request.path).toBe('/admin')
  })

  it('A-P12 the authority of the absolute form decides nothing', async () => {
    await attack(header('Bearer good', 'http://evil.test/admin'))
    expect(asked[0]?.request.path).toBe('/admin')
    expect(JSON.stringify(asked)).not.toContain('evil.test')
  })

  it.each(['POST', 'PUT', 'DELETE', 'OPTIONS', 'get', 'FOO', 'TRACE'])(
    'A-P19 a public path is not public for %s',
    async (method) => {
      const headers = { 'x-http-method-override': 'GET' }
      expect(await attack(raw('http://h/healthz', headers, method))).toMatchObject(REFUSED)
    },
  )

  it('A-P22 everything cannot be public', () => {
    for (const path of ['*', '/*', '']) {
      expect(() => withAuth(() => new Response(''), { ...BASE, public: [path] })).toThrow(
        '"public[0]"',
      )
    }
  })

  it('A-P17 a path of 100 KB with 50,000 segments is refused or asked about, and quickly', async () => {
    const started = performance.now()
    await attack(header('Bearer good', `http://h${'/a'.repeat(50_000)}`))
    await attack(header('Bearer good', `http://h${'/.a%2'.repeat(20_000)}`))
    expect(performance.now() - started).toBeLessThan(1000)
    expect(asked).toEqual([])
  })
})

describe('A-Q: query and payload', () => {
  const tell = async (query: string, config = BASE): Promise<unknown> => {
    await attack(header('Bearer good', `http://h/admin?${query}`), config)
    return asked.at(-1)?.request['params']
  }

  it('A-Q1 a repeated parameter is told whole and in order', async () => {
    expect(await tell('t=mine&t=victim')).toEqual({ t: ['mine', 'victim'] })
    expect(await tell('t=victim&t=mine')).toEqual({ t: ['victim', 'mine'] })
  })

  it('A-Q2 names of Object.prototype are plain names', async () => {
    const params = await tell('__proto__=x&constructor=y&toString=z&__proto__[a]=1&__proto__=w')
    expect(Object.entries(params as object)).toEqual([
      ['__proto__', ['x', 'w']],
      ['constructor', 'y'],
      ['toString', 'z'],
      ['__proto__[a]', '1'],
    ])
    expect(({} as Record<string, unknown>)['a']).toBeUndefined()
  })

  it('A-Q4 10,000 parameters are refused, and nobody is asked', async () => {
    const outcome = await attack(header('Bearer good', `http://h/admin?${'a=1&'.repeat(10_000)}`))
    expect(outcome).toMatchObject({ status: 400, asked: [], handled: 0 })
  })

  it('A-Q5 broken encodings never throw', async () => {
    expect(await tell('a=%zz&b=%&c=%E0%A4')).toEqual({ a: '%zz', b: '%', c: '\ufffd' })
  })

  it('A-Q7 a lone surrogate is told as well-formed JSON', async () => {
    expect(await tell('a=\ud800&b=\u2028</script>')).toEqual({ a: '\ufffd', b: '\u2028</script>' })
  })

  it('A-Q8 blank values are kept', async () => {
    expect(await tell('a=&b&=c')).toEqual({ a: '', b: '', '': 'c' })
  })

  it('A-Q9 the query is not told where that is configured', async () => {
    expect(await tell('token=secret', { ...BASE, context: { params: 'none' } })).toEqual({})
    expect(JSON.stringify(asked)).not.toContain('secret')
  })

  it('A-Q10 cookies and proxy credentials are not told (Traefik CVE-2026-41181)', async () => {
    const secrets = { cookie: 'session=secret', 'proxy-authorization': 'Basic secret' }
    await attack(raw('http://h/admin', { ...secrets, authorization: 'Bearer good' }))
    expect(asked).toHaveLength(1)
    expect(JSON.stringify(asked)).not.toContain('secret')
  })

  it('R28 credentials in the query or the body are none', async () => {
    expect(await attack(raw('http://h/admin?access_token=good'))).toMatchObject(REFUSED)
  })
})

describe('A-E: the endpoint', () => {
  it.each([301, 302, 303, 307, 308])(
    'A-E1 to A-E5 a %d to a page that says 200',
    async (status) => {
      answer = () => new HttpResponse(null, { status, headers: { location: ELSEWHERE } })
      expect(await attack(get('/admin', 'good'))).toMatchObject({
        status: 401,
        code: 'denied',
        handled: 0,
      })
      expect(elsewhere).toBe(0)
    },
  )

  it.each([[{}], [{ location: ENDPOINT }], [{ location: 'file:///etc/passwd' }]])(
    'A-E6 a redirect with %j',
    async (headers) => {
      answer = () => new HttpResponse(null, { status: 302, headers })
      expect(await attack(get('/admin', 'good'))).toMatchObject({ code: 'denied', handled: 0 })
      expect(asked).toHaveLength(1)
    },
  )

  it.each([201, 202, 203, 204, 205, 206, 226, 299])('A-E7 a %d is no 200', async (status) => {
    answer = () => new HttpResponse(null, { status })
    expect(await attack(get('/admin', 'good'))).toMatchObject({ code: 'denied', handled: 0 })
  })

  it('A-E14 an endless body is read no further than 64 KiB', async () => {
    let sent = 0
    const body = (): ReadableStream<Uint8Array> =>
      new ReadableStream({
        async pull(controller) {
          await new Promise((resolve) => setTimeout(resolve, 0))
          sent += 1024
          controller.enqueue(new Uint8Array(1024).fill(0x20))
        },
      })
    answer = () => new HttpResponse(body(), { status: 200 })
    expect(await attack(get('/admin', 'good'))).toMatchObject({ status: 200, handled: 1 })
    const required = { ...BASE, identity: 'required' as const }
    expect(await attack(get('/admin', 'good'), required)).toMatchObject({
      code: 'invalid_response',
    })
    await new Promise((resolve) => setTimeout(resolve, 20))
    expect(sent).toBeLessThan(2 * 100 * 1024)
  })

  it('A-E23 a hostile identity gives nobody a role', async () => {
    const body =
      '{"__proto__":{"principal":"root"},"principal":"alice","attributes":{"__proto__":["admin"]}}'
    answer = () => new HttpResponse(body)
    const authenticate = createAuthenticator(BASE)
    const result = await authenticate(get('/admin', 'good'))
    const auth = result.ok ? result.auth : undefined
    expect(auth?.principal).toBe('alice')
    expect(Object.keys(auth?.attributes ?? {})).toEqual(['__proto__'])
    expect(Reflect.get({}, 'principal')).toBeUndefined()
  })

  it.each([
    ['deep', '['.repeat(60_000)],
    ['wide', `{"principal":"a","attributes":{${'"a":["b"],'.repeat(6000)}"a":[]}}`],
    ['a byte order mark', '\ufeff{"principal":"a"}'],
    ['duplicate keys', '{"principal":"a","principal":"b"}'],
    ['a large number', '{"principal":"a","n":1e999}'],
  ])('A-E24 a body that is %s neither throws nor lets in half an identity', async (_what, body) => {
    answer = () => new HttpResponse(body)
    expect(await attack(get('/admin', 'good'))).toMatchObject({ status: 200, handled: 1 })
  })

  it('A-E26 nothing of a denial reaches the client', async () => {
    const headers = {
      'set-cookie': 'a=b',
      'www-authenticate': 'Basic',
      location: ELSEWHERE,
      'x-own': 'a',
    }
    answer = () => new HttpResponse('internal detail', { status: 403, headers })
    const response = await withAuth(() => new Response('secret'), BASE)(get('/admin', 'good'))
    expect([...response.headers.keys()]).toEqual([
      'cache-control',
      'content-type',
      'www-authenticate',
    ])
    expect(await response.text()).not.toContain('internal detail')
  })

  it('A-L9 every denial has the same bytes, whatever the endpoint said', async () => {
    const responses: string[] = []
    for (const status of [201, 302, 401, 403, 404, 418]) {
      answer = () => new HttpResponse(`${status}`, { status })
      const response = await withAuth(
        () => new Response('secret'),
        BASE,
      )(get('/admin', `k${status}`))
      responses.push(
        JSON.stringify([response.status, [...response.headers], await response.text()]),
      )
    }
    expect(new Set(responses).size).toBe(1)
  })

  it.each(['99999999', '-1', 'NaN', 'Fri, 31 Dec 2099 23:59:59 GMT'])(
    'A-E27 a Retry-After of %s is clamped',
    async (value) => {
      answer = () => new HttpResponse(null, { status: 503, headers: { 'retry-after': value } })
      const config = { ...BASE, unavailableStatus: 503 as const }
      const response = await withAuth(() => new Response('secret'), config)(get('/admin', 'good'))
      const seconds = Number(response.headers.get('retry-after'))
      expect(Number.isInteger(seconds) && seconds >= 1 && seconds <= 30).toBe(true)
    },
  )

  it('A-E17 what one token is told is never told to another', { tags: ['slow'] }, async () => {
    answer = async (token) => {
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 10))
      return HttpResponse.json({ principal: token })
    }
    // A busy machine must not turn this into a test of the deadline.
    const config = { ...BASE, timeoutMs: 20_000 }
    const guarded = withAuth(
      (request: Request) => Response.json(getAuth(request).principal),
      config,
    )
    const tokens = Array.from({ length: 1000 }, (_, index) => `k${index}`)
    const principals = await Promise.all(
      tokens.map(async (token) => (await guarded(get('/admin', token))).json()),
    )
    // A-C14: nothing is shared between requests.
    expect(principals).toEqual(tokens)
  })
})

describe('A-I and A-K: the identity', () => {
  it('A-K15 a handler cannot change it (Ory: a cached value was changed)', async () => {
    answer = () => HttpResponse.json({ principal: 'alice', attributes: { roles: ['user'] } })
    const request = get('/admin', 'good')
    await withAuth(() => new Response(''), BASE)(request)
    const auth = getAuth(request)
    expect(() => (auth.attributes['roles'] as string[]).push('admin')).toThrow(TypeError)
    expect(() => Object.assign(auth.attributes, { admin: ['yes'] })).toThrow(TypeError)
    expect(() => Object.assign(auth, { principal: 'root' })).toThrow(TypeError)
  })

  it('A-I6 it does not come from the request (Clerk: a foreign req.auth was trusted)', async () => {
    const request = Object.assign(get('/admin', 'good'), { auth: { principal: 'root' } })
    request.headers.set('x-user', 'root')
    answer = () => HttpResponse.json({})
    await withAuth(() => new Response(''), BASE)(request)
    expect(getAuth(request)).not.toHaveProperty('principal')
  })

  it('A-I7 credentials on a public path are ignored', async () => {
    const request = get('/healthz', 'good')
    expect(await attack(request)).toMatchObject({ status: 200, asked: [], handled: 1 })
    expect(() => getAuth(request)).toThrow(TypeError)
  })
})

describe('A-L: leakage', () => {
  const CANARY = 'canary-Zm9vYmFy-0123456789'
  const config: AuthConfig = { ...BASE, endpointHeaders: { 'x-secret': CANARY } }
  const failures: [string, () => Response | Promise<Response>][] = [
    ['a denial', () => new HttpResponse(CANARY, { status: 403, statusText: CANARY })],
    ['an error', () => new HttpResponse(CANARY, { status: 500, headers: { 'x-a': CANARY } })],
    ['an outage', () => HttpResponse.error()],
    ['an allow', () => HttpResponse.json({})],
  ]

  it.each(failures)(
    'A-L1 no token in the response, events or console after %s',
    async (_what, respond) => {
      const events: AuthEvent[] = []
      const spies = (['log', 'info', 'warn', 'error', 'debug'] as const).map((name) =>
        vi.spyOn(console, name).mockImplementation(() => undefined),
      )
      answer = respond
      const observed = { ...config, onEvent: (event: AuthEvent) => events.push(event) }
      const request = get(`/admin?token=${CANARY}`, CANARY, { 'x-own': CANARY })
      const response = await withAuth(() => new Response(''), observed)(request)
      const seen = [
        await response.text(),
        [...response.headers],
        events,
        spies.map((spy) => spy.mock.calls),
      ]
      expect(events).toHaveLength(1)
      expect(inspect(seen, { depth: 20, showHidden: true })).not.toContain(CANARY)
    },
  )

  it.each([
    [
      'value',
      (token: string) => ({ principal: [token], attributes: { roles: { [token]: token } } }),
    ],
    ['name', (token: string) => ({ principal: 'alice', attributes: { [token]: 5 } })],
    ['part of a name', (token: string) => ({ attributes: { [`key of ${token}`]: 5 } })],
  ])('A-L1 no token in the warning about an identity that has it as a %s', async (_, identity) => {
    const events: AuthEvent[] = []
    const onEvent = (event: AuthEvent): void => void events.push(event)
    answer = (token) => HttpResponse.json(identity(token))
    const { status } = await attack(get('/a', 'sk-s3cret'), { ...BASE, onEvent })
    expect(status).toBe(200)
    expect(events.map(({ type }) => type)).toContain('warning')
    expect(JSON.stringify(events)).not.toContain('s3cret')
  })

  it.each<[string, AuthConfig]>([
    ['without a cache', BASE],
    ['with a cache', { ...BASE, cache: {}, context: { headers: [] } }],
    ['in shadow mode', { ...BASE, mode: 'shadow' }],
  ])(
    'A-L1 no token in an event when the endpoint and the client repeat it, %s',
    async (_, options) => {
      const events: AuthEvent[] = []
      const guarded = withAuth(() => new Response(''), {
        ...options,
        requestIdHeader: 'x-request-id',
        onEvent: (event) => void events.push(event),
      })
      answer = (token) => HttpResponse.json({ principal: `user-${token}` })
      for (let turn = 0; turn < 2; turn += 1) {
        await guarded(get('/a', CANARY, { 'x-request-id': CANARY }))
      }
      const decisions = events.filter(({ type }) => type === 'decision')
      expect(decisions).toMatchObject([{ outcome: 'allow' }, { outcome: 'allow' }])
      expect(JSON.stringify(events)).not.toContain(CANARY)
    },
  )

  it('A-L1 no token in what a verifier throws', async () => {
    const cause = new Error(CANARY)
    const events: AuthEvent[] = []
    const response = await withAuth(() => new Response(''), {
      verifier: () => Promise.reject(new AuthUnavailableError('unreachable', { cause })),
      onEvent: (event) => events.push(event),
    })(get('/admin', CANARY))
    expect(await response.text()).not.toContain(CANARY)
    expect(inspect(events, { depth: 20 })).not.toContain(CANARY)
  })

  it('A-L2 no secret in what is handed out', () => {
    const guarded = withAuth(() => new Response(''), config)
    const app = withAuth({ fetch: () => new Response('') }, config)
    const shown = inspect([guarded, app, createAuthenticator(config)], {
      depth: 20,
      showHidden: true,
    })
    expect(shown + JSON.stringify([guarded, app])).not.toContain(CANARY)
  })

  it('A-L3 no secret in the error for a bad endpoint', () => {
    for (const endpoint of [
      `https://u:${CANARY}@h/`,
      `https://${CANARY}@h/`,
      `http://h/?key=${CANARY}`,
    ]) {
      const refused = (): unknown => withAuth(() => new Response(''), { endpoint })
      expect(refused).toThrow('"endpoint" must be')
      expect(refused).not.toThrow(CANARY)
    }
  })
})

describe('A-N: mistakes in the config', () => {
  it.each<[string, AuthConfig]>([
    [
      'A-N1 a variable that is not set (Auth.js GHSA-8fpg-xm3f-6cx3)',
      { endpoint: undefined as never },
    ],
    ['A-N1 an empty endpoint (Traefik CVE-2026-54762)', { endpoint: '' }],
    ['A-N1 the word undefined', { endpoint: 'undefined' }],
    ['A-N2 http that is not loopback', { endpoint: 'http://auth.example.test/' }],
    ['A-N2 a host that looks like loopback', { endpoint: 'http://localhost.evil.test/' }],
    ['A-N3 userinfo', { endpoint: 'https://u:p@auth.example.test/' }],
    ['A-N4 a misspelt option', { endpoint: ENDPOINT, publicPaths: ['/a'] } as AuthConfig],
    ['A-N5 seconds as a string', { endpoint: ENDPOINT, timeoutMs: '5' as never }],
    ['A-N5 no time at all', { endpoint: ENDPOINT, timeoutMs: 0 }],
  ])('%s throws when the server starts', (_title, config) => {
    expect(() => withAuth(() => new Response('secret'), config)).toThrow(AuthConfigError)
    expect(() => createAuthenticator(config)).toThrow(AuthConfigError)
  })

  it('A-N10 what is no handler throws when the server starts', () => {
    expect(() => withAuth(undefined as never, BASE)).toThrow(TypeError)
  })
})

describe('A-W: the body', () => {
  it.each([
    ['without a token', undefined, 401],
    ['with a token', 'good', 200],
  ])('A-W3 is neither read, cloned nor locked %s', async (_what, token, status) => {
    answer = () => HttpResponse.json({})
    const pull = vi.fn<() => void>()
    const headers = token === undefined ? {} : { authorization: `Bearer ${token}` }
    const body = new ReadableStream({ pull }, { highWaterMark: 0 })
    const request = new Request('https://api.example.test/upload', {
      method: 'POST',
      headers,
      body,
      duplex: 'half',
    } as RequestInit)
    const clone = vi.spyOn(request, 'clone')
    expect(await attack(request)).toMatchObject({ status })
    expect(pull).not.toHaveBeenCalled()
    expect(clone).not.toHaveBeenCalled()
    expect([request.bodyUsed, request.body?.locked]).toEqual([false, false])
  })

  it('A-W7 the request is not changed', async () => {
    const request = get('/admin', 'good', { cookie: 'a=b' })
    const before = JSON.stringify([...request.headers])
    await attack(request)
    expect(JSON.stringify([...request.headers])).toBe(before)
    expect(Reflect.ownKeys(request)).toEqual(Reflect.ownKeys(get('/admin')))
  })

  it('A-W7 the signal of the request is not touched, which changes how Deno treats the request', async () => {
    const touched = vi.fn<() => undefined>()
    const request = Object.defineProperty(get('/admin', 'good'), 'signal', { get: touched })
    await attack(request)
    expect(touched).not.toHaveBeenCalled()
  })
})

describe('pollution of Object.prototype', () => {
  it.each<[string, unknown]>([
    ['mode', 'shadow'],
    ['public', ['/admin']],
    ['verifier', 1],
    ['config', { mode: 'shadow' }],
    ['header', 'x-key'],
    ['outcome', 'allow'],
    ['endpoint', ELSEWHERE],
    ['cache', {}],
  ])('%s set on all objects lets nobody in', async (name, value) => {
    vi.spyOn(console, 'error').mockImplementation(() => undefined)
    vi.stubEnv('AUTH_ENDPOINT', undefined)
    Object.defineProperty(Object.prototype, name, { value, configurable: true, enumerable: true })
    const handler = vi.fn(() => new Response('secret'))
    const sources = [undefined, () => ({ endpoint: ENDPOINT }), { verifier: () => ({}) as never }]
    try {
      for (const source of sources) await withAuth(handler, source)(get('/admin', 'k1'))
    } catch {
      // A config object that inherits what is not known is refused, which is as good.
    } finally {
      Reflect.deleteProperty(Object.prototype, name)
      vi.unstubAllEnvs()
    }
    expect(handler).not.toHaveBeenCalled()
    expect(elsewhere).toBe(0)
  })
})
