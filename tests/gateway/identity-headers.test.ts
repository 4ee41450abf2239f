import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  encodeAttributes,
  encodeName,
  identityFields,
  identityValues,
} from '../../src/gateway/identity-headers.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import type { IdentityHeaderNames } from '../../src/gateway/identity-headers.ts'
import type { Auth } from '../../src/index.ts'

const { signature: _signature, ...NAMES } = GATEWAY_HEADERS

describe('a principal', () => {
  it.each([
    ['CN=Alice/O="ACME"', 'CN=Alice/O="ACME"'],
    // A server that takes the name as a token allows neither.
    ['CN=Alice Smith, O="ACME"', 'CN=Alice%20Smith%2C%20O="ACME"'],
    ['山田', '%E5%B1%B1%E7%94%B0'],
    ['Jos%C3%A9', 'Jos%25C3%25A9'],
    [' alice ', '%20alice%20'],
    ['  ', '%20%20'],
    ['a\u2028b', 'a%E2%80%A8b'],
  ])('%j is encoded as %s', (principal, value) => {
    expect(encodeName(principal)).toBe(value)
  })

  it.each(['a\r\nX-Admin: 1', 'a\nb', 'a\0', 'a\tb', 'a\x7fb', 'a\x85b', 'a\ud800'])(
    '%j is never sent (header injection)',
    (principal) => {
      expect(encodeName(principal)).toBeUndefined()
    },
  )

  it('survives encoding and decoding, even by a server that trims', () => {
    const letter = fc.oneof(
      fc.constantFrom(' ', ',', '%', 'a', 'é', '\n', '\ud800'),
      fc.integer({ min: 0, max: 0x10ffff }).map((code) => String.fromCodePoint(code)),
    )
    const { failed } = fc.check(
      fc.property(fc.array(letter, { minLength: 1 }), (letters) => {
        const principal = letters.join('')
        const value = encodeName(principal)
        if (value === undefined) return /[\p{Cc}\p{Cs}]/u.test(principal)
        const headers = new Headers({ x: value })
        return (
          /^[\x21-\x2b\x2d-\x7e]+$/.test(value) &&
          decodeURIComponent(headers.get('x') ?? '') === principal
        )
      }),
      { numRuns: 1000 },
    )
    expect(failed).toBe(false)
  })

  it('of 60,000 blanks is encoded in linear time', () => {
    const started = performance.now()
    encodeName(`a${' '.repeat(60_000)}b`)
    expect(performance.now() - started).toBeLessThan(500)
  })
})

describe('the identity headers', () => {
  it('hold the attributes as JSON in ASCII', () => {
    const attributes = { roles: ['admin'], 'tëams\r\n': ['\u007f', 'é"', '\ud800'] }
    const value = encodeAttributes(attributes)
    expect(value).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(value)).toEqual(attributes)
  })

  const fieldsOf = (auth: Auth, names: IdentityHeaderNames = NAMES): unknown => {
    const values = identityValues(auth, names, 'percent')
    return values && identityFields(values, names)
  }

  it('are sent under their configured names, and only with a value', () => {
    const caller = { principal: 'alice', tenant: 'acme', attributes: { roles: ['admin'] } }
    const auth = { ...caller, scopes: ['notes:read', 'notes:write'], clientId: 'notes app' }
    expect(fieldsOf(auth)).toEqual([
      ['x-auth-principal', 'alice'],
      ['x-auth-tenant', 'acme'],
      ['x-auth-attributes', '{"roles":["admin"]}'],
      ['x-auth-scopes', 'notes:read notes:write'],
      ['x-auth-client', 'notes%20app'],
    ])
    const renamed = { ...NAMES, tenant: 'x-org', scopes: 'x-scopes' }
    expect(fieldsOf(auth, renamed)).toContainEqual(['x-org', 'acme'])
    expect(fieldsOf(auth, renamed)).toContainEqual(['x-scopes', 'notes:read notes:write'])
    const none = { principal: undefined, tenant: undefined, attributes: undefined }
    expect(fieldsOf(auth, { ...none, scopes: undefined, client: undefined })).toEqual([])
    expect(fieldsOf({ attributes: {} })).toEqual([])
  })

  it.each([
    [['a b'], 'a%20b'],
    [['a,b', 'c%20d', 'é'], 'a%2Cb c%2520d %C3%A9'],
    [['', 'a', ''], 'a'],
  ])('carry the scopes %j as %s: a blank in one never makes two of it', (scopes, value) => {
    expect(fieldsOf({ attributes: {}, scopes })).toEqual([['x-auth-scopes', value]])
  })

  it.each([
    [{ principal: 'a\nb' }, 'principal'],
    [{ tenant: 'a\r\nX-Admin: 1' }, 'tenant'],
    [{ tenant: '\ud800' }, 'tenant'],
    [{ scopes: ['a', 'b\n'] }, 'scopes'],
    [{ clientId: 'a\0' }, 'client'],
  ] as const)('are all left out if a header cannot carry %j', (names, name) => {
    const bad = { ...names, attributes: { roles: ['admin'] } }
    expect(fieldsOf(bad)).toBeUndefined()
    expect(fieldsOf(bad, { ...NAMES, [name]: undefined })).toHaveLength(1)
  })

  it('are all left out if one is longer than 8,192 characters: nothing is truncated', () => {
    for (const name of ['principal', 'tenant', 'clientId']) {
      const fields = (length: number): unknown =>
        fieldsOf({ [name]: 'a'.repeat(length), attributes: {} })
      expect(fields(8192)).toHaveLength(1)
      expect(fields(8193)).toBeUndefined()
    }
    const attributes = { groups: Array.from({ length: 1000 }, (_, index) => `group-${index}`) }
    expect(fieldsOf({ principal: 'alice', attributes })).toBeUndefined()
    expect(fieldsOf({ scopes: attributes.groups, attributes: {} })).toBeUndefined()
  })
})
