import { describe, expect, it } from 'vitest'
import { isAttributes, isPrincipal } from '../../src/keys/key-fields.ts'
import { parseKeys } from '../../src/keys/key-document.ts'
import { KeyFileError } from '../../src/keys/key-file-error.ts'

const SHA = 'A1'.repeat(32)
const REQUIRED = { id: 'a', principal: 'alice', sha256: SHA }

describe('a key in the file', () => {
  it('needs an id, a principal and a hash', () => {
    expect(read(REQUIRED)).toEqual({ ...REQUIRED, sha256: SHA.toLowerCase(), attributes: {} })
  })

  it('may have everything else', () => {
    const all = {
      ...REQUIRED,
      prefix: 'withauth_abc',
      attributes: { roles: ['admin', 'ops'], none: [] },
      paths: ['/v1', '/v2/x'],
      created: '2026-01-01T00:00:00Z',
      expires: '2026-01-01T00:00:00+02:00',
      revoked: '2026-01-01',
    }
    expect(read(all)).toEqual({ ...all, sha256: SHA.toLowerCase() })
    expect(read({ ...REQUIRED, revoked: true })).toMatchObject({ revoked: true })
  })

  it('has names of attributes that are names like any other', () => {
    const { attributes } = read({ ...REQUIRED, attributes: JSON.parse('{"__proto__":["x"]}') })
    expect(Object.entries(attributes)).toEqual([['__proto__', ['x']]])
    expect(Object.getPrototypeOf(attributes)).toBeNull()
    expect(Object.isFrozen(attributes)).toBe(true)
  })
})

describe('a key in the file is refused', () => {
  it.each<[string, object, string]>([
    ['without an id', { ...REQUIRED, id: undefined }, '"id" is missing'],
    ['without anything', { prefix: 'x' }, '"id", "principal", "sha256" is missing'],
    ['with a number for an id', { ...REQUIRED, id: 12 }, '"id" must be'],
    ['with a number for a name', { ...REQUIRED, principal: 7 }, ': put it in quotes'],
    ['with nobody', { ...REQUIRED, principal: '' }, '"principal" must be'],
    ['with a list of names', { ...REQUIRED, principal: ['a'] }, '"principal" must be'],
    ['with a blank in the id', { ...REQUIRED, id: 'a b' }, '"id" must be 1 to 64 letters'],
    ['with a short hash', { ...REQUIRED, sha256: SHA.slice(1) }, '"sha256" must be 64 hex digits'],
    ['with no hash', { ...REQUIRED, sha256: `${SHA.slice(1)}g` }, '"sha256" must be 64 hex digits'],
    ['with a prefix of two words', { ...REQUIRED, prefix: 'a b' }, '"prefix" must be'],
    ['with no end', { ...REQUIRED, expires: null }, '"expires" must be a time'],
    ['with an end that is none', { ...REQUIRED, expires: 'never' }, '"expires" must be a time'],
    ['with an end without a zone', { ...REQUIRED, expires: '2026-01-01T00:00:00' }, '"expires"'],
    ['with a year', { ...REQUIRED, expires: 2026 }, ': put it in quotes'],
    ['that is not revoked', { ...REQUIRED, revoked: false }, '"revoked" must be a time'],
    ['that may be revoked', { ...REQUIRED, revoked: null }, 'or true'],
    ['with one role', { ...REQUIRED, attributes: { roles: 'admin' } }, '"attributes" must be'],
    ['with numbers', { ...REQUIRED, attributes: { roles: [1] } }, '"attributes" must be'],
    ['with a list', { ...REQUIRED, attributes: ['admin'] }, '"attributes" must be'],
    ['with no attributes', { ...REQUIRED, attributes: null }, '"attributes" must be'],
    ['with no paths', { ...REQUIRED, paths: [] }, '"paths" must be a list of at least one'],
    ['with a path', { ...REQUIRED, paths: '/v1' }, '"paths" must be a list'],
    ['with a slash at the end', { ...REQUIRED, paths: ['/v1/'] }, 'no slash at the end'],
    ['with a misspelt end', { ...REQUIRED, expire: '2026-01-01' }, 'no field "expire": known are'],
  ])('%s', (_, fields, message) => {
    const reading = (): unknown => read(fields)
    expect(reading).toThrow(KeyFileError)
    expect(reading).toThrow(message)
  })

  it('and a key in the wrong place is not shown', () => {
    const reading = (): unknown => read({ ...REQUIRED, withauth_s3cr3t: 'x', key: 's3cr3t' })
    expect(reading).toThrow('There is no field so (it is not shown)')
    expect(reading).toThrow('There is no field "key"')
    expect(reading).not.toThrow('s3cr3t')
  })
})

it('a principal is a text of one line', () => {
  expect(['alice', 'é', 'x'.repeat(256)].every(isPrincipal)).toBe(true)
  expect(['', 'a\u0000', 'a\tb', 'a\u007F', 'x'.repeat(257)].some(isPrincipal)).toBe(false)
})

it('attributes are lists of texts, and not too many', () => {
  expect([{}, { a: [] }, { a: ['b'] }].every(isAttributes)).toBe(true)
  const bad = [null, [], 'a', { a: 'b' }, { a: [1] }, { a: ['x'.repeat(8192)] }]
  expect(bad.some(isAttributes)).toBe(false)
})

function read(fields: object): { attributes: object } {
  // JSON is YAML.
  const { keys } = parseKeys(JSON.stringify({ keys: [fields] }), 'keys.yaml')
  return { attributes: {}, ...keys[0] }
}
