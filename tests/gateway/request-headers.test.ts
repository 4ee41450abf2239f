import { describe, expect, it } from 'vitest'
import { createCopyHeaders } from '../../src/gateway/request-headers.ts'
import { DEFAULT_NAMES } from '../../src/gateway/request-headers.ts'
import type { CredentialsSource } from '../../src/index.ts'

const OPTIONS = { identityHeaders: DEFAULT_NAMES, forwardAuthorization: false, stripHeaders: [] }
const copy = createCopyHeaders(OPTIONS)
const copyAll = createCopyHeaders({ ...OPTIONS, forwardAuthorization: true })

function passing(
  headers: Record<string, string>,
  credentials: readonly CredentialsSource[] = ['bearer'],
  by = copy,
): Record<string, string> {
  return Object.fromEntries(by(new Headers(headers), credentials))
}

it('passes on what is between the client and the upstream', () => {
  const headers = {
    accept: 'text/event-stream',
    'content-encoding': 'zstd',
    'content-type': 'application/json',
    cookie: 'a=1; b=2',
    traceparent: '00-1-2-01',
    'x-user': 'mine',
  }
  expect(passing(headers)).toEqual(headers)
})

it('has a header of any name, and no prototype to reach', () => {
  expect(passing({ constructor: 'a', hasownproperty: 'b' })).toEqual({
    constructor: 'a',
    hasownproperty: 'b',
  })
  expect(copy(new Headers([['__proto__', 'x']]), []).get('__proto__')).toBe('x')
})

describe('R11 what is for this hop', () => {
  it('ends here, and so does what Connection names', () => {
    const headers = {
      connection: 'close, X-User',
      'x-user': 'mine',
      te: 'trailers',
      trailer: 'x',
      upgrade: 'h2c',
      'http2-settings': 'AAMAAABk',
      'keep-alive': 'timeout=5',
      'proxy-authorization': 'Basic x',
      expect: '100-continue',
      host: 'api.test',
      accept: '*/*',
    }
    expect(passing(headers)).toEqual({ accept: '*/*' })
  })
})

describe('A-I1 A-I2 an identity header of a client', () => {
  it.each([
    'X-Auth-Principal',
    'x_auth_principal',
    'X.Auth.Principal',
    'X-Auth_Principal',
    'X-AUTH-ATTRIBUTES',
    'x_auth.attributes',
  ])('is taken away when it is spelt %s (CVE-2026-30851)', (name) => {
    expect(passing({ [name]: 'admin' })).toEqual({})
  })

  it('is taken away by its own name, and by the default one too', () => {
    const names = { principal: 'remote-user', attributes: undefined }
    const by = createCopyHeaders({ ...OPTIONS, identityHeaders: names })
    const headers = { 'Remote.User': 'admin', 'x-auth-principal': 'a', 'x-auth-attributes': '{}' }
    expect(passing(headers, [], by)).toEqual({})
  })
})

describe('A-I5 a header that the operator names', () => {
  const by = createCopyHeaders({ ...OPTIONS, stripHeaders: ['x-webauth-user', 'x-authentik-*'] })

  it.each(['X-WebAuth-User', 'x_webauth.user', 'X-Authentik-Groups', 'x_authentik_meta_app'])(
    'never passes as %s',
    (name) => {
      expect(passing({ [name]: 'admin' }, [], by)).toEqual({})
    },
  )

  it('takes no other with it', () => {
    const others = { 'x-webauth-user-2': 'a', 'x-authentik': 'b', 'my-x-authentik-a': 'c' }
    expect(passing(others, [], by)).toEqual(others)
  })

  it('stays away, also where credentials are passed on', () => {
    const options = { ...OPTIONS, forwardAuthorization: true, stripHeaders: ['authorization'] }
    expect(passing({ authorization: 'Bearer x' }, [], createCopyHeaders(options))).toEqual({})
  })
})

describe('credentials', () => {
  const headers = {
    authorization: 'Bearer secret',
    cookie: 'a=1; key=secret; b=2',
    'x-api-key': 'secret',
    'sec-websocket-protocol': 'chat, key.secret',
  }

  it('R9 are not passed on: neither Authorization nor what the guard reads', () => {
    const sources = [
      'bearer',
      { header: 'x-api-key' },
      { cookie: 'key' },
      { webSocketProtocol: 'key.' },
    ] as const
    expect(passing(headers, sources)).toEqual({ cookie: 'a=1; b=2' })
    expect(passing({ 'X_Api.Key': 'secret' }, sources)).toEqual({})
    expect(passing({ cookie: ' key = secret ' }, sources)).toEqual({})
    expect(passing({ cookie: 'key' }, sources)).toEqual({})
    expect(passing({ cookie: 'keys=1;KEY=2' }, sources)).toEqual({ cookie: 'keys=1; KEY=2' })
  })

  it('R9 Authorization ends here, whatever the guard reads', () => {
    const { authorization: _, ...others } = headers
    expect(passing(headers, [])).toEqual(others)
  })

  it('R9 are passed on, byte for byte, if that is wished', () => {
    const sources = ['bearer', { header: 'x-api-key' }, { cookie: 'key' }] as const
    expect(passing(headers, sources, copyAll)).toEqual(headers)
  })
})
