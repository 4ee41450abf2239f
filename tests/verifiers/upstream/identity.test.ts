import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeAttributes, encodeName } from '../../../src/gateway/identity-headers.ts'
import {
  decodeName,
  readAttributes,
  readPlainName,
  readValues,
} from '../../../src/verifiers/upstream/identity.ts'

describe('a name', () => {
  it.each([
    ['alice', 'alice'],
    ['alice%20b', 'alice b'],
    ['a%2Cb', 'a,b'],
    ['a%2cb', 'a,b'],
    ['100%25', '100%'],
    ['%C3%A9', 'é'],
    ['a+b', 'a+b'],
    ['alice b', 'alice b'],
    ['%2525', '%25'],
  ])('%s is read as %s', (value, name) => {
    expect(decodeName(value)).toBe(name)
  })

  it.each([
    ['a broken percent-encoding', 'a%'],
    ['bytes outside UTF-8', '%C3'],
    ['an encoded lone surrogate', '%ED%A0%80'],
    ['a lone surrogate', '\ud800'],
    ['a control character', 'a%0Ab'],
    ['a control character', 'a%C2%85'],
    ['two headers', 'alice, mallory'],
    ['bytes of unknown encoding', 'caf\u00e9'],
    ['nothing', ''],
  ])('rejects %s: %j', (_, value) => {
    expect(decodeName(value)).toEqual({ why: 'is not percent-encoded as the gateway does it' })
  })

  it.each(['alice, mallory', 'caf\u00e9', 'a\tb'])('that is not encoded is not %j', (value) => {
    const why = 'has a comma, or a character that is not printable ASCII'
    expect(readPlainName(value)).toEqual({ why })
  })

  it('is what the gateway wrote', () => {
    fc.assert(
      fc.property(
        fc.string({
          unit: fc.oneof(
            fc.constantFrom('%', ',', ' ', '2', 'C'),
            fc.integer({ max: 0x10_ffff, min: 0 }).map((code) => String.fromCodePoint(code)),
          ),
        }),
        (name) => {
          const written = encodeName(name)
          if (written === undefined || name === '') return
          expect(decodeName(written)).toBe(name)
        },
      ),
    )
  })
})

describe('attributes', () => {
  it.each([
    ['{"roles":["admin"]}', { roles: ['admin'] }],
    ['{"roles":"admin","teams":[]}', { roles: ['admin'], teams: [] }],
    ['{}', {}],
    [String.raw`{"name":["J\u00f6rg"]}`, { name: ['Jörg'] }],
    ['{"a":["x"],"a":["y"]}', { a: ['y'] }],
  ])('%s is read', (value, attributes) => {
    expect({ ...readAttributes(value) }).toEqual(attributes)
  })

  it.each([
    'admin',
    '["admin"]',
    'null',
    '{',
    '{"roles":1}',
    '{"roles":{"admin":true}}',
    '{"roles":["admin",1]}',
    '{"roles":["user"]}, {"roles":["admin"]}',
    '{"name":["J\u00f6rg"]}',
    '{"name":["a\tb"]}',
  ])('%j is malformed', (value) => {
    expect(readAttributes(value)).toBeUndefined()
  })

  it('has no prototype, and takes any name', () => {
    const attributes = readAttributes('{"__proto__":["a"],"constructor":["b"]}')
    expect(Object.entries(attributes ?? {})).toEqual([
      ['__proto__', ['a']],
      ['constructor', ['b']],
    ])
    expect(Object.getPrototypeOf(attributes)).toBeNull()
  })

  it('are what the gateway wrote', () => {
    const given = fc.dictionary(fc.string({ unit: 'grapheme' }), fc.array(fc.string()))
    fc.assert(
      fc.property(given, (attributes) => {
        expect(readAttributes(encodeAttributes(attributes))).toEqual(attributes)
      }),
    )
  })
})

describe('the values of one attribute', () => {
  const JSON_FORM = { header: 'x-a', attribute: 'a', separator: undefined, isJson: true }
  const TEXT = { ...JSON_FORM, isJson: false }
  const LIST = { ...TEXT, separator: ',' }

  it.each([
    [TEXT, 'admin', ['admin']],
    [TEXT, 'admin owner', ['admin owner']],
    [TEXT, '["admin"]', ['["admin"]']],
    [TEXT, 'J\u00c3\u00b6rg', ['Jörg']],
    [LIST, 'admin', ['admin']],
    [LIST, 'admin, owner , ,', ['admin', 'owner']],
    [LIST, ',', []],
    [LIST, '["a"', ['["a"']],
    [JSON_FORM, '"admin, owner"', ['admin, owner']],
    [JSON_FORM, '["admin","owner"]', ['admin', 'owner']],
    [JSON_FORM, '[]', []],
    [JSON_FORM, '""', ['']],
  ])('in the form %j, %s are %j', (form, value, values) => {
    expect(readValues(value, form)).toEqual(values)
  })

  it.each([
    [TEXT, 'admin,owner'],
    [TEXT, 'J\u00f6rg'],
    [LIST, 'a\tb'],
    [LIST, 'J\u0142'],
    [JSON_FORM, 'admin'],
    [JSON_FORM, 'true'],
    [JSON_FORM, '{}'],
    [JSON_FORM, '["a"], ["b"]'],
    [JSON_FORM, '["a",1]'],
    [JSON_FORM, '[["a"]]'],
  ])('in the form %j, %j are refused', (form, value) => {
    expect(readValues(value, form)).toEqual({ why: expect.any(String) as string })
  })
})
