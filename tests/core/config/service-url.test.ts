import { describe, expect, it } from 'vitest'
import { parseServiceUrl } from '../../../src/core/config/service-url.ts'
import { ENDPOINT_HEADERS } from '../../../src/core/config/endpoint-headers.ts'
import { parse } from '../../../src/core/config/interpreter.ts'
import { AuthConfigError } from '../../../src/index.ts'
import { words } from '../../support/words.ts'

const parseEndpoint = (value: unknown, allowInsecureHttp: boolean) =>
  parseServiceUrl(value, ['endpoint'], allowInsecureHttp)
const parseHeaders = (value: unknown) =>
  parse<Readonly<Record<string, string>>>(ENDPOINT_HEADERS, value, ['endpointHeaders'])

function message(check: () => unknown): string {
  try {
    check()
  } catch (error) {
    if (error instanceof AuthConfigError) return error.message
  }
  return 'no error'
}

describe('parseEndpoint', () => {
  it.each(
    words(`
    https://auth.example.com/validate https://auth.example.com HTTPS://auth.example.com/a?b=c&d=@e
    https://10.0.0.1:8443/validate http://localhost:8080/validate http://localhost
    http://LOCALHOST/validate http://127.0.0.1:9/validate http://127.255.0.3/
    http://[::1]:9/validate http://[::1]?a=b https://auth.example.com/a//b@c
  `),
  )('accepts %s as it is', (endpoint) => {
    expect(parseEndpoint(endpoint, false)).toBe(endpoint)
  })

  it('accepts a URL, and returns its text', () => {
    const url = new URL('HTTPS://auth.example.com/a/../validate?b=c')
    expect(parseEndpoint(url, false)).toBe('https://auth.example.com/validate?b=c')
    expect(parseEndpoint(new URL('http://[::1]:9'), false)).toBe('http://[::1]:9/')
  })

  it.each<readonly [unknown, string]>([
    [undefined, 'an absolute https URL'],
    ['', 'an absolute https URL'],
    [5, 'an absolute https URL'],
    [{ href: 'https://a' }, 'an absolute https URL'],
    [new URL('ftp://a/b'), 'an absolute https URL'],
    [new URL('https://key@a'), 'without user or password'],
    [new URL('https://:key@a'), 'without user or password'],
    [new URL('https://a/#'), 'without a fragment'],
    [new URL('http://auth.example.com'), 'allowInsecureHttp'],
    ...'undefined auth.example.com/validate /validate //auth.example.com https://a\n https:a https:/a https:///a https:\\\\a https://a\\b https:// https://a:99999/ xhttps://a javascript:alert(1) file:///etc/passwd ftp://a/b'
      .split(' ')
      .map((url) => [url, 'an absolute https URL'] as const),
    [' https://a', 'an absolute https URL'],
    ['https://a ', 'an absolute https URL'],
    ...'https://a/# https://a/#b'.split(' ').map((url) => [url, 'without a fragment'] as const),
    ...'http://auth.example.com http://localhost.evil.com/ http://evil.com/http://localhost/ http://127.0.0.1.nip.io/ http://0.0.0.0/ http://2130706433/ http://0x7f.1/ http://127.1/ http://[::2]/ http://128.0.0.1/ http://evil.com/https://a'
      .split(' ')
      .map((url) => [url, 'allowInsecureHttp'] as const),
  ])('rejects %s', (endpoint, allowed) => {
    expect(message(() => parseEndpoint(endpoint, false))).toContain(allowed)
    expect(message(() => parseEndpoint(endpoint, false))).toMatch(/^"endpoint" must be /)
  })

  it('accepts http anywhere if that is asked for, and nothing else with it', () => {
    expect(parseEndpoint('http://auth.example.com', true)).toBe('http://auth.example.com')
    expect(message(() => parseEndpoint('ftp://auth.example.com', true))).toContain(
      'an absolute https URL',
    )
    expect(message(() => parseEndpoint('http://u@auth.example.com', true))).toContain(
      'user or password',
    )
  })

  it.each([
    'https://user:hunter2@auth.example.com/',
    'https://hunter2@auth.example.com/',
    'https://:hunter2@auth.example.com/',
    'https://@auth.example.com/',
    'https://:@auth.example.com/',
    'http://user:hunter2@localhost/?a=hunter2#hunter2',
    'http://auth.example.com/?key=hunter2',
    'https://auth.example.com/?key=hunter2#hunter2',
    'https://auth.example.com/#hunter2',
    'user:hunter2@auth.example.com/v',
    'https:user:hunter2@auth.example.com',
    'https:/user:hunter2@auth.example.com',
    'https:\\\\user:hunter2@auth.example.com/',
    'https://user:hun/hunter2@auth.example.com/ x',
    'ftp://hunter2@auth.example.com',
    'https://a@hunter2@auth.example.com',
  ])('rejects %s and shows neither userinfo nor query', (endpoint) => {
    const shown = message(() => parseEndpoint(endpoint, false))
    expect(shown).toMatch(/^"endpoint" must be /)
    expect(shown).not.toContain('hunter2')
  })
})

it.each([
  [5, 'an absolute https URL, received 5'],
  ['https://a b', 'an absolute https URL, received "https://a b"'],
  [
    'https://user:hunter2@auth.example.com/v?a#b',
    'a URL without user or password (use "endpointHeaders"), received "***@auth.example.com/v?***#***"',
  ],
  [
    'https://auth.example.com/v#hunter2?a',
    'a URL without a fragment, received "https://auth.example.com/v#***"',
  ],
  [
    'http://auth.example.com/v?key=hunter2',
    'an https URL (http only on loopback, or with "allowInsecureHttp"), received "http://auth.example.com/v?***"',
  ],
])('the error for %s says what is wrong, and hides what may be secret', (endpoint, text) => {
  expect(message(() => parseEndpoint(endpoint, false))).toBe(`"endpoint" must be ${text}`)
})

describe('endpointHeaders', () => {
  it('accepts printable values, under lower-case names', () => {
    const headers = parseHeaders({ 'X-Secret': 'a b"c', authorization: 'Basic x' })
    expect(headers).toEqual({ 'x-secret': 'a b"c', authorization: 'Basic x' })
    expect(Object.isFrozen(headers)).toBe(true)
    expect(parseHeaders({})).toEqual({})
  })

  it.each([
    ['hunter2'],
    [['hunter2']],
    [{ 'x-secret': ['hunter2'] }],
    [{ 'x-secret': '' }],
    [{ 'x-secret': undefined }],
    [{ 'x-secret': ' hunter2' }],
    [{ 'x-secret': 'hunter2 ' }],
    [{ 'x-secret': 'hunter2\r\nx: y' }],
    [{ 'x-secret': 'hunter2\u0000' }],
    [{ 'x-secret': 'hunter2é' }],
    [{ 'content-type': 'hunter2' }],
    [{ Host: 'hunter2' }],
    [{ 'Content-Length': 'hunter2' }],
    [{ 'transfer-encoding': 'hunter2' }],
    [null],
    [new Headers({ 'x-secret': 'hunter2' })],
    [new Map([['x-secret', 'hunter2']])],
  ])('rejects %j without showing a value', (value) => {
    const shown = message(() => parseHeaders(value))
    expect(shown).toMatch(/^"endpointHeaders[^"]*" must be /)
    expect(shown).not.toContain('hunter2')
  })

  it.each(
    'accept connection content-encoding content-length content-type expect host keep-alive te trailer transfer-encoding upgrade'.split(
      ' ',
    ),
  )('rejects %s, which the wrapper sets itself', (name) => {
    for (const written of [name, name.toUpperCase()]) {
      expect(message(() => parseHeaders({ [written]: 'x' }))).toBe(
        `"endpointHeaders.${written}" must be left out: the wrapper sets this header itself (its value is not shown)`,
      )
    }
  })

  it.each([
    [
      'hunter2',
      '"endpointHeaders" must be an object of header names and values (its value is not shown)',
    ],
    [{ 'a b': 'x' }, '"endpointHeaders" must be made of valid header names, received "a b"'],
    [{ a: undefined }, '"endpointHeaders.a" must be given a value, received undefined'],
    [
      { a: 'é' },
      '"endpointHeaders.a" must be a non-empty string of printable ASCII (its value is not shown)',
    ],
    [
      { a: 5 },
      '"endpointHeaders.a" must be a non-empty string of printable ASCII (its value is not shown)',
    ],
    [
      { b: 'x', 'X-Key': 'hunter2', 'x-kEy': 'hunter2' },
      '"endpointHeaders.x-kEy" must be left out: the object has the same header in another case (its value is not shown)',
    ],
  ])('says what is wrong with %j', (value, text) => {
    expect(message(() => parseHeaders(value))).toBe(text)
  })
})
