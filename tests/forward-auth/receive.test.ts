import { describe, expect, it } from 'vitest'
import { PRESETS } from '../../src/forward-auth/preset.ts'
import { createReceiver } from '../../src/forward-auth/receive.ts'
import { raw } from '../support/requests.ts'
import { subrequest } from '../support/subrequest.ts'
import { words } from '../support/words.ts'
import type { ForwardAuthFailure, ForwardAuthProxy } from '../../src/forward-auth.ts'
import type { Client } from '../support/subrequest.ts'

/** What a subrequest says about the request of the client. */

const NAMES = {
  principal: 'x-auth-principal',
  tenant: 'x-auth-tenant',
  attributes: 'x-auth-attributes',
  scopes: 'x-auth-scopes',
  client: 'x-auth-client',
}
const PROXIES = ['nginx', 'caddy', 'traefik', 'haproxy'] as const

function receiver(proxy: ForwardAuthProxy = 'nginx', rawTargets = false) {
  return createReceiver({ preset: PRESETS[proxy], rawTargets, identityHeaders: NAMES })
}

function judge(client: Client = {}, proxy: ForwardAuthProxy = 'nginx', rawTargets = false) {
  const { judged } = receiver(proxy, rawTargets).receive(subrequest(proxy, client))
  if ('code' in judged) return { code: judged.code, headers: judged.headers.join(' ') }
  const { method, url, headers } = judged
  return { method, url, headers: Object.fromEntries(headers) }
}

describe.each(PROXIES)('a subrequest of %s', (proxy) => {
  it('is judged as the request that its five headers describe', () => {
    const client = { target: '/v1/notes?a=1&b=%2F', method: 'PATCH', headers: { 'x-a': 'b' } }
    expect(judge(client, proxy)).toEqual({
      method: 'PATCH',
      url: 'https://api.example.test/v1/notes?a=1&b=%2F',
      headers: { host: 'api.example.test', 'x-a': 'b' },
    })
  })

  it.each(['target', 'method', 'host', 'scheme', 'address'] as const)(
    'is an error without its %s: a client could send that header',
    (part) => {
      const request = subrequest(proxy)
      const name = [...request.headers.keys()].find((one) => namesPart(one, part)) ?? ''
      request.headers.delete(name)
      const { judged } = receiver(proxy).receive(request)
      expect(judged).toMatchObject({ code: 'proxy_misconfigured', status: 500, headers: [name] })
    },
  )

  it('is an error with more than 200 header fields: the identity could be cut off behind them', () => {
    const crowd = (count: number): Record<string, string> =>
      Object.fromEntries(Array.from({ length: count }, (_, index) => [`a${index}`, 'x']))
    const { judged } = receiver(proxy).receive(subrequest(proxy, { headers: crowd(200) }))
    expect(judged).toEqual({ code: 'too_many_headers', status: 431, headers: [] })
    expect(
      'code' in receiver(proxy).receive(subrequest(proxy, { headers: crowd(150) })).judged,
    ).toBe(false)
  })

  it('names every header that is missing', () => {
    const { judged, path, method } = receiver(proxy).receive(new Request('http://127.0.0.1/'))
    expect((judged as ForwardAuthFailure).headers).toHaveLength(5)
    expect([path, method]).toEqual(['', ''])
  })

  it('takes nothing from the headers of the other presets, nor from its own request line', () => {
    const other = proxy === 'nginx' ? 'X-Forwarded' : 'X-Original'
    const headers = { [`${other}-URI`]: '/open', [`${other}-Method`]: 'OPTIONS' }
    const request = subrequest(proxy, { headers, target: '/admin' }, '/open?x=1')
    expect(receiver(proxy).receive(request)).toMatchObject({
      judged: { method: 'GET', url: 'https://api.example.test/admin' },
      path: '/admin',
      method: 'GET',
    })
  })
})

function namesPart(name: string, part: string): boolean {
  const ends = { target: 'uri', method: 'method', host: 'host', scheme: 'proto', address: 'for' }
  return /^x-(?:original|forwarded)-/.test(name) && name.endsWith(Reflect.get(ends, part) as string)
}

describe('a header that occurs twice', () => {
  it.each([
    [{ target: '/open, /admin' }, 'x-original-uri'],
    [{ method: 'GET, POST' }, 'x-original-method'],
    [{ host: 'open.example, api.example' }, 'x-forwarded-host'],
    [{ scheme: 'https, http' }, 'x-forwarded-proto'],
    [{ scheme: 'https, http', method: 'GET, GET' }, 'x-original-method x-forwarded-proto'],
  ])('is an error: %j', (client, headers) => {
    expect(judge(client)).toEqual({ code: 'proxy_misconfigured', headers })
  })

  it('is an error in two lines too', () => {
    const request = subrequest('nginx', { target: '/admin' })
    request.headers.append('x-original-uri', '/open')
    expect(receiver().receive(request).judged).toMatchObject({ code: 'proxy_misconfigured' })
  })
})

describe('the scheme', () => {
  it.each([
    ['http', 'http:'],
    ['https', 'https:'],
    ['ws', 'http:'],
    ['wss', 'https:'],
  ])('%s is judged as %s', (scheme, protocol) => {
    expect(new URL(judge({ scheme }).url ?? '').protocol).toBe(protocol)
  })

  it.each(['', 'HTTPS', 'ftp', 'javascript', 'http:', 'https://evil', 'constructor'])(
    '%j is an error of the proxy',
    (scheme) => {
      expect(judge({ scheme }).code).toBe('proxy_misconfigured')
    },
  )
})

describe('a target', () => {
  it.each(['', 'admin', 'http://api.example.test/admin', '*', '/a b', '/a#b', '/a\\b'])(
    '%j is malformed, whatever the proxy passes on',
    (target) => {
      const malformed = { code: 'malformed_request', headers: 'x-original-uri' }
      expect(judge({ target })).toEqual(malformed)
      expect(judge({ target }, 'nginx', true)).toEqual(malformed)
    },
  )

  it.each(words('/a%3bb /a%3Bb'))(
    '%s is rejected unless the proxy passes on what it told',
    (target) => {
      expect(judge({ target })).toEqual({ code: 'malformed_request', headers: 'x-original-uri' })
      expect(judge({ target }, 'nginx', true).url).toBe(`https://api.example.test${target}`)
    },
  )

  it.each(words('/?a=//b&c=%2f&d=%3b&e=%2500 /a;v=1 /a%25 /a%20b /~a/b-c_d.e'))(
    '%s is judged as it is',
    (target) => {
      expect(judge({ target }).url).toBe(`https://api.example.test${target}`)
    },
  )

  it('of 70,000 characters is malformed', () => {
    expect(judge({ target: `/${'a'.repeat(70_000)}` }).code).toBe('malformed_request')
  })
})

describe('the host', () => {
  it.each(['', 'h/open?', 'h?', 'h#', 'user@h', 'h h', 'h\\x', 'h:99999', '[::1', 'a%2fb'])(
    '%j is malformed',
    (host) => {
      expect(judge({ host })).toEqual({ code: 'malformed_request', headers: 'x-forwarded-host' })
    },
  )

  it('that is empty does not become the start of the path', () => {
    expect(judge({ host: '', target: '/evil.example/a' }).code).toBe('malformed_request')
  })

  it('is told to the endpoint in place of the subrequest’s own', () => {
    const { headers } = judge({ host: 'Shop.example:8443', headers: { host: '127.0.0.1:8323' } })
    expect(headers).toEqual({ host: 'Shop.example:8443' })
  })
})

describe('the method', () => {
  it.each(['TRACE', 'TRACK', 'CONNECT', 'get', 'Get', 'a!'])('%s is not allowed', (method) => {
    expect(judge({ method })).toEqual({ code: 'method_not_allowed', headers: 'x-original-method' })
  })

  it.each(['', 'GET /', 'a,b', '"'])('%j is malformed', (method) => {
    expect(judge({ method }).code).toBe('malformed_request')
  })

  it.each(['HEAD', 'PUT', 'M-SEARCH', 'PURGE'])('%s is judged as it is', (method) => {
    expect(judge({ method }).method).toBe(method)
  })
})

it('precedence is misconfigured, malformed, changed by the proxy, method', () => {
  const wrong = { scheme: 'ftp', target: '/..', method: 'TRACE' }
  expect(judge(wrong).code).toBe('proxy_misconfigured')
  expect(judge({ ...wrong, scheme: 'http' }).code).toBe('malformed_request')
  expect(judge({ ...wrong, scheme: 'http', target: '//' }).code).toBe('malformed_request')
  expect(judge({ ...wrong, scheme: 'http', target: '/' }).code).toBe('method_not_allowed')
})

describe('the address', () => {
  it.each([
    ['203.0.113.7', '203.0.113.7'],
    ['10.6.6.6, 203.0.113.7', '203.0.113.7'],
    ['10.6.6.6,2001:db8::1', '2001:db8::1'],
    ['203.0.113.7, ', undefined],
    ['', undefined],
    ['unix:', undefined],
    ['203.0.113.7, unknown', undefined],
  ])('in %j is %s', (address, wanted) => {
    const { receive, addressOf } = receiver()
    const request = subrequest('nginx', { address })
    const { judged } = receive(request)
    expect(addressOf(request)).toBe(wanted)
    expect('code' in judged || addressOf(judged)).toBe(wanted)
  })
})

describe('the headers of the client', () => {
  it.each(
    words(`
    X-Auth-Principal x_auth_principal X.Auth.Principal x-auth_tenant X-AUTH.ATTRIBUTES X-Auth-Signature
    X-Forwarded-User x_forwarded_user X-Original-URL x.original.url
    Connection Keep-Alive Proxy-Authorization TE Upgrade Expect Accept-Encoding Content-Length`),
  )('are told without %s', (name) => {
    expect(judge({ headers: { [name]: '7' } }).headers).toEqual({ host: 'api.example.test' })
  })

  it('are told otherwise, also those that Connection names', () => {
    const headers = {
      authorization: 'Bearer k',
      'content-type': 'a/b',
      cookie: 'a=1; b=2',
      'x-api-key': 'k',
      'my-x-forwarded-for': 'a',
    }
    const connection = 'close, x-api-key, authorization'
    expect(judge({ headers: { ...headers, connection } }).headers).toEqual({
      ...headers,
      host: 'api.example.test',
    })
  })

  it('are told without identity headers of other names', () => {
    const identityHeaders = { ...NAMES, principal: 'remote-user' }
    const { receive } = createReceiver({
      preset: PRESETS.caddy,
      rawTargets: false,
      identityHeaders,
    })
    const scopes = { 'x-auth-scopes': 'root', X_Auth_Client: 'root' }
    const headers = { Remote_User: 'root', 'x-auth-principal': 'root', ...scopes }
    const { judged } = receive(subrequest('caddy', { headers }))
    expect(Object.fromEntries((judged as Request).headers)).toEqual({ host: 'api.example.test' })
  })

  it('make the subrequest malformed if no Request can hold them', () => {
    const request = subrequest('nginx')
    const fields = { ...Object.fromEntries(request.headers), 'x-a': 'a\nb' }
    expect(receiver().receive(raw(request.url, fields)).judged).toMatchObject({ status: 400 })
  })
})

it('names a method override alike in every spelling, since CGI folds them', () => {
  const headers = { x_http_method_override: 'DELETE', 'x-http_method': 'PUT', x_method: 'PATCH' }
  expect(judge({ headers }).headers).toMatchObject({
    'x-http-method-override': 'DELETE',
    'x-http-method': 'PUT',
    x_method: 'PATCH',
  })
})
