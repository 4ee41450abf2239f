import { describe, expect, it } from 'vitest'
import { isAttributes, isPrincipal } from '../../../src/keys/file/fields.ts'
import { parseKeys } from '../../../src/keys/file/document.ts'
import { KeyFileError } from '../../../src/keys/error.ts'

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
      successor: 'key_2',
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

describe('what is wrong with a field is said whole', () => {
  const text = 'a text of 1 to 256 characters, none of them a control character'
  const lists =
    'names with lists of texts, such as { roles: [admin] }, of at most 8192 characters in all'
  const paths =
    'a list of at least one, each a path such as /v1, which opens all below it too: no slash at the end, no *, %, ?, # or dot segment'
  const id = '"id" must be 1 to 64 letters, digits, _, . or -'
  const time = 'must be a time such as 2026-12-31T00:00:00Z'
  it.each<[string, unknown, string]>([
    ['id', 'a b', id],
    ['id', 12, `${id}: put it in quotes`],
    ['id', true, `${id}: put it in quotes`],
    ['id', null, id],
    ['id', ['a'], id],
    ['id', `${'a'.repeat(64)}b`, id],
    ['id', 'a\n', id],
    ['principal', '', `"principal" must be ${text}`],
    ['principal', false, `"principal" must be ${text}: put it in quotes`],
    ['principal', { a: 'b' }, `"principal" must be ${text}`],
    ['prefix', 'a b', '"prefix" must be 1 to 32 visible characters'],
    ['prefix', 'x'.repeat(33), '"prefix" must be 1 to 32 visible characters'],
    ['attributes', { a: 'b' }, `"attributes" must be ${lists}`],
    ['attributes', 'a', `"attributes" must be ${lists}`],
    ['paths', [], `"paths" must be ${paths}`],
    ['paths', ['/v1', '/v1/..'], `"paths" must be ${paths}`],
    ['paths', ['/v1/..', '/v1'], `"paths" must be ${paths}`],
    ['paths', ['/v1', 2], `"paths" must be ${paths}`],
    ['created', 'then', `"created" ${time}`],
    ['created', 2026, `"created" ${time}: put it in quotes`],
    ['expires', 'never', `"expires" ${time}`],
    ['expires', true, `"expires" ${time}: put it in quotes`],
    ['revoked', 'yes', `"revoked" ${time}, or true`],
    ['revoked', false, `"revoked" ${time}, or true: put it in quotes`],
    ['successor', 'a b', id.replace('id', 'successor')],
    ['sha256', `${SHA}0`, '"sha256" must be 64 hex digits'],
    ['sha256', `0${SHA}`, '"sha256" must be 64 hex digits'],
    ['sha256', ` ${SHA}`, '"sha256" must be 64 hex digits'],
    ['sha256', Number('1'.repeat(20)), '"sha256" must be 64 hex digits: put it in quotes'],
    [
      'expire',
      '2026-01-01',
      'There is no field "expire": known are id, prefix, principal, attributes, paths, created, expires, revoked, successor, sha256',
    ],
    [
      '__proto__',
      'x',
      'There is no field "__proto__": known are id, prefix, principal, attributes, paths, created, expires, revoked, successor, sha256',
    ],
  ])('%s: %j', (name, value, message) => {
    const fields = JSON.stringify({ ...REQUIRED, [name]: undefined }).slice(0, -1)
    const json = `{"keys":[${fields},${JSON.stringify(name)}:${JSON.stringify(value)}}]}`
    expect(messagesOf(json)).toEqual([message])
  })

  it('and once: of a key that is not sound nothing else is looked at', () => {
    const twice = (fields: object): string => JSON.stringify({ keys: [fields, fields] })
    expect(messagesOf(twice({ ...REQUIRED, id: 1, sha256: 'x' }))).toEqual([
      `${id}: put it in quotes`,
      '"sha256" must be 64 hex digits',
      `${id}: put it in quotes`,
      '"sha256" must be 64 hex digits',
    ])
    expect(messagesOf(twice({ ...REQUIRED, id: undefined }))).toEqual([
      '"id" is missing',
      '"id" is missing',
    ])
    expect(messagesOf(twice({ ...REQUIRED, created: 'x' }))).toEqual([
      `"created" ${time}`,
      `"created" ${time}`,
    ])
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
  // {"a":["…"]} is ten characters longer than what is in it.
  const most = 'x'.repeat(8192 - 10)
  expect([{}, { a: [] }, { a: ['b'] }, { a: [most] }].every(isAttributes)).toBe(true)
  const bad = [null, [], 'a', { a: 'b' }, { a: [1] }, { a: ['b'], c: 'd' }, { a: [`${most}x`] }]
  expect(bad.some(isAttributes)).toBe(false)
})

function messagesOf(text: string): string[] {
  try {
    return parseKeys(text, 'keys.yaml').keys.map(({ id }) => id)
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return error.problems.map(({ message }) => message)
  }
}

function read(fields: object): { attributes: object } {
  // JSON is YAML.
  const { keys } = parseKeys(JSON.stringify({ keys: [fields] }), 'keys.yaml')
  return { attributes: {}, ...keys[0] }
}
