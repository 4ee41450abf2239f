import { describe, expect, it } from 'vitest'
import { KeyFileError } from '../../../src/keys/error.ts'
import { parseKeys } from '../../../src/keys/file/document.ts'

const SHA = 'A1'.repeat(32)
const REQUIRED = { id: 'a', principal: 'alice', sha256: SHA }
const KNOWN =
  'id, prefix, name, principal, tenant, attributes, paths, created, expires, revoked, successor, sha256'
/** The longest text of `{"a":["…"]}`. */
const MOST = 'x'.repeat(8192 - 10)

describe('an entry', () => {
  it('needs an id, a principal and a hash', () => {
    expect(read(REQUIRED)).toEqual({ ...REQUIRED, sha256: SHA.toLowerCase(), attributes: {} })
  })

  it('may have every other field', () => {
    const all = {
      ...REQUIRED,
      prefix: 'withauth_abc',
      principal: `é${'x'.repeat(255)}`,
      tenant: 'acme',
      attributes: { roles: [MOST.slice(22), 'admin'], none: [] },
      paths: ['/v1', '/v2/x'],
      created: '2026-01-01T00:00:00Z',
      expires: '2026-01-01T00:00:00+02:00',
      revoked: '2026-01-01',
      successor: 'key_2',
    }
    expect(read(all)).toEqual({ ...all, sha256: SHA.toLowerCase() })
    expect(read({ ...REQUIRED, revoked: true })).toMatchObject({ revoked: true })
  })

  it('may have an attribute "__proto__" (prototype pollution)', () => {
    const { attributes } = read({ ...REQUIRED, attributes: JSON.parse('{"__proto__":["x"]}') })
    expect(Object.entries(attributes)).toEqual([['__proto__', ['x']]])
    expect(Object.getPrototypeOf(attributes)).toBeNull()
    expect(Object.isFrozen(attributes)).toBe(true)
  })
})

describe('the error for', () => {
  const id = 'must be 1 to 64 letters, digits, _, . or -'
  const text = 'must be a text of 1 to 256 characters without control characters'
  const tenant =
    'must be 1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit'
  const prefix = 'must be 1 to 32 visible characters'
  const lists =
    'must be names with lists of texts, such as { roles: [admin] }, of at most 8192 characters in all'
  const paths =
    'must be a list of at least one, each a path such as /v1, which includes everything below it: no slash at the end, no *, %, ?, # or dot segment'
  const time = 'must be a time such as 2026-12-31T00:00:00Z'
  const hex = 'must be 64 hex digits'
  const quotes = ': put it in quotes'
  it.each<[string, unknown, string]>([
    ['id', 'a b', id],
    ['id', 12, `${id}${quotes}`],
    ['id', null, id],
    ['id', `${'a'.repeat(64)}b`, id],
    ['id', 'a\n', id],
    ['principal', '', text],
    ['principal', 'a\u0000', text],
    ['principal', 'a\tb', text],
    ['principal', 'a\u007F', text],
    ['principal', 'x'.repeat(257), text],
    ['principal', 7, `${text}${quotes}`],
    ['tenant', 'Acme', tenant],
    ['tenant', 7, `${tenant}${quotes}`],
    ['prefix', 'a b', prefix],
    ['prefix', 7, `${prefix}${quotes}`],
    ['attributes', { a: 'b' }, lists],
    ['attributes', { a: [1] }, lists],
    ['attributes', null, lists],
    ['attributes', [], lists],
    ['attributes', { a: ['b'], c: 'd' }, lists],
    ['attributes', { a: [`${MOST}x`] }, lists],
    ['paths', [], paths],
    ['paths', ['/v1/'], paths],
    ['paths', ['/v1', '/v1/..'], paths],
    ['paths', ['/v1', 2], paths],
    ['created', 2026, `${time}${quotes}`],
    ['expires', 'never', time],
    ['expires', '2026-01-01T00:00:00', time],
    ['revoked', 'yes', `${time}, or true`],
    ['revoked', false, `${time}, or true${quotes}`],
    ['successor', 'a b', id],
    ['sha256', SHA.slice(1), hex],
    ['sha256', `0${SHA}`, hex],
    ['sha256', ` ${SHA}`, hex],
    ['sha256', Number('1'.repeat(20)), `${hex}${quotes}`],
  ])('%s: %j', (name, value, message) => {
    expect(messagesOf(withField(name, value))).toEqual([`"${name}" ${message}`])
  })

  it.each([
    ['expire', `Unknown field "expire": expected ${KNOWN}`],
    ['__proto__', `Unknown field "__proto__": expected ${KNOWN}`],
    ['withauth_s3cr3t', `Unknown field (hidden because it may be a secret): expected ${KNOWN}`],
  ])('the unknown field %s', (name, message) => {
    expect(messagesOf(withField(name, '2026-01-01'))).toEqual([message])
  })

  it.each([
    [{ ...REQUIRED, id: undefined }, 'Missing: "id"'],
    [{ prefix: 'x' }, 'Missing: "id", "principal", "sha256"'],
  ])('missing fields in %j', (fields, message) => {
    expect(messagesOf(JSON.stringify({ keys: [fields] }))).toEqual([message])
  })

  it('an invalid entry does not compare it with other entries', () => {
    const twice = (fields: object): string => JSON.stringify({ keys: [fields, fields] })
    expect(messagesOf(twice({ ...REQUIRED, id: undefined }))).toEqual([
      'Missing: "id"',
      'Missing: "id"',
    ])
    expect(messagesOf(twice({ ...REQUIRED, created: 'x' }))).toEqual([
      `"created" ${time}`,
      `"created" ${time}`,
    ])
  })
})

/** JSON is YAML. */
function withField(name: string, value: unknown): string {
  const fields = JSON.stringify({ ...REQUIRED, [name]: undefined }).slice(0, -1)
  return `{"keys":[${fields},${JSON.stringify(name)}:${JSON.stringify(value)}}]}`
}

function messagesOf(text: string): string[] {
  try {
    return parseKeys(text, 'keys.yaml').keys.map(({ id }) => id)
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return error.problems.map(({ message }) => message)
  }
}

function read(fields: object): { attributes: object } {
  const { keys } = parseKeys(JSON.stringify({ keys: [fields] }), 'keys.yaml')
  return { attributes: {}, ...keys[0] }
}
