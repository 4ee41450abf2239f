import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { resolveGateway } from '../../src/gateway/options.ts'

const upstream = 'http://127.0.0.1:8321'

it('has defaults for all but the upstream', () => {
  expect(resolveGateway({ upstream })).toEqual({
    upstream: { origin: upstream, basePath: '' },
    identityHeaders: { principal: 'x-auth-principal', attributes: 'x-auth-attributes' },
    forwardAuthorization: false,
    stripHeaders: [],
    publicOrigin: undefined,
    clientAddress: undefined,
    timeoutMs: 120_000,
    upstreamFetch: { fetch: expect.any(Function) as unknown, decodesSilently: false },
    onFailure: undefined,
  })
})

describe('identityHeaders', () => {
  const namesOf = (identityHeaders: unknown): unknown =>
    resolveGateway({ upstream, identityHeaders }).identityHeaders

  it('are named in lower case, or left out', () => {
    expect(namesOf({ principal: 'Remote-User' })).toEqual({
      principal: 'remote-user',
      attributes: 'x-auth-attributes',
    })
    expect(namesOf({ principal: 'x_user', attributes: false })).toEqual({
      principal: 'x_user',
      attributes: undefined,
    })
    expect(namesOf({ principal: false, attributes: false })).toEqual({
      principal: undefined,
      attributes: undefined,
    })
  })

  it.each([
    [{ principal: 'x user' }, 'identityHeaders.principal'],
    [{ principal: '' }, 'identityHeaders.principal'],
    [{ principal: true }, 'identityHeaders.principal'],
    [{ principal: 'Authorization' }, 'identityHeaders.principal'],
    [{ principal: 'Remote-Addr' }, 'identityHeaders.principal'],
    [{ principal: 'X_Forwarded_User' }, 'identityHeaders.principal'],
    [{ principal: 'Content-Length' }, 'identityHeaders.principal'],
    [{ attributes: 'connection' }, 'identityHeaders.attributes'],
    [{ attributes: 'content_type' }, 'identityHeaders.attributes'],
    [{ attributes: 'X.Auth.Principal' }, 'identityHeaders.attributes'],
    [{ principal: 'accept' }, 'identityHeaders.principal'],
    [{ principal: 'cookie' }, 'identityHeaders.principal'],
    [{ principal: 'content-encoding' }, 'identityHeaders.principal'],
    [{ principal: 'date' }, 'identityHeaders.principal'],
    [{ principal: 'origin' }, 'identityHeaders.principal'],
    [{ principal: 'range' }, 'identityHeaders.principal'],
    [{ principle: 'x-user' }, 'identityHeaders.principle'],
    [{ principal: undefined }, 'identityHeaders.principal'],
  ])('A-N4 %j is refused', (identityHeaders, option) => {
    expect(() => namesOf(identityHeaders)).toThrow(AuthConfigError)
    expect(() => namesOf(identityHeaders)).toThrow(expect.objectContaining({ option }))
  })
})

it('reads the headers to strip in one spelling', () => {
  const stripHeaders = ['X-WebAuth-User', 'X_Authentik_*']
  expect(resolveGateway({ upstream, stripHeaders })).toMatchObject({
    stripHeaders: ['x-webauth-user', 'x-authentik-*'],
  })
})

it.each([
  [undefined, 'config'],
  ['http://127.0.0.1', 'config'],
  [{}, 'upstream'],
  [{ upstream: undefined }, 'upstream'],
  [{ upstraem: upstream }, 'upstraem'],
  [{ upstream, timeoutMs: '5' }, 'timeoutMs'],
  [{ upstream, timeoutMs: 0 }, 'timeoutMs'],
  [{ upstream, timeoutMs: Number.NaN }, 'timeoutMs'],
  [{ upstream, timeoutMs: 3_600_001 }, 'timeoutMs'],
  [{ upstream, forwardAuthorization: 'no' }, 'forwardAuthorization'],
  [{ upstream, stripHeaders: 'x-user' }, 'stripHeaders'],
  [{ upstream, stripHeaders: [5] }, 'stripHeaders[0]'],
  [{ upstream, stripHeaders: ['x user'] }, 'stripHeaders[0]'],
  [{ upstream, stripHeaders: ['x-a', ''] }, 'stripHeaders[1]'],
  [{ upstream, stripHeaders: ['*'] }, 'stripHeaders[0]'],
  [{ upstream, stripHeaders: ['x-*-user'] }, 'stripHeaders[0]'],
  [{ upstream, stripHeaders: ['x-**'] }, 'stripHeaders[0]'],
  [{ upstream, allowInsecureHttp: 1 }, 'allowInsecureHttp'],
  [{ upstream, publicOrigin: 'api.example.com' }, 'publicOrigin'],
  [{ upstream, clientAddress: '1.2.3.4' }, 'clientAddress'],
  [{ upstream, fetch: {} }, 'fetch'],
  [{ upstream, onFailure: 'log' }, 'onFailure'],
  [{ upstream, onFailure: undefined }, 'onFailure'],
])('A-N1 A-N4 A-N5 %j is refused', (options, option) => {
  expect(() => resolveGateway(options)).toThrow(AuthConfigError)
  expect(() => resolveGateway(options)).toThrow(expect.objectContaining({ option }))
})

it.each<[unknown, string]>([
  [
    { upstream, identityHeaders: { principal: 'cookie' } },
    '"identityHeaders.principal" must be a header name without another meaning, or false, received "cookie"',
  ],
  [
    { upstream, identityHeaders: { attributes: 'x_auth_principal' } },
    '"identityHeaders.attributes" must be different from "principal", received "x_auth_principal"',
  ],
  [
    { upstream, stripHeaders: ['x-user', 'x-*-user'] },
    '"stripHeaders[1]" must be a header name, optionally with a "*" at its end, such as "x-webauth-*", received "x-*-user"',
  ],
  [{ upstream, identityHeaders: 5 }, '"identityHeaders" must be an object, received 5'],
])('says what is wrong with %j', (options, message) => {
  expect(() => resolveGateway(options)).toThrow(message)
})
