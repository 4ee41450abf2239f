import { describe, expect, it } from 'vitest'
import { createFacts } from '../../src/gateway/incoming.ts'
import { createCopyHeaders } from '../../src/gateway/request-headers.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import { get, raw } from '../support/requests.ts'
import { words } from '../support/words.ts'
import type { ClientAddress } from '../../src/gateway.ts'
import type { SecretSource } from '../../src/core/response/admission.ts'

const { signature: _signature, ...NAMES } = GATEWAY_HEADERS
const OPTIONS = { identityHeaders: NAMES, forwardAuthorization: false, stripHeaders: [] }
const copy = createCopyHeaders(OPTIONS)

function copied(
  headers: Record<string, string>,
  credentials: readonly SecretSource[] = ['bearer'],
  by = copy,
): Record<string, string> {
  return Object.fromEntries(by(new Headers(headers), credentials))
}

describe('the copy of a client’s headers', () => {
  it('has all headers for the upstream', () => {
    const headers = {
      accept: 'text/event-stream',
      'content-encoding': 'zstd',
      'content-type': 'application/json',
      cookie: 'a=1; b=2',
      traceparent: '00-1-2-01',
      'x-user': 'mine',
      constructor: 'a',
      hasownproperty: 'b',
    }
    expect(copied(headers)).toEqual(headers)
    expect(copy(new Headers([['__proto__', 'x']]), []).get('__proto__')).toBe('x')
  })

  it.each(
    words(`
    X-Auth-Principal x_auth_principal X.Auth.Principal X-Auth_Principal
    X-AUTH-ATTRIBUTES x_auth.attributes
    X-Auth-Tenant x_auth_tenant X.Auth_Tenant
    X-Auth-Scopes x_auth_scopes X-AUTH.SCOPES
    X-Auth-Client x_auth_client X.Auth.Client
    X-Auth-Signature x_auth_signature x-AUTH.signature
  `),
  )('lacks the identity header %s (CVE-2026-30851)', (name) => {
    expect(copied({ [name]: 'admin' })).toEqual({})
  })

  it('lacks the default identity headers even when others are configured', () => {
    const names = { principal: 'remote-user', tenant: undefined, attributes: undefined }
    const identityHeaders = { ...names, scopes: undefined, client: 'x-app' }
    const by = createCopyHeaders({ ...OPTIONS, identityHeaders })
    const defaults = { 'x-auth-principal': 'a', 'x-auth-tenant': 'b', 'x-auth-scopes': 'c' }
    const headers = { 'Remote.User': 'admin', X_App: 'a', ...defaults, 'x-auth-client': 'd' }
    expect(copied(headers, [], by)).toEqual({})
  })

  it('lacks the headers in stripHeaders in every spelling, and no others', () => {
    const by = createCopyHeaders({ ...OPTIONS, stripHeaders: ['x-webauth-user', 'x-authentik-*'] })
    const stripped = ['X-WebAuth-User', 'x_webauth.user', 'X-Authentik-Groups', 'x_authentik_meta']
    for (const name of stripped) expect(copied({ [name]: 'admin' }, [], by)).toEqual({})
    const others = { 'x-webauth-user-2': 'a', 'x-authentik': 'b', 'my-x-authentik-a': 'c' }
    expect(copied(others, [], by)).toEqual(others)
  })
})

describe('credentials', () => {
  const headers = {
    authorization: 'Bearer secret',
    cookie: 'a=1; key=secret; b=2',
    'x-api-key': 'secret',
    'sec-websocket-protocol': 'chat, key.secret',
  }
  const sources = [
    'bearer',
    { header: 'x-api-key' },
    { cookie: 'key' },
    { webSocketProtocol: 'key.' },
  ] as const

  it.each<[Record<string, string>, Record<string, string>]>([
    [headers, { cookie: 'a=1; b=2', 'sec-websocket-protocol': 'chat' }],
    [{ 'sec-websocket-protocol': 'key.secret' }, {}],
    [{ 'sec-websocket-protocol': 'a,\tkey.secret ,b' }, { 'sec-websocket-protocol': 'a, b' }],
    [
      { 'sec-websocket-protocol': 'a, KEY.b, my.key.c' },
      { 'sec-websocket-protocol': 'a, KEY.b, my.key.c' },
    ],
    [{ Sec_WebSocket_Protocol: 'key.secret', 'sec.websocket_protocol': 'chat' }, {}],
    [{ 'X_Api.Key': 'secret' }, {}],
    [{ cookie: ' key = secret ' }, {}],
    [{ cookie: 'key' }, {}],
    [{ cookie: 'keys=1;KEY=2' }, { cookie: 'keys=1; KEY=2' }],
  ])('of %j are removed', (given, kept) => {
    expect(copied(given, sources)).toEqual(kept)
  })

  it('are removed where the wrapper reads them, and nothing else is changed', () => {
    const others = { 'sec-websocket-protocol': 'chat, key.a', cookie: 'a=1;b=2' }
    expect(copied(others, ['bearer', { header: 'x-api-key' }])).toEqual(others)
    expect(copied(others, [{ cookie: 'b' }])).toEqual({ ...others, cookie: 'a=1' })
  })

  it('in Authorization are removed even when the wrapper reads another header', () => {
    const { authorization: _, ...others } = headers
    expect(copied(headers, [])).toEqual(others)
  })

  it('are kept with forwardAuthorization, unless stripHeaders names them', () => {
    const options = { ...OPTIONS, forwardAuthorization: true }
    expect(copied(headers, sources, createCopyHeaders(options))).toEqual(headers)
    const stripping = createCopyHeaders({ ...options, stripHeaders: ['authorization'] })
    expect(copied({ authorization: 'Bearer x' }, [], stripping)).toEqual({})
  })

  it.each([false, true])(
    'for the verifier alone are removed in every spelling, with forwardAuthorization: %s',
    (forwardAuthorization) => {
      const by = createCopyHeaders({ ...OPTIONS, forwardAuthorization })
      const secret = { 'x-proxy-secret': 's', X_Proxy_Secret: 's', 'x.proxy.secret': 's' }
      expect(copied({ ...secret, 'x-other': 'o' }, [{ consumed: 'x-proxy-secret' }], by)).toEqual({
        'x-other': 'o',
      })
    },
  )
})

describe('X-Forwarded-Proto and X-Forwarded-Host', () => {
  const factsOf = createFacts({ publicOrigin: undefined, clientAddress: undefined })
  const publicOrigin = new URL('https://api.example.com')
  const publicFactsOf = createFacts({ publicOrigin, clientAddress: undefined })

  it('are those of the URL, or of publicOrigin', () => {
    expect(factsOf(raw('http://api.test:3000/x'), [])).toEqual([
      ['x-forwarded-proto', 'http'],
      ['x-forwarded-host', 'api.test:3000'],
    ])
    expect(publicFactsOf(raw('http://evil.test/'), [])).toEqual([
      ['x-forwarded-proto', 'https'],
      ['x-forwarded-host', 'api.example.com'],
    ])
  })

  it.each([
    ...['h"x', 'h é', 'h,evil@x', '<h>', 'h:p', 'h%x', '_invalid_'].map(
      (host) => `http://${host}/`,
    ),
    '/x',
    'x-http://h/',
  ])('cannot be taken from the URL %s', (url) => {
    expect(factsOf(raw(url), [])).toBeUndefined()
  })

  it.each([...words('a/b u@a a?b a#b a:b [::1 %g0 %a'), 'a b', 'a.test, b.test', 'a.test, a.test'])(
    'cannot be told for the malformed Host %s, even with publicOrigin',
    (host) => {
      expect(factsOf(raw('http://api.test/x', { host }), [])).toBeUndefined()
      expect(publicFactsOf(raw('http://api.test/x', { host }), [])).toBeUndefined()
    },
  )

  it.each([
    'api.test',
    'API_1.test.:80',
    '[::1]:80',
    '[fe80::1%25eth0]',
    "a!$&'()*+,;=~",
    '%c3%A9',
    '',
  ])('are sent for the Host %s', (host) => {
    expect(factsOf(raw('http://api.test/x', { host }), [])).toBeDefined()
  })
})

describe('X-Forwarded-For', () => {
  function addressBy(clientAddress: ClientAddress): string | undefined {
    const facts = createFacts({ publicOrigin: undefined, clientAddress })
    return new Map(facts(get('/'), [{ ip: '192.0.2.1' }])).get('x-forwarded-for')
  }

  it('is what clientAddress returns', () => {
    expect(addressBy((_request, from) => (from as { ip: string }).ip)).toBe('192.0.2.1')
    expect(addressBy(() => '2001:db8::1')).toBe('2001:db8::1')
  })

  it.each([
    undefined,
    '',
    'a, b',
    '1.2.3.4\r\nX: y',
    'x'.repeat(65),
    5,
    Promise.resolve('1.2.3.4'),
  ])('is left out if clientAddress returns %s', (found) => {
    expect(addressBy(() => found as string)).toBeUndefined()
  })

  it('is left out if clientAddress throws', () => {
    const broken = (): never => {
      throw new Error('no address')
    }
    expect(addressBy(broken)).toBeUndefined()
  })
})
