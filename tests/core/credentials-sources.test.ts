import { expect, it } from 'vitest'
import { checkCredentials } from '../../src/core/credentials-sources.ts'

it.each([
  ['bearer', ['bearer']],
  [{ header: 'X-API-Key' }, [{ header: 'x-api-key' }]],
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
  ['Bearer', '"credentials" must be "bearer", { header }, { cookie } or { webSocketProtocol }'],
  [[], '"credentials" must be a list of at least one source'],
  [5, '"credentials" must be an object, received 5'],
  [['bearer', 'basic'], '"credentials[1]" must be "bearer"'],
  [['bearer', 'bearer'], '"credentials" must be a list that names each source once'],
  [[{ header: 'X-Key' }, { header: 'x-key' }], 'names each source once'],
  [{}, '"credentials" must be an object with one of "header", "cookie", "webSocketProtocol"'],
  [{ header: 'a', cookie: 'b' }, 'an object with one of'],
  [{ query: 'token' }, 'Unknown option "credentials.query"'],
  [{ headers: 'x-key' }, 'did you mean "header"?'],
  [
    { header: '' },
    '"credentials.header" must be a name without blanks and separators, received ""',
  ],
  [{ header: 'a b' }, '"credentials.header" must be a name'],
  [{ header: 'Authorization' }, '"bearer", { cookie } or { webSocketProtocol } for this header'],
  [{ header: 'cookie' }, '{ cookie }'],
  [{ header: 'Sec-WebSocket-Protocol' }, '{ webSocketProtocol } for this header'],
  [{ cookie: 'a=b' }, '"credentials.cookie" must be a name'],
  [{ cookie: 5 }, '"credentials.cookie" must be a name'],
  [{ webSocketProtocol: 'a,b' }, '"credentials.webSocketProtocol" must be a name'],
])('refuses %j', (value, message) => {
  expect(() => checkCredentials(value)).toThrow(message)
})
