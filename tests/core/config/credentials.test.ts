import { expect, it } from 'vitest'
import { CREDENTIALS } from '../../../src/core/config/credentials.ts'
import { parse } from '../../../src/core/config/interpreter.ts'
import { resolveConfig } from '../../../src/core/config/parse.ts'
import type { CredentialsSource } from '../../../src/index.ts'

const checkCredentials = (value: unknown) =>
  parse<readonly CredentialsSource[]>(CREDENTIALS, value, ['credentials'])
const checkRequestIdHeader = (requestIdHeader: unknown, credentials: unknown) =>
  resolveConfig({ requestIdHeader, credentials }).requestIdHeader

it.each([
  ['bearer', ['bearer']],
  [{ header: 'X-API-Key' }, [{ header: 'x-api-key' }]],
  [{ header: 'x-authorization' }, [{ header: 'x-authorization' }]],
  [{ header: 'cookie-token' }, [{ header: 'cookie-token' }]],
  [{ cookie: 'Session' }, [{ cookie: 'Session' }]],
  [{ webSocketProtocol: 'bearer.' }, [{ webSocketProtocol: 'bearer.' }]],
  [
    ['bearer', { header: 'x-api-key' }],
    ['bearer', { header: 'x-api-key' }],
  ],
])('accepts %j', (value, sources) => {
  expect(checkCredentials(value)).toEqual(sources)
})

it.each([
  [
    'Bearer',
    '"credentials" must be "bearer", or an object with one of "header", "cookie", "webSocketProtocol", received "Bearer"',
  ],
  [[], '"credentials" must be a list of at least one source'],
  [
    5,
    '"credentials" must be "bearer", or an object with one of "header", "cookie", "webSocketProtocol", received 5',
  ],
  [['bearer', 'basic'], '"credentials[1]" must be "bearer"'],
  [['bearer', 'bearer'], '"credentials" must be a list that names each source once'],
  [[{ header: 'X-Key' }, { header: 'x-key' }], 'names each source once'],
  [
    {},
    '"credentials" must be "bearer", or an object with one of "header", "cookie", "webSocketProtocol"',
  ],
  [{ header: 'a', cookie: 'b' }, 'an object with one of'],
  [{ query: 'token' }, 'Unknown option "credentials.query"'],
  [
    { header: '' },
    '"credentials.header" must be a name without blanks and separators, received ""',
  ],
  [{ header: 'Authorization' }, '"credentials.header" must be another header'],
  [{ cookie: 'a=b' }, '"credentials.cookie" must be a name'],
  [{ webSocketProtocol: 'a,b' }, '"credentials.webSocketProtocol" must be a name'],
])('rejects %j', (value, message) => {
  expect(() => checkCredentials(value)).toThrow(message)
})

const SOURCES = ['bearer', { header: 'x-api-key' }, { cookie: 'session' }] as const

it.each([
  ['X-Request-Id', 'x-request-id'],
  ['traceparent', 'traceparent'],
  // This names a cookie, not a header.
  ['session', 'session'],
  [false, false],
])('accepts %j for a request id', (value, name) => {
  expect(checkRequestIdHeader(value, SOURCES)).toBe(name)
})

it.each([
  'authorization',
  'Proxy-Authorization',
  'COOKIE',
  'Sec-WebSocket-Protocol',
  'x-api-key',
  'X-Api-Key',
  'x_api.key',
  '',
  'x request id',
  'x-request-id:',
  'é',
  true,
  5,
  {},
])('does not accept %j for a request id: its value would be in events and logs', (value) => {
  expect(() => checkRequestIdHeader(value, SOURCES)).toThrow(
    '"requestIdHeader" must be false, or the name of a header that holds no credentials, received ',
  )
})

it('accepts for a request id the header of an API key that is not configured', () => {
  expect(checkRequestIdHeader('x-api-key', ['bearer'])).toBe('x-api-key')
})
