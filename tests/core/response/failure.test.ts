import { expect, it, vi } from 'vitest'
import { findErrorCode } from '../../../src/core/redaction.ts'

const coded = (code: unknown, more: object = {}): Error =>
  Object.assign(new Error('sk-secret'), { code, ...more })
const because = (cause: unknown): Error => new TypeError('fetch failed', { cause })
const deno = (message: string): Error =>
  because(new Error(`error sending request for url (https://h/?sk-secret): ${message}`))
const throwing = (name: string, more: object = {}): object =>
  Object.defineProperty({ ...more }, name, {
    get: () => {
      throw new Error('hostile')
    },
  })

/** An error with `depth` errors behind it, of which the last alone has a code. */
function chain(depth: number): Error {
  return depth === 0 ? coded('ENOTFOUND') : because(chain(depth - 1))
}

const circle = because(undefined)
circle.cause = circle

it.each<[string, unknown, string]>([
  ['an error', coded('ECONNREFUSED'), 'ECONNREFUSED'],
  ['its cause', because(coded('ECONNRESET')), 'ECONNRESET'],
  ['a cause that is not an Error', because({ code: 'UND_ERR_SOCKET' }), 'UND_ERR_SOCKET'],
  ['the cause of its cause', because(because(coded('CERT_HAS_EXPIRED'))), 'CERT_HAS_EXPIRED'],
  ['an error whose cause has one too', coded('EPROTO', { cause: coded('ENOENT') }), 'EPROTO'],
  [
    'the addresses that were tried',
    because(new AggregateError([coded('EHOSTUNREACH')])),
    'EHOSTUNREACH',
  ],
  ['the fourth address', new AggregateError([1, {}, 3, coded('EPIPE')]), 'EPIPE'],
  ['a cause sixteen errors deep', chain(15), 'ENOTFOUND'],
  ['an error with two letters', coded('E2'), 'E2'],
  ['an error with the longest code', coded(`E${'A'.repeat(63)}`), `E${'A'.repeat(63)}`],
  ['Bun, as it was', coded('ConnectionRefused'), 'ECONNREFUSED'],
  ['Bun, as it was, for a connection that was lost', coded('ConnectionClosed'), 'ECONNRESET'],
  ['a cause behind a getter that throws', throwing('code', { cause: coded('ENOENT') }), 'ENOENT'],
  ['Deno, of a reset', because(new Error('Connection reset by peer (os error 104)')), 'ECONNRESET'],
  [
    'Node 24, of a server without HTTP',
    because(new Error('Response does not match the HTTP/1.1 protocol (Expected HTTP/, RTSP/)')),
    'HPE_INVALID_CONSTANT',
  ],
  ['Bun, of a server without HTTP', coded('Malformed_HTTP_Response'), 'HPE_INVALID_CONSTANT'],
])('finds the code of %s', (_what, error, code) => {
  expect(findErrorCode(error)).toBe(code)
})

it.each([
  ['client error (Connect): dns error: failed to lookup address', 'ENOTFOUND'],
  ['tcp connect error: Connection refused (os error 111)', 'ECONNREFUSED'],
  ['connection closed before message completed', 'ECONNRESET'],
  ['invalid peer certificate: certificate expired: verification time', 'CERT_HAS_EXPIRED'],
  ['invalid peer certificate: certificate not valid for name', 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ['invalid peer certificate: UnknownIssuer', 'CERT_UNTRUSTED'],
  ['received corrupt message of type InvalidContentType', 'ERR_SSL_WRONG_VERSION_NUMBER'],
  ['client error (SendRequest): invalid HTTP version parsed', 'HPE_INVALID_CONSTANT'],
  ['received unexpected message from connection', 'HPE_INVALID_CONSTANT'],
  ['Fetch failed: Requests to port 6000 are blocked', 'BAD_PORT'],
])('finds the code in the message of Deno: %s', (message, code) => {
  expect(findErrorCode(deno(message))).toBe(code)
})

it.each<[string, unknown]>([
  ['nothing', undefined],
  ['null', null],
  ['a string', 'ECONNREFUSED'],
  ['a message', new Error('ECONNREFUSED')],
  ['a name', Object.assign(new Error('a'), { name: 'ECONNREFUSED' })],
  ['a cause that is a string', because('ECONNREFUSED')],
  ['a code in lower case', coded('econnrefused')],
  ['a code with another character', coded('E-CONN')],
  ['a code with text before', coded('connect ECONNREFUSED')],
  ['a code with text behind', coded('ECONNREFUSED sk-secret')],
  ['a code with a line behind', coded('ECONNREFUSED\n')],
  ['a code that begins with a digit', coded('1ECONN')],
  ['a code of one letter', coded('E')],
  ['a code that is too long', coded(`E${'A'.repeat(64)}`)],
  ['a number', coded(111)],
  ['a list', coded(['ECONNREFUSED'])],
  ['a list of a name of Bun', coded(['ConnectionRefused'])],
  ['a list of texts', { errors: 'ECONNREFUSED' }],
  ['a name that all objects have', coded('constructor')],
  ['a message that is not text', { message: { includes: () => true } }],
  ['a cause too deep', chain(16)],
  ['an address too many', new AggregateError([{}, {}, {}, {}, coded('EPIPE')])],
  ['a circle', circle],
  ['getters that throw', throwing('code')],
  ['a message that throws', throwing('message')],
  ['a cause that throws', throwing('cause')],
  ['errors that throw', throwing('errors')],
])('finds none in %s', (_what, error) => {
  expect(findErrorCode(error)).toBeUndefined()
})

it('looks at sixteen errors at most, however many there are', () => {
  const read = vi.fn<() => undefined>()
  const wide = (depth: number): object => {
    const errors = depth === 0 ? [] : Array.from({ length: 4 }, () => wide(depth - 1))
    return Object.defineProperty({ errors }, 'code', { get: read })
  }
  expect(findErrorCode(wide(4))).toBeUndefined()
  expect(read).toHaveBeenCalledTimes(16)
})

it('finds that the real fetch blocks a port', async () => {
  const error: unknown = await fetch('http://127.0.0.1:6000/').catch((thrown: unknown) => thrown)
  expect(findErrorCode(error)).toBe('BAD_PORT')
})
