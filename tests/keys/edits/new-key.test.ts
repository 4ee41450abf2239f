import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../../src/index.ts'
import { parseNewKey } from '../../../src/keys/edits/new-key.ts'

const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 700)

describe('a new key', () => {
  it('needs a principal only', () => {
    expect(parseNewKey({ principal: 'alice' }, NOW)).toEqual({
      principal: 'alice',
      attributes: {},
      created: '2026-01-01T00:00:00Z',
    })
  })

  it.each([
    [{ expiresIn: '90d' }, '2026-04-01T00:00:00Z'],
    [{ expiresIn: '1s' }, '2026-01-01T00:00:01Z'],
    [{ expiresAt: '2026-02-01' }, '2026-02-01T00:00:00Z'],
    [{ expiresAt: new Date(NOW + 1) }, '2026-01-01T00:00:00.701Z'],
    [{ expiresAt: new Date(Date.UTC(10_000, 0) - 1) }, '9999-12-31T23:59:59.999Z'],
  ])('%j expires at %s', (end, expires) => {
    expect(parseNewKey({ principal: 'alice', ...end }, NOW).expires).toBe(expires)
  })

  it('may have a name of 100 characters', () => {
    const name = 'x'.repeat(100)
    expect(parseNewKey({ principal: 'alice', name }, NOW).name).toBe(name)
  })

  it.each(['', 'x'.repeat(101), 'a\nb', '\x9b31m', 'a\u2028b', 7, `my withauth_${'k'.repeat(49)}`])(
    'rejects the name %j, and does not show it',
    (name) => {
      const form = 'a text of 1 to 100 characters without control characters, and not a key'
      expect(() => parseNewKey({ principal: 'a', name }, NOW)).toThrow(
        `"key.name" must be ${form} (its value is not shown)`,
      )
    },
  )

  it.each([
    [{}, 'key.principal', '"key.principal" must be a text of 1 to 256 characters'],
    [
      { principal: 'a', tenant: 'Acme' },
      'key.tenant',
      '"key.tenant" must be 1 to 128 lower-case letters, digits, "-" and "_", the first a letter or a digit, received "Acme"',
    ],
    [
      { principal: 'a', paths: ['/v1/*'] },
      'key.paths[0]',
      '"key.paths[0]" must be a path such as /v1, which includes everything below it: no slash at the end, no *, %, ?, # or dot segment, received "/v1/*": did you mean "/v1"?',
    ],
    [
      { principal: 'a', paths: ['/v1', '/v2/'] },
      'key.paths[1]',
      'received "/v2/": did you mean "/v2"?',
    ],
    [{ principal: 'a', paths: [] }, 'key.paths', 'a list of at least one'],
    [{ principal: 'a', paths: '/v1' }, 'key.paths', 'a path such as /v1'],
    [{ principal: 'a', paths: [7] }, 'key.paths[0]', 'received 7'],
    [{ principal: 'a', paths: [['/v1']] }, 'key.paths[0]', 'received an array'],
    [{ principal: 'a', paths: [['/v1/*']] }, 'key.paths[0]', /, received an array$/],
    [{ principal: 'a', paths: ['/*'] }, 'key.paths[0]', 'received "/*": did you mean "/"?'],
    [{ principal: 'a', paths: ['/a?k=s3cret'] }, 'key.paths[0]', '(its value is not shown)'],
    [{ principal: 'a', paths: ['/\u202E'] }, 'key.paths[0]', '(its value is not shown)'],
    [{ principal: 'a', paths: [`/%${'x'.repeat(40)}`] }, 'key.paths[0]', 'is not shown'],
    // A long path may hold a secret, although a shorter one is meant.
    [{ principal: 'a', paths: [`/${'x'.repeat(40)}/*`] }, 'key.paths[0]', 'is not shown'],
    [{ principal: 'a', attributes: { a: ['x'.repeat(9000)] } }, 'key.attributes', '8192'],
    [{ principal: 'a', expiresIn: '90' }, 'key.expiresIn', 'such as 90d'],
    [{ principal: 'a', expiresIn: ['1d'] }, 'key.expiresIn', 'such as 90d'],
    [{ principal: 'a', expiresIn: 'x'.repeat(25) }, 'key.expiresIn', '(its value is not shown)'],
    [{ principal: 'a', expiresIn: '0' }, 'key.expiresIn', 'a whole number above 0'],
    [{ principal: 'a', expiresAt: new Date(Date.UTC(10_000, 0)) }, 'key.expiresAt', '10000'],
    [{ principal: 'a', paths: ['/v1', '/v1/..'] }, 'key.paths[1]', 'no slash at the end'],
    [{ principal: 'a', expiresAt: new Date(Number.NaN) }, 'key.expiresAt', 'a Date'],
    [
      { principal: 'a', expiresAt: 'soon' },
      'key.expiresAt',
      '"key.expiresAt" must be a time such as 2026-12-31T00:00:00Z, received "soon"',
    ],
    [
      { principal: 'a', expiresAt: new Date(NOW) },
      'key.expiresAt',
      '"key.expiresAt" must be a time in the future, and before the year 10000, received',
    ],
    [{ principal: 'a', expiresAt: new Date(8e15) }, 'key.expiresAt', 'before the year 10000'],
    [
      { principal: 'a', expiresIn: '999999w' },
      'key.expiresIn',
      '"key.expiresIn" must be a time in the future',
    ],
    [
      { principal: 'a', expiresIn: '1d', expiresAt: '2027-01-01' },
      'key.expiresIn',
      'left out beside',
    ],
  ])('rejects %j', (value, option, message) => {
    const failing = (): unknown => parseNewKey(value, NOW)
    expect(failing).toThrow(AuthConfigError)
    expect(failing).toThrow(expect.objectContaining({ option }))
    expect(failing).toThrow(message)
  })
})
