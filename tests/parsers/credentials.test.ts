import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCredentialsReader } from '../../src/core/request/credentials.ts'
import { words } from '../support/words.ts'
import { trimBlanks } from './characters.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'
import type { CredentialsSource } from '../../src/index.ts'

type Reading = { readonly token: string } | 'missing' | 'malformed'
type Reference = (field: string) => Reading

const NAMES = { missing_credentials: 'missing', malformed_credentials: 'malformed' } as const
const BLANKS = [' ', '  ', '\t', ' \t ', '\u00a0', '\u000b', ' '.repeat(64), ' '.repeat(65)]
const TOKENS = [...words('a Z9 -._~ +/ = =='), 'a'.repeat(8190)]
const FOREIGN = [...words(', " : % ; | é \ufffd \ud800'), '\u0000', '\n', '\r', '\u007f']
const OTHER = words('Basic b Bearer- ＢＥＡＲＥＲ Beare\u017f')
const SCHEMES = 'Bearer |Bearer |Bearer|bearer|BEARER |bEaReR |, Bearer |,bearer'.split('|')
const COOKIES = ['key=', '; key=', ';key=', 'Key=', 'xkey=', '; ', 'other=b; ']
const PROTOCOLS = ['key.', ', key.', ',key.', 'Key.', 'chat, ', ', ']

// Half of them begin like a usual header.
const AUTHORIZATIONS = fc.oneof(
  textOf([...SCHEMES, ...BLANKS, ...TOKENS, ...FOREIGN, ...OTHER]),
  textOf([...BLANKS, ...TOKENS, ...FOREIGN], 3).map((text) => `Bearer ${text}`),
)

// The other half holds the expected token with something after it.
function mostlyOne(texts: fc.Arbitrary<string>, start: string): fc.Arbitrary<string> {
  const behind = textOf([...TOKENS, ...BLANKS, ...FOREIGN], 3)
  return fc.oneof(
    texts,
    behind.map((text) => start + text),
  )
}

const SOURCES: readonly [string, CredentialsSource, Reference, fc.Arbitrary<string>][] = [
  ['Authorization', 'bearer', readBearer, AUTHORIZATIONS],
  ['a header', { header: 'x-key' }, readField, textOf([...BLANKS, ...TOKENS, ...FOREIGN], 3)],
  [
    'a cookie',
    { cookie: 'key' },
    (field) => readItem(field, ';', 'key='),
    mostlyOne(textOf([...COOKIES, ...BLANKS, ...TOKENS, ...FOREIGN], 6), 'other=b; key='),
  ],
  [
    'a WebSocket protocol',
    { webSocketProtocol: 'key.' },
    (field) => readItem(field, ',', 'key.'),
    mostlyOne(textOf([...PROTOCOLS, ...BLANKS, ...TOKENS, ...FOREIGN], 6), 'chat, key.'),
  ],
]

describe.each(SOURCES)('the token in %s', (_what, source, reference, fields) => {
  it('is what the reference parser reads', SLOW, () => {
    const read = createCredentialsReader([source])
    const counts = compare(fields, (field) => {
      const expected = reference(field)
      const result = read({ get: () => field } as unknown as Headers)
      const found = typeof result === 'string' ? { token: result } : NAMES[result.reason]
      return { found, expected, kind: typeof expected === 'string' ? expected : 'token' }
    })
    expect(tooRare(counts, ['token', 'missing', 'malformed'])).toEqual([])
  })
})

/** `Authorization`: RFC 9110 §11.4 and §11.6.2, RFC 6750 §2.1. */
function readBearer(field: string): Reading {
  const value = trimBlanks(field)
  if (value === '') return 'missing'
  const [scheme = ''] = /^[\w!#$%&'*+.^`|~-]*/.exec(value) ?? []
  if (scheme.toLowerCase() !== 'bearer') return hasBearerInList(value) ? 'malformed' : 'missing'
  const token = value.slice(scheme.length).replace(/^ +/, '')
  const spaces = value.length - scheme.length - token.length
  return spaces >= 1 && spaces <= 64 ? readToken(token) : 'malformed'
}

/** A header that holds only the token. */
function readField(field: string): Reading {
  const value = trimBlanks(field)
  return value === '' ? 'missing' : readToken(value)
}

/** The only list item with a prefix: a cookie's name and `=`, or a prefix of a WebSocket protocol. */
function readItem(field: string, separator: string, prefix: string): Reading {
  const items = field.split(separator).map(trimBlanks)
  const [found, second] = items.filter((item) => item.startsWith(prefix))
  if (found === undefined) return 'missing'
  return second === undefined ? readToken(found.slice(prefix.length)) : 'malformed'
}

// Servers join repeated headers with a comma, so a second `Bearer` may be a second header.
function hasBearerInList(value: string): boolean {
  const [, ...more] = value.split(',').map(trimBlanks)
  return more.some((item) => item.split(/[ \t]/)[0]?.toLowerCase() === 'bearer')
}

function readToken(text: string): Reading {
  const isVisible = Array.from(text).every((one) => one > ' ' && one <= '~' && one !== ',')
  return isVisible && text !== '' && text.length <= 8192 ? { token: text } : 'malformed'
}
