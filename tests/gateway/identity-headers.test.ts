import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  DEFAULT_NAMES,
  encodeAttributes,
  encodePrincipal,
  identityFields,
} from '../../src/gateway/request-headers.ts'

const NONE = { principal: undefined, attributes: undefined }

describe('a principal', () => {
  it.each([
    ['alice', 'alice'],
    ['alice@example.com', 'alice@example.com'],
    ['CN=Alice Smith, O="ACME"', 'CN=Alice Smith, O="ACME"'],
    ['José', 'Jos%C3%A9'],
    ['山田', '%E5%B1%B1%E7%94%B0'],
    ['100%', '100%25'],
    ['Jos%C3%A9', 'Jos%25C3%25A9'],
    [' alice ', '%20alice%20'],
    ['  ', '%20%20'],
    ['a\u2028b', 'a%E2%80%A8b'],
  ])('%j is written %s', (principal, value) => {
    expect(encodePrincipal(principal)).toBe(value)
  })

  it.each(['a\r\nX-Admin: 1', 'a\nb', 'a\0', 'a\tb', 'a\x7fb', 'a\x85b', 'a\ud800'])(
    'R10 A-E25 %j is never written',
    (principal) => {
      expect(encodePrincipal(principal)).toBeUndefined()
    },
  )

  it('A-E25 is read back as it was, and survives the trimming of servers', () => {
    const letter = fc.oneof(
      fc.constantFrom(' ', '%', 'a', 'é', '\n', '\ud800'),
      fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
    )
    const { failed } = fc.check(
      fc.property(fc.array(letter, { minLength: 1 }), (letters) => {
        const principal = letters.join('')
        const value = encodePrincipal(principal)
        if (value === undefined) return /[\p{Cc}\p{Cs}]/u.test(principal)
        const headers = new Headers({ x: value })
        return (
          /^[\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?$/.test(value) &&
          decodeURIComponent(headers.get('x') ?? '') === principal
        )
      }),
      { numRuns: 1000 },
    )
    expect(failed).toBe(false)
  })

  it('A-D6 is read in linear time', () => {
    const started = performance.now()
    encodePrincipal(`a${' '.repeat(60_000)}b`)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('attributes', () => {
  it('are JSON in ASCII', () => {
    const attributes = { roles: ['admin'], 'tëams\r\n': ['\u007f', 'é"', '\ud800'] }
    const value = encodeAttributes(attributes)
    expect(value).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(value)).toEqual(attributes)
  })
})

describe('the fields of an identity', () => {
  it('are both, by their names', () => {
    const auth = { principal: 'alice', attributes: { roles: ['admin'] } }
    expect(identityFields(auth, DEFAULT_NAMES)).toEqual([
      ['x-auth-principal', 'alice'],
      ['x-auth-attributes', '{"roles":["admin"]}'],
    ])
    expect(identityFields(auth, NONE)).toEqual([])
  })

  it('are not there for what there is not', () => {
    expect(identityFields({ attributes: {} }, DEFAULT_NAMES)).toEqual([])
  })

  it('A-E25 are none at all if one cannot be written', () => {
    const bad = { principal: 'a\nb', attributes: { roles: ['admin'] } }
    expect(identityFields(bad, DEFAULT_NAMES)).toBeUndefined()
    expect(identityFields(bad, { ...DEFAULT_NAMES, principal: undefined })).toHaveLength(1)
  })

  it('A-E25 are none at all if one is too long: nothing is cut', () => {
    const fields = (length: number): unknown =>
      identityFields({ principal: 'a'.repeat(length), attributes: {} }, DEFAULT_NAMES)
    expect(fields(8192)).toHaveLength(1)
    expect(fields(8193)).toBeUndefined()
    const attributes = { groups: Array.from({ length: 1000 }, (_, index) => `group-${index}`) }
    expect(identityFields({ principal: 'alice', attributes }, DEFAULT_NAMES)).toBeUndefined()
  })
})
