import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createCredentialsReader } from '../../src/core/request/credentials.ts'
import { readBearer, readField, readItem } from './references/credentials.ts'
import { compare, textOf, SLOW, tooRare } from './strings.ts'
import type { Reading } from './references/credentials.ts'
import type { CredentialsSource } from '../../src/index.ts'

type Reference = (field: string | null) => Reading

const NAMES = { missing_credentials: 'missing', malformed_credentials: 'malformed' } as const
const BLANKS = [' ', '  ', '\t', ' \t ', '\u00a0', '\u000b', ' '.repeat(64), ' '.repeat(65)]
const TOKENS = ['a', 'Z9', '-._~', '+/', '=', '==', 'a'.repeat(8190)]
const FOREIGN = [
  ',',
  '"',
  ':',
  '%',
  ';',
  '|',
  '\u0000',
  '\n',
  '\r',
  '\u007f',
  'é',
  '\ufffd',
  '\ud800',
]
const OTHER = ['Basic', 'b', 'Bearer-', 'ＢＥＡＲＥＲ', 'Beare\u017f']
const SCHEMES = [
  'Bearer ',
  'Bearer ',
  'Bearer',
  'bearer',
  'BEARER ',
  'bEaReR ',
  ', Bearer ',
  ',bearer',
]
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
