import { get, TOKEN } from './bytes.ts'
import { allowed, byServer, malformedTarget, missing, nameOf, row, variant } from './row.ts'
import type { Asked, Expected, Row, Variant } from './row.ts'

const NAMES = Array.from({ length: 1000 }, (_, index) => `n${index}`)

/** The part of the query that the endpoint is told. */
export const QUERY_ROWS: readonly Row[] = [
  row('repeated parameter', 'a repeated parameter', [
    told('t=mine&t=victim', { t: ['mine', 'victim'] }),
    told('t=victim&t=mine', { t: ['victim', 'mine'] }),
    told('t=mine&x=1&%74=victim', { t: ['mine', 'victim'], x: '1' }),
  ]),
  row('prototype parameter', 'names of Object.prototype', [
    told('__proto__=x', { ['__proto__']: 'x' }),
    told('__proto__=x&constructor=y&toString=z&__proto__[a]=1', {
      ['__proto__']: 'x',
      constructor: 'y',
      toString: 'z',
      '__proto__[a]': '1',
    }),
    told('__proto__=x&__proto__=y', { ['__proto__']: ['x', 'y'] }),
    told('constructor[prototype][a]=1', { 'constructor[prototype][a]': '1' }),
  ]),
  row('structure', 'names that others read as a structure', [
    told('a[]=1&a[0]=2&a.b=3', { 'a[]': '1', 'a[0]': '2', 'a.b': '3' }),
    told('a%5B%5D=1', { 'a[]': '1' }),
  ]),
  row('large query', 'a large query', [
    told('a=1&'.repeat(1000), { a: Array<string>(1000).fill('1') }),
    sent('1,001 parameters', 'a=1&'.repeat(1001), malformedTarget),
    sent('10,000 parameters', 'a=1&'.repeat(10_000), byServer),
    told(NAMES.join('&'), Object.fromEntries(NAMES.map((name) => [name, '']))),
    sent('a value of 60 KB', `a=${'b'.repeat(60_000)}`, byServer),
  ]),
  row('broken query', 'broken percent-encoding', [
    told('a=%zz&b=%&c=%E0%A4', { a: '%zz', b: '%', c: '\ufffd' }),
    told('a=%FF', { a: '\ufffd' }),
    told('a=%FE', { a: '\ufffd' }),
    told('%=%', { '%': '%' }),
  ]),
  row('plus', 'plus and semicolon', [
    told('a=b+c;d=e', { a: 'b c;d=e' }),
    told('a+b=1', { 'a b': '1' }),
    told('a=%2b', { a: '+' }),
  ]),
  row('odd characters', 'characters that JSON and scripts trip over', [
    told('a=%ED%A0%80', { a: '\ufffd\ufffd\ufffd' }),
    told('a=%E2%80%A8', { a: '\u2028' }),
    told('a=</script>', { a: '</script>' }),
    told('a="b"', { a: '"b"' }),
    told('a=%00%0a%22%5c', { a: '\0\n"\\' }),
    told('a=\\', { a: '\\' }),
    sent('a=\xc3\xa9', 'a=\xc3\xa9', allowed({ params: { a: '\u00e9' } })),
    sent('a=\xe9', 'a=\xe9', byServer),
  ]),
  row('blank values', 'blank values', [
    told('a=&b', { a: '', b: '' }),
    told('a=&b&=c&&', { a: '', b: '', '': 'c' }),
    told('', {}),
    told('&', {}),
    told('=', { '': '' }),
  ]),
  row('secrets in query', 'secrets in the query do not count as credentials, and are told', [
    variant('token=good without a header', get('/admin?token=good'), missing),
    variant('access_token=good without a header', get('/admin?access_token=good'), missing),
    variant('api_key=good without a header', get('/admin?api_key=good'), missing),
    told('token=good', { token: 'good' }),
  ]),
  row('not told', 'cookies and proxy credentials are not told (Traefik CVE-2026-41181)', [
    withheld('Cookie: session=secret'),
    withheld('cookie: a=b', 'COOKIE: c=d'),
    withheld('Proxy-Authorization: Basic secret'),
    withheld('Cookie: a=b', 'Proxy-Authorization: Basic secret'),
  ]),
]

function told(query: string, params: Asked['params']): Variant {
  return sent(query, query, allowed({ params }))
}

function sent(name: string, query: string, expected: Expected): Variant {
  return variant(nameOf(name), get(`/admin?${query}`, TOKEN), expected)
}

function withheld(...lines: readonly string[]): Variant {
  const headers = {
    cookie: undefined,
    'proxy-authorization': undefined,
    authorization: 'Bearer good',
  }
  return variant(lines.join(', '), get('/admin', ...lines, TOKEN), allowed({ headers }))
}
