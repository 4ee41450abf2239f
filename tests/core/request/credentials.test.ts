import { describe, expect, it } from 'vitest'
import { createCredentialsReader } from '../../../src/core/request/credentials.ts'
import { raw } from '../../support/requests.ts'
import { TOKEN } from '../../support/token.ts'
import type { CredentialsSource } from '../../../src/index.ts'

const MISSING = { reason: 'missing_credentials' }
const MALFORMED = { reason: 'malformed_credentials' }
const CONFLICTING = { ...MALFORMED, isConflict: true }

function read(
  headers: Record<string, string>,
  sources: readonly CredentialsSource[] = ['bearer'],
  namesCaller?: boolean,
): unknown {
  return createCredentialsReader(sources, namesCaller)(raw('http://h/', headers).headers)
}

function bearer(authorization: string): unknown {
  return read({ authorization })
}

describe('a bearer token', () => {
  it.each([
    ['Bearer abc', 'abc'],
    ['bearer abc', 'abc'],
    ['BEARER abc', 'abc'],
    ['bEaReR abc', 'abc'],
    ['Bearer  abc', 'abc'],
    [`Bearer${' '.repeat(64)}abc`, 'abc'],
    ['Bearer abc \t ', 'abc'],
    ['\t Bearer abc', 'abc'],
    ['Bearer aZ09-._~+/==', 'aZ09-._~+/=='],
  ])('is read out of %j', (value, token) => {
    expect(bearer(value)).toBe(token)
  })

  it.each([
    '',
    ' ',
    '\t',
    'Basic abc',
    'abc',
    'BearerX abc',
    'XBearer abc',
    'X Bearer abc',
    'Bearer-abc',
    'ＢＥＡＲＥＲ abc',
    'Digest a="b, c"',
  ])('is missing from %j', (value) => {
    expect(bearer(value)).toEqual(MISSING)
  })

  it('is missing without the header', () => {
    expect(read({})).toEqual(MISSING)
  })

  it.each([
    'Bearer',
    'Bearer ',
    'Bearer\tabc',
    'Bearer\u000babc',
    'Bearer \tabc',
    'Bearer a,b',
    'Bearer a b',
    'Bearer é',
    'Bearer a\u0000',
    'Bearer a\u007f',
    'Bearer a\nb',
    'Bearer a\ufffd',
    `Bearer ${TOKEN}, Bearer evil`,
    `Basic zzz, Bearer ${TOKEN}`,
    `, Bearer ${TOKEN}`,
    'Basic zzz, Bearer',
    `Bearer${' '.repeat(65)}abc`,
  ])('is malformed in %j', (value) => {
    expect(bearer(value)).toEqual(MALFORMED)
  })

  it('has at most 8,192 characters', () => {
    expect(bearer(`Bearer ${'a'.repeat(8192)}`)).toBe('a'.repeat(8192))
    const TOO_LONG = { ...MALFORMED, detail: 'too_long' }
    expect(bearer(`Bearer ${'a'.repeat(8193)}`)).toMatchObject(TOO_LONG)
    expect(bearer(`Bearer ${'a'.repeat(1_000_000)}`)).toMatchObject(TOO_LONG)
    expect(bearer(`Bearer${' '.repeat(8192)}`)).toEqual(MALFORMED)
    const long = { 'x-api-key': 'a'.repeat(8193) }
    expect(read(long, [{ header: 'x-api-key' }])).toMatchObject(TOO_LONG)
  })

  it('may be any visible ASCII but the comma', () => {
    const visible = Array.from({ length: 94 }, (_, index) => String.fromCharCode(33 + index)).join(
      '',
    )
    expect(bearer('Bearer 1|abc')).toBe('1|abc')
    expect(bearer(`Bearer ${visible.replace(',', '')}`)).toBe(visible.replace(',', ''))
    expect(bearer(`Bearer ${TOKEN},`)).toEqual(MALFORMED)
  })
})

describe('another source', () => {
  const header = [{ header: 'x-api-key' }] as const
  const cookie = [{ cookie: 'session' }] as const
  const protocol = [{ webSocketProtocol: 'bearer.' }] as const

  it.each([
    [header, { 'x-api-key': 'abc' }, 'abc'],
    [header, { 'x-api-key': ' abc\t' }, 'abc'],
    [header, { 'x-api-key': '' }, MISSING],
    [header, { authorization: 'Bearer abc' }, MISSING],
    [header, { 'x-api-key': 'abc, def' }, MALFORMED],
    [header, { 'x-api-key': 'Bearer abc' }, MALFORMED],
    [cookie, { cookie: 'session=abc' }, 'abc'],
    [cookie, { cookie: 'a=b; session=abc; c=d' }, 'abc'],
    [cookie, { cookie: ' session=abc' }, 'abc'],
    [cookie, { cookie: 'xsession=abc' }, MISSING],
    [cookie, { cookie: 'Session=abc' }, MISSING],
    [cookie, { authorization: 'session=abc' }, MISSING],
    [cookie, {}, MISSING],
    [cookie, { cookie: 'session=' }, MALFORMED],
    [cookie, { cookie: 'session="abc"' }, '"abc"'],
    [cookie, { cookie: 'session=abc; session=abc' }, MALFORMED],
    [cookie, { cookie: 'session=abc, session=def' }, MALFORMED],
    [protocol, { 'sec-websocket-protocol': 'chat, bearer.abc' }, 'abc'],
    [protocol, { 'sec-websocket-protocol': 'bearer.abc' }, 'abc'],
    [protocol, { 'sec-websocket-protocol': 'chat' }, MISSING],
    [protocol, {}, MISSING],
    // A missing field is not read as the text of `null` or `undefined`.
    [[{ webSocketProtocol: 'S' }], {}, MISSING],
    [protocol, { 'sec-websocket-protocol': 'bearer.' }, MALFORMED],
    [protocol, { 'sec-websocket-protocol': 'bearer.a, bearer.b' }, MALFORMED],
  ])('of %j reads %j as %j', (sources, headers, expected) => {
    expect(read(headers as Record<string, string>, sources)).toEqual(expected)
  })

  it.each([
    [{ authorization: 'Bearer a' }, 'a'],
    [{ 'x-api-key': 'b' }, 'b'],
    [{ cookie: 'session=c' }, 'c'],
    [{ authorization: 'Basic a', 'x-api-key': 'b' }, 'b'],
    [{}, MISSING],
    [{ authorization: 'Bearer' }, MALFORMED],
    [{ authorization: 'Bearer a', 'x-api-key': 'a' }, 'a'],
    [{ authorization: 'Bearer a', 'x-api-key': ' a ', cookie: 'session=a' }, 'a'],
    [{ authorization: 'Bearer a b', 'x-api-key': 'a b' }, MALFORMED],
    [{ authorization: 'Bearer a', 'x-api-key': 'b' }, CONFLICTING],
    [{ authorization: 'Bearer a', 'x-api-key': 'A' }, CONFLICTING],
    [{ authorization: 'Bearer a', 'x-api-key': 'a', cookie: 'session=b' }, CONFLICTING],
    [{ 'x-api-key': 'a', cookie: 'session=b' }, CONFLICTING],
    [{ authorization: 'Bearer a b', 'x-api-key': 'b' }, CONFLICTING],
    [{ authorization: 'Bearer a', cookie: 'session=c d' }, CONFLICTING],
    [{ authorization: 'Bearer', cookie: 'session=c' }, CONFLICTING],
    // Neither can be read, so they may differ.
    [{ authorization: 'Bearer', cookie: 'session=c; session=c' }, CONFLICTING],
    [{ authorization: 'Bearer', cookie: 'session=' }, CONFLICTING],
  ])('of a list must hold the same token as the others: %j is %j', (headers, expected) => {
    expect(read(headers as Record<string, string>, ['bearer', ...header, ...cookie])).toEqual(
      expected,
    )
  })
})
