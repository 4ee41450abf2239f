import { describe, expect, it } from 'vitest'
import { parseServiceUrl } from '../../../src/core/config/service-url.ts'
import { ENDPOINT_HEADERS } from '../../../src/core/config/endpoint-headers.ts'
import { parse } from '../../../src/core/config/interpreter.ts'
import { AuthConfigError } from '../../../src/index.ts'
import { words } from '../../support/words.ts'

const parseEndpoint = (value: unknown, allowInsecureHttp = false) =>
  parseServiceUrl(value, ['endpoint'], allowInsecureHttp)
const parseHeaders = (value: unknown) =>
  parse<Readonly<Record<string, string>>>(ENDPOINT_HEADERS, value, ['endpointHeaders'])

function messageOf(check: () => unknown): string {
  try {
    check()
  } catch (error) {
    if (error instanceof AuthConfigError) return error.message
  }
  return 'no error'
}

const ABSOLUTE = 'an absolute https URL'
const NO_USER = 'a URL without user or password (use "endpointHeaders")'
const NO_FRAGMENT = 'a URL without a fragment'
const HTTPS = 'an https URL (http only on loopback, or with "allowInsecureHttp")'

describe('the endpoint', () => {
  it.each(
    words(`
    https://auth.example.com/validate https://auth.example.com HTTPS://auth.example.com/a?b=c&d=@e
    https://10.0.0.1:8443/validate http://localhost:8080/validate http://localhost
    http://LOCALHOST/validate http://127.0.0.1:9/validate http://127.255.0.3/
    http://[::1]:9/validate http://[::1]?a=b https://auth.example.com/a//b@c
  `),
  )('may be %s, as it is', (endpoint) => {
    expect(parseEndpoint(endpoint)).toBe(endpoint)
  })

  it('may be a URL, and is its text', () => {
    const url = new URL('HTTPS://auth.example.com/a/../validate?b=c')
    expect(parseEndpoint(url)).toBe('https://auth.example.com/validate?b=c')
    expect(parseEndpoint(new URL('http://[::1]:9'))).toBe('http://[::1]:9/')
  })

  const URLS: readonly (readonly [expected: string, values: readonly unknown[]])[] = [
    [ABSOLUTE, [undefined, '', 5, { href: 'https://a' }, new URL('ftp://a/b'), ' https://a']],
    [ABSOLUTE, ['https://a ', 'https://a\n', 'https://user:hun/hunter2@auth.example.com/ x']],
    [
      ABSOLUTE,
      words(String.raw`
        undefined auth.example.com/validate /validate //auth.example.com https:a https:/a https:///a
        https:\\a https://a\b https:// https://a:99999/ xhttps://a javascript:alert(1) file:///etc/passwd
        ftp://a/b ftp://hunter2@auth.example.com user:hunter2@auth.example.com/v
        https:user:hunter2@auth.example.com https:/user:hunter2@auth.example.com
        https:\\user:hunter2@auth.example.com/
      `),
    ],
    [NO_USER, [new URL('https://key@a'), new URL('https://:key@a')]],
    [
      NO_USER,
      words(`
        https://user:hunter2@auth.example.com/ https://hunter2@auth.example.com/
        https://:hunter2@auth.example.com/ https://@auth.example.com/ https://:@auth.example.com/
        http://user:hunter2@localhost/?a=hunter2#hunter2 https://a@hunter2@auth.example.com
      `),
    ],
    [NO_FRAGMENT, [new URL('https://a/#'), 'https://a/#', 'https://a/#b']],
    [
      NO_FRAGMENT,
      words('https://auth.example.com/?key=hunter2#hunter2 https://a.example/#hunter2'),
    ],
    [HTTPS, [new URL('http://auth.example.com')]],
    [
      HTTPS,
      words(`
        http://auth.example.com http://localhost.evil.com/ http://evil.com/http://localhost/
        http://127.0.0.1.nip.io/ http://0.0.0.0/ http://2130706433/ http://0x7f.1/ http://127.1/
        http://[::2]/ http://128.0.0.1/ http://evil.com/https://a http://auth.example.com/?key=hunter2
      `),
    ],
  ]
  const REFUSED = URLS.flatMap(([expected, values]) =>
    values.map((value) => [value, expected] as const),
  )

  it.each(REFUSED)(
    '%s is not %s, and the error shows neither userinfo nor query',
    (value, expected) => {
      const message = messageOf(() => parseEndpoint(value))
      expect(message).toContain(`"endpoint" must be ${expected}, received `)
      expect(message).not.toContain('hunter2')
    },
  )

  it('may be http anywhere if that is asked for, and nothing else with it', () => {
    expect(parseEndpoint('http://auth.example.com', true)).toBe('http://auth.example.com')
    const refused = (url: string) => messageOf(() => parseEndpoint(url, true))
    expect(refused('ftp://auth.example.com')).toContain(ABSOLUTE)
    expect(refused('http://u@auth.example.com')).toContain('user or password')
  })

  it.each([
    [5, `${ABSOLUTE}, received 5`],
    ['https://a b', `${ABSOLUTE}, received "https://a b"`],
    ['https://u:hunter2@a.example/v?a#b', `${NO_USER}, received "***@a.example/v?***#***"`],
    ['https://a.example/v#hunter2?a', `${NO_FRAGMENT}, received "https://a.example/v#***"`],
    ['http://a.example/v?key=hunter2', `${HTTPS}, received "http://a.example/v?***"`],
  ])('the error for %s says what is wrong, and hides what may be secret', (endpoint, text) => {
    expect(messageOf(() => parseEndpoint(endpoint))).toBe(`"endpoint" must be ${text}`)
  })
})

describe('endpointHeaders', () => {
  it('accepts printable values, under lower-case names', () => {
    const headers = parseHeaders({ 'X-Secret': 'a b"c', authorization: 'Basic x' })
    expect(headers).toEqual({ 'x-secret': 'a b"c', authorization: 'Basic x' })
    expect(Object.isFrozen(headers)).toBe(true)
    expect(parseHeaders({})).toEqual({})
  })

  const HIDDEN = '(its value is not shown)'
  const NO_OBJECT = `" must be an object of header names and values ${HIDDEN}`
  const NO_TEXT = `.x" must be a non-empty string of printable ASCII ${HIDDEN}`
  const SET = 'must be left out: the wrapper sets this header itself'
  const texts = ['', ' hunter2', 'hunter2 ', 'hunter2\r\nx: y', 'hunter2\u0000', 'hunter2é']
  const OWN = words(`
    accept connection content-encoding content-length content-type expect host keep-alive te trailer
    transfer-encoding upgrade
  `)

  it.each<readonly [unknown, string]>([
    ...['hunter2', ['hunter2'], null].map((value) => [value, NO_OBJECT] as const),
    [new Headers({ 'x-secret': 'hunter2' }), NO_OBJECT],
    [new Map([['x-secret', 'hunter2']]), NO_OBJECT],
    ...[...texts, 5, ['hunter2']].map((x) => [{ x }, NO_TEXT] as const),
    [{ x: undefined }, '.x" must be given a value, received undefined'],
    [{ 'a b': 'x' }, '" must be made of valid header names, received "a b"'],
    [
      { b: 'x', 'X-Key': 'hunter2', 'x-kEy': 'hunter2' },
      `.x-kEy" must be left out: the object has the same header in another case ${HIDDEN}`,
    ],
    ...[...OWN, ...OWN.map((name) => name.toUpperCase())].map(
      (name) => [{ [name]: 'hunter2' }, `.${name}" ${SET} ${HIDDEN}`] as const,
    ),
  ])('says what is wrong with %j, and shows no value', (value, text) => {
    expect(messageOf(() => parseHeaders(value))).toBe(`"endpointHeaders${text}`)
  })
})
