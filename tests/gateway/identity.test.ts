import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { encodeName } from '../../src/gateway/identity-headers.ts'
import { get } from '../support/requests.ts'
import { send, sendOrRefuse } from './sent.ts'
import type { IdentityHeadersConfig } from '../../src/gateway.ts'
import type { Verdict } from '../../src/index.ts'

/** The headers that carry an identity. */

type Caller = Omit<Extract<Verdict, { outcome: 'allow' }>, 'outcome'>

const by = (caller: Caller, identityHeaders: IdentityHeadersConfig = {}) =>
  [
    get('/', 'key'),
    { identityHeaders },
    { verifier: () => ({ outcome: 'allow', ...caller }) as const },
  ] as const

async function fieldsOf(...given: Parameters<typeof by>): Promise<Record<string, string>> {
  const { init } = await send(...by(...given))
  return Object.fromEntries([...init.headers].filter(([name]) => /^x[-_](?!forwarded)/.test(name)))
}

const UTF8 = { encoding: 'utf-8' } as const
const long = (length: number, letter = 'a'): string => letter.repeat(length)

describe('a principal', () => {
  it.each([
    ['CN=Alice/O="ACME"', 'CN=Alice/O="ACME"'],
    // A server that takes the name as a token allows neither.
    ['CN=Alice Smith, O="ACME"', 'CN=Alice%20Smith%2C%20O="ACME"'],
    ['山田', '%E5%B1%B1%E7%94%B0'],
    ['Jos%C3%A9', 'Jos%25C3%25A9'],
    [' alice ', '%20alice%20'],
    ['a\u2028b', 'a%E2%80%A8b'],
  ])('%j is encoded as %s', async (principal, value) => {
    expect(await fieldsOf({ principal })).toEqual({ 'x-auth-principal': value })
  })

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
        const sent = new Headers({ x: value }).get('x') ?? ''
        return /^[\x21-\x2b\x2d-\x7e]+$/.test(value) && decodeURIComponent(sent) === principal
      }),
      { numRuns: 1000 },
    )
    expect(failed).toBe(false)
  })
})

describe('the identity headers', () => {
  it('hold the attributes as JSON in ASCII', async () => {
    const attributes = { roles: ['admin'], 'tëams\r\n': ['\u007f', 'é"', '\ud800'] }
    const { 'x-auth-attributes': value = '' } = await fieldsOf({ attributes })
    expect(value).toMatch(/^[\x20-\x7e]+$/)
    expect(JSON.parse(value)).toEqual(attributes)
  })

  it('are sent under their configured names, and only with a value', async () => {
    const caller = { principal: 'alice', tenant: 'acme', attributes: { roles: ['admin'] } }
    const auth = { ...caller, scopes: ['notes:read', 'notes:write'], clientId: 'notes app' }
    const fields = {
      'x-auth-principal': 'alice',
      'x-auth-tenant': 'acme',
      'x-auth-attributes': '{"roles":["admin"]}',
      'x-auth-scopes': 'notes:read notes:write',
      'x-auth-client': 'notes%20app',
    }
    expect(await fieldsOf(auth)).toEqual(fields)
    const { 'x-auth-tenant': tenant, 'x-auth-scopes': scopes, ...others } = fields
    expect(await fieldsOf(auth, { tenant: 'X-Org', scopes: 'X_Scopes' })).toEqual({
      ...others,
      'x-org': tenant,
      x_scopes: scopes,
    })
    const off = { principal: false, tenant: false, attributes: false } as const
    expect(await fieldsOf(auth, { ...off, scopes: false, client: false })).toEqual({})
    expect(await fieldsOf({})).toEqual({})
  })

  it.each([
    [['a b'], 'a%20b'],
    [['a,b', 'c%20d', 'é'], 'a%2Cb c%2520d %C3%A9'],
    [['', 'a', '', 'b'], 'a b'],
  ])('carry the scopes %j as %s: a blank in one never makes two of it', async (scopes, value) => {
    expect(await fieldsOf({ scopes })).toEqual({ 'x-auth-scopes': value })
  })

  it.each<[Caller, IdentityHeadersConfig?]>([
    ...['a\r\nX-Admin: 1', 'a\0', 'a\tb', 'a\x7fb', 'a\x85b', 'a\ud800'].map(
      (principal): [Caller] => [{ principal }],
    ),
    [{ tenant: 'a\r\nX-Admin: 1' }],
    [{ scopes: ['a', 'b\n'] }],
    [{ clientId: 'a\0' }],
    // A server would trim it, so that it would be another name.
    ...['a\r\nX-Admin: 1', '\ud800', ' alice', 'alice\u00a0'].flatMap(
      (name): [Caller, object][] => [
        [{ principal: name }, UTF8],
        [{ principal: 'alice', tenant: name }, UTF8],
      ],
    ),
    [{ principal: 'alice', scopes: ['a b'] }, UTF8],
    // Nothing is truncated.
    ...['principal', 'tenant', 'clientId'].map((name): [Caller] => [{ [name]: long(8193) }]),
    [{ principal: long(4097, 'ü') }, UTF8],
    [{ principal: 'alice', attributes: { groups: [long(8193)] } }],
    [{ scopes: [long(4000), long(4193)] }],
  ])('are all left out, with the request, if a header cannot carry %j', async (caller, names) => {
    expect(await sendOrRefuse(...by(caller, names))).toBe('identity_not_forwardable')
  })

  it('are not signed where there are none', async () => {
    const options = { sign: { secret: long(32) } }
    expect((await send(get('/', 'key'), options)).headers).toHaveProperty('x-auth-signature')
    const deny = () => ({ outcome: 'deny' }) as const
    const { headers } = await send(get('/', 'key'), options, { mode: 'shadow', verifier: deny })
    expect(headers['x-auth-signature']).toBeUndefined()
  })

  it('carry 8,192 bytes, and need carry nothing that is not sent', async () => {
    expect(await fieldsOf({ principal: long(8192), clientId: long(8192) })).not.toEqual({})
    expect(await fieldsOf({ principal: long(4096, 'ü') }, UTF8)).not.toEqual({})
    const attributes = { roles: ['admin'] }
    const caller = { tenant: 'a\n', clientId: 'a\n', scopes: ['\n'], attributes }
    const off = { tenant: false, scopes: false, client: false } as const
    expect(await fieldsOf(caller, off)).toEqual({ 'x-auth-attributes': '{"roles":["admin"]}' })
  })
})
