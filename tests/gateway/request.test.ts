import { describe, expect, it, vi } from 'vitest'
import { defineVerifier } from '../../src/verifiers.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import { get, raw } from '../support/requests.ts'
import { words } from '../support/words.ts'
import { send, sendOrRefuse } from './sent.ts'
import type { GatewayOptions } from '../../src/gateway.ts'
import type { AuthConfig } from '../../src/index.ts'

/** The request as it reaches an upstream. `tests/support/gateway-rows.ts` has the bytes of requests, for every runtime. */

const ALWAYS = new Set(words('via accept-encoding x-forwarded-proto x-forwarded-host'))

/** A request with this URL, which `new Request` would repair. */
function requestTo(url: string, headers: Record<string, string> = {}): Request {
  return Object.defineProperty(get('/', 'key', headers), 'url', { value: url })
}

function requestBy(method: string, headers: Record<string, string> = {}): Request {
  return Object.defineProperty(get('/', 'key', headers), 'method', { value: method })
}

function upload(body: BodyInit | null, headers: Record<string, string> = {}): Request {
  const init = { method: 'POST', body, headers, duplex: 'half' }
  const request = new Request('https://api.test/x', init)
  request.headers.set('authorization', 'Bearer key')
  return request
}

const SHADOW: AuthConfig = { mode: 'shadow', verifier: () => ({ outcome: 'deny' }) }

/** Those headers of a client without an identity that reach the upstream. */
async function kept(
  headers: HeadersInit,
  options: Partial<GatewayOptions> = {},
  config: AuthConfig = {},
): Promise<Record<string, string>> {
  const request = new Request('https://api.test/x', { headers })
  const { init } = await send(request, options, { ...SHADOW, ...config })
  return Object.fromEntries([...init.headers].filter(([name]) => !ALWAYS.has(name)))
}

describe('a request', () => {
  it('has the identity, the facts about the client, and its own headers', async () => {
    const headers = {
      accept: 'text/event-stream',
      'content-encoding': 'zstd',
      cookie: 'a=1; b=2',
      traceparent: '00-1-2-01',
      'x-user': 'mine',
      constructor: 'a',
      hasownproperty: 'b',
    }
    const sent = await send(get('/%78?a=1', 'key', headers))
    expect(sent.url).toBe('http://127.0.0.1:8321/base/x?a=1')
    expect(sent.init).toMatchObject({ method: 'GET', body: null, duplex: 'half' })
    expect(sent.init.redirect).toBe('manual')
    expect(sent.headers).toEqual({
      ...headers,
      'accept-encoding': 'identity',
      via: expect.stringMatching(/^1\.1 with-auth-[a-z\d]{1,12}$/) as string,
      'x-auth-attributes': '{"roles":["admin"]}',
      'x-auth-principal': 'alice',
      'x-forwarded-host': 'api.example.test',
      'x-forwarded-proto': 'https',
    })
    expect(Object.entries(await kept([['__proto__', 'x']]))).toEqual([['__proto__', 'x']])
  })

  it.each([...words('GET HEAD POST PUT PATCH DELETE OPTIONS PROPFIND M-SEARCH TRACKS')])(
    'has the method %s, and no upgrade to h2c',
    async (method) => {
      const { init, headers } = await send(requestBy(method, { upgrade: 'h2c' }))
      expect([init.method, headers['upgrade']]).toEqual([method, undefined])
    },
  )

  it.each<[string, readonly Request[]]>([
    [
      'method_not_allowed',
      [...words('CONNECT TRACE TRACK get Post'), '', 'G ET'].map((method) => requestBy(method)),
    ],
    [
      'transfer_coding_not_supported',
      ['gzip, chunked', 'chunked, chunked', 'gzip', 'identity', ''].map((coding) =>
        upload('hello', { 'transfer-encoding': coding }),
      ),
    ],
    [
      'upgrade_not_supported',
      ['websocket', 'WebSocket', 'h2c, websocket', 'websocket/13', 'websocket , h2c'].map(
        (upgrade) => get('/', 'key', { upgrade }),
      ),
    ],
    // The server does not show the body, so it would be dropped.
    [
      'body_not_allowed',
      ['GET', 'HEAD'].map((method) => requestBy(method, { 'content-length': '5' })),
    ],
    [
      'malformed_request',
      [
        ...['h"x', 'h é', 'h,evil@x', '<h>', 'h:p', 'h%x', '_invalid_'].map((host) =>
          requestTo(`http://${host}/`),
        ),
        requestTo('/x'),
        requestTo('x-http://h/'),
        requestTo('http://h:p/', { upgrade: 'websocket' }),
        // Its headers cannot be listed.
        raw('https://api.test/', { authorization: 'Bearer key' }),
      ],
    ],
  ])('is refused: %s', async (code, requests) => {
    const refused = await Promise.all(requests.map((request) => sendOrRefuse(request)))
    expect(refused).toEqual(requests.map(() => code))
  })

  it('is refused with a header that only some runtimes accept', async () => {
    const request = get('/', 'key')
    const fields = [...request.headers, ['x-y', 'a\nb']]
    Object.defineProperty(request.headers, Symbol.iterator, { value: () => fields.values() })
    expect(await sendOrRefuse(request)).toBe('malformed_request')
  })
})

describe('Max-Forwards', () => {
  it.each([
    ['OPTIONS', '1', '0'],
    ['OPTIONS', '007', '6'],
    ['OPTIONS', '10', '9'],
    ['OPTIONS', '9'.repeat(64), '254'],
    ...['-1', '1, 5', '', '9'.repeat(65)].map((hops) => ['OPTIONS', hops, undefined] as const),
    ['GET', '0', '0'],
  ] as const)('of %s %j is sent as %j', async (method, hops, told) => {
    const { headers } = await send(requestBy(method, { 'max-forwards': hops }))
    expect(headers['max-forwards']).toBe(told)
  })

  it('of OPTIONS ends at the gateway with 0, and TRACE is not allowed', async () => {
    const ask = (method: string, hops: string) =>
      sendOrRefuse(requestBy(method, { 'max-forwards': hops }))
    expect([await ask('OPTIONS', '0'), await ask('OPTIONS', '00')]).toEqual(['204', '204'])
    expect(await ask('TRACE', '0')).toBe('method_not_allowed')
  })
})

describe('a body', () => {
  it('is the stream of the request, with its length', async () => {
    const request = upload('hello, world', { 'content-length': '12' })
    const { init, headers } = await send(request)
    expect([init.body === request.body, request.bodyUsed]).toEqual([true, false])
    expect(headers['content-length']).toBe('12')
  })

  it.each<[string, Record<string, string>]>([
    ['in chunks', {}],
    ['in Chunks', { 'transfer-encoding': 'Chunked' }],
    ['in chunks, and with a length', { 'transfer-encoding': 'chunked', 'content-length': '5' }],
    ['with two lengths', { 'content-length': '5, 6' }],
    ['with a signed length', { 'content-length': '+5' }],
    ['with a hexadecimal length', { 'content-length': '0x5' }],
    ['with other spellings of these', { transfer_encoding: 'chunked', content_length: '5' }],
  ])('that came %s has no length (request smuggling)', async (_, headers) => {
    const { headers: sent } = await send(upload('hello', headers))
    const names = Object.keys(sent).filter((name) => /content|transfer/.test(name))
    expect(names).toEqual(['content-type'])
  })

  it('is none if it ends before its first byte, or has the length 0', async () => {
    const empty = new ReadableStream<Uint8Array>({
      start: (controller) => {
        controller.enqueue(new Uint8Array(0))
        controller.close()
      },
    })
    for (const body of [new Blob([]).stream(), empty]) {
      expect((await send(upload(body))).init.body).toBeNull()
    }
    expect((await send(upload('hello', { 'content-length': '0' }))).init.body).toBeNull()
    // The upstream would wait for a body with this length.
    const { headers } = await send(upload(null, { 'content-length': '5' }))
    expect(headers['content-length']).toBeUndefined()
  })

  it('is sent whole, and is cancelled when the upstream cancels it', async () => {
    const whole = (await send(upload(new Blob(['abc']).stream()))).init.body
    expect(await new Response(whole).text()).toBe('abc')
    const cancel = vi.fn<(reason: unknown) => void>()
    const endless = new ReadableStream<Uint8Array>({
      pull: (controller) => controller.enqueue(new Uint8Array(1)),
      cancel,
    })
    await (await send(upload(endless))).init.body?.cancel('enough')
    expect(cancel).toHaveBeenCalledExactlyOnceWith('enough')
  })

  it.each([
    { 'content-length': '5' },
    { 'transfer-encoding': 'chunked' },
    { 'content-length': '0', 'transfer-encoding': 'chunked' },
  ])('that the headers %j announce is sent at once', async (headers) => {
    const request = upload(new ReadableStream(), headers)
    expect((await send(request)).init.body).toBe(request.body)
  })
})

// From RFC 9110 §7.6.1 and §11.7, RFC 9113 §3.1, and older practice.
const HOP_BY_HOP = words(`
  connection http2-settings keep-alive proxy-authenticate proxy-authentication-info proxy-authorization
  proxy-connection te trailer upgrade accept-encoding content-length expect host`)
/** Proxies and content networks describe the client in these. A client can claim anything. */
const ABOUT_THE_CLIENT = words(`
  ali-cdn-real-ip cdn-src-ip cf-connecting-ip cf-connecting-ipv6 cf-pseudo-ipv4 cf-visitor client-cert
  client-cert-chain client-ip do-connecting-ip fastly-client-ip fly-client-ip fly-forwarded-proto forwarded
  front-end-https incap-client-ip proxy-client-ip remote-addr remote-user ssl-client-verify true-client-ip via
  wl-proxy-client-ip wl-proxy-ssl x-azure-clientip x-azure-socketip x-client-ip x-cluster-client-ip
  x-envoy-external-address x-forwarded x-forwarded-for x-forwarded-prefix x-host x-nf-client-connection-ip
  x-original-for x-original-forwarded-for x-original-host x-originating-ip x-proxyuser-ip x-real-ip x-remote-group
  x-remote-ip x-scheme x-ssl-client-cert x-true-client-ip x-url-scheme x-vercel-forwarded-for`)
/** Servers take another path, method or internal redirect from these. */
const ABOUT_THE_TARGET = words(`
  path-info proxy script-name x-accel-mapping x-envoy-original-path x-http-destinationurl x-http-host-override
  x-http-method x-http-method-override x-method-override x-middleware-rewrite x-middleware-subrequest
  x-original-method x-original-uri x-original-url x-override-url x-rewrite-url x-script-name x-sendfile-type`)

describe('the headers of a client', () => {
  const all = (names: readonly string[]): Record<string, string> =>
    Object.fromEntries(names.map((name) => [name, '0']))

  it('lack those about the hop, the client and the target', async () => {
    expect(await kept(all([...HOP_BY_HOP, ...ABOUT_THE_CLIENT, ...ABOUT_THE_TARGET]))).toEqual({})
    const others = all(
      words(`accept content-type cookie user-agent x-forwarder x-envoyer x-original remote x-hostname
        scheme if-none-match origin my-remote-user not-x-forwarded-for`),
    )
    expect(await kept(others)).toEqual(others)
  })

  it('lack those that Connection names', async () => {
    const connection = 'close, X-User ,, keep-Alive'
    expect(await kept({ connection, 'x-user': 'a', 'x-use': 'b' })).toEqual({ 'x-use': 'b' })
  })

  it.each(Object.values(GATEWAY_HEADERS))(
    'lack %s in every spelling (CVE-2026-30851, CVE-2025-64484, CVE-2026-54763, CVE-2026-52845)',
    async (name) => {
      const [first, second, third] = name.split('-')
      const marks = "-_.!#$%&'*+^`|~".split('')
      const spelt = marks.map(
        (mark, index) => `${first}${mark}${second}${marks.at(-index)}${third}`,
      )
      expect(await kept(all([...spelt, name.toUpperCase()]))).toEqual({})
    },
  )

  it('lack the default identity headers even when others are configured', async () => {
    const identityHeaders = {
      principal: 'Remote-User',
      tenant: false,
      attributes: false,
      scopes: false,
      client: 'X_App',
    } as const
    const names = words(
      'Remote.User x.app x-auth-principal x-auth-tenant x-auth-scopes x-auth-client',
    )
    expect(await kept(all(names), { identityHeaders })).toEqual({})
  })

  it('lack those in stripHeaders in every spelling, and no others', async () => {
    const options = { stripHeaders: ['X-WebAuth-User', 'x_authentik_*'] }
    const stripped = words('X-WebAuth-User x_webauth.user X-Authentik-Groups x_authentik_meta')
    expect(await kept(all(stripped), options)).toEqual({})
    const others = all(words('x-webauth-user-2 x-authentik my-x-authentik-a'))
    expect(await kept(others, options)).toEqual(others)
  })
})

describe('credentials', () => {
  const headers = {
    authorization: 'Bearer secret',
    cookie: 'a=1; key=secret; b=2',
    'x-api-key': 'secret',
    'sec-websocket-protocol': 'chat, key.secret',
  }
  const credentials = [
    'bearer',
    { header: 'x-api-key' },
    { cookie: 'key' },
    { webSocketProtocol: 'key.' },
    { webSocketProtocol: 'old.' },
  ] as const
  const protocols = (value: string) => ({ 'sec-websocket-protocol': value })

  it.each<[Record<string, string>, Record<string, string>]>([
    [headers, { cookie: 'a=1; b=2', ...protocols('chat') }],
    [protocols('key.secret'), {}],
    [protocols('a,\tkey.secret ,b'), protocols('a, b')],
    [protocols('old.secret, a, key.secret'), protocols('a')],
    [protocols('a, KEY.b, my.key.c'), protocols('a, KEY.b, my.key.c')],
    [{ Sec_WebSocket_Protocol: 'key.secret', 'sec.websocket_protocol': 'chat' }, {}],
    [{ 'X_Api.Key': 'secret' }, {}],
    [{ cookie: ' key = secret ' }, {}],
    [{ cookie: 'key' }, {}],
    [{ cookie: 'keys=1;KEY=2' }, { cookie: 'keys=1; KEY=2' }],
  ])('of %j are removed', async (given, left) => {
    expect(await kept(given, {}, { credentials })).toEqual(left)
  })

  it('are removed where the guard reads them, and nothing else is changed', async () => {
    const others = {
      'sec-websocket-protocol': 'chat,key.a',
      sec_websocket_protocol: 'key.a',
      cookie: 'a=1;b=2',
    }
    const byHeader = { credentials: ['bearer', { header: 'x-api-key' }] } as const
    expect(await kept(others, {}, byHeader)).toEqual(others)
    const byCookie = { credentials: { cookie: 'b' } }
    expect(await kept(others, {}, byCookie)).toEqual({ ...others, cookie: 'a=1' })
  })

  it('in Authorization are removed even when the guard reads another header', async () => {
    const { authorization: _, ...others } = headers
    expect(await kept(headers, {}, { credentials: { header: 'x-key' } })).toEqual(others)
  })

  it('are kept with forwardAuthorization, unless stripHeaders names them', async () => {
    const options = { forwardAuthorization: true }
    expect(await kept(headers, options, { credentials })).toEqual(headers)
    const stripping = { ...options, stripHeaders: ['authorization'] }
    expect(await kept({ authorization: 'Bearer x' }, stripping)).toEqual({})
  })

  it.each([false, true])(
    'for the verifier alone are removed in every spelling, with forwardAuthorization: %s',
    async (forwardAuthorization) => {
      const ask = () => ({ outcome: 'deny' }) as const
      const verifier = defineVerifier({ ask, consumes: ['x-proxy-secret'] })
      const secret = { 'x-proxy-secret': 's', X_Proxy_Secret: 's', 'x.proxy.secret': 's' }
      const sent = await kept({ ...secret, 'x-other': 'o' }, { forwardAuthorization }, { verifier })
      expect(sent).toEqual({ 'x-other': 'o' })
    },
  )
})
