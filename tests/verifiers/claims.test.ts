import { describe, expect, it } from 'vitest'
import {
  allowByClaims,
  mapAttributes,
  pickClaims,
  readScopes,
  readTenant,
} from '../../src/verifiers/claims.ts'
import type { ClaimsMapping } from '../../src/verifiers/claims.ts'
import { words } from '../support/words.ts'

const BARE: ClaimsMapping = { principal: ['sub'], attributes: {}, exposeClaims: [] }
const parse = (text: string): Record<string, unknown> => JSON.parse(text)

describe('mapAttributes', () => {
  const claims = {
    sub: 'bob admin',
    texts: ['a b', 'c'],
    groups: ['a b', 7, 'c', null],
    numbers: [1, 2],
    none: [],
    age: 7,
    realm_access: { roles: ['writer'] },
    'https://example.com/team': 'red',
    'a.b': { c: 'dotted' },
    'urn:zitadel:iam:org:project:roles': { admin: { 1: 'x.example' }, reader: {} },
  }

  it.each([
    ['a text whole: a user must not become admin by his name', 'sub', ['bob admin']],
    ['the texts of a list', 'texts', ['a b', 'c']],
    ['a nested claim', 'realm_access.roles', ['writer']],
    ['a name with dots and slashes', 'https://example.com/team', ['red']],
    ['an escaped dot', String.raw`a\.b.c`, ['dotted']],
    ['the names in an object', 'urn:zitadel:iam:org:project:roles#keys', ['admin', 'reader']],
    ['the names in a nested object', 'realm_access#keys', ['roles']],
    ['an empty list', 'none', []],
  ])('takes %s', (_what, path, expected) => {
    expect(mapAttributes(claims, { [path]: 'found' })).toEqual({ found: expected })
  })

  it.each(words('age groups numbers realm_access missing sub#keys groups#keys toString'))(
    'gives no attribute for %s',
    (path) => {
      expect(mapAttributes(claims, { [path]: 'found' })).toEqual({})
    },
  )

  it.each([
    ['the scopes in a text', { scope: 'read suspended' }, 'scope', ['read', 'suspended']],
    ['those of `scp`', { scp: ' a  b ' }, 'scp', ['a', 'b']],
    ['none in an empty text', { scope: '' }, 'scope', []],
    ['an item of a list whole', { scope: ['a b', 'c'] }, 'scope', ['a b', 'c']],
    ['a nested text whole', { x: { scope: 'a b' } }, 'x.scope', ['a b']],
    ['a similar name whole', { scopes: 'a b' }, 'scopes', ['a b']],
  ])('takes %s', (_what, given, path, expected) => {
    expect(mapAttributes(given, { [path]: 'found' })).toEqual({ found: expected })
  })

  it('gives no attribute for scopes that are numbers', () => {
    expect(mapAttributes({ scope: [1], scp: 2 }, { scope: 'found', scp: 'other' })).toEqual({})
  })

  it('joins the claims of one attribute', () => {
    const joined = mapAttributes(claims, { sub: 'roles', 'realm_access.roles': 'roles' })
    expect(joined).toEqual({ roles: ['bob admin', 'writer'] })
  })

  it.each(['age', 'groups', 'numbers', 'realm_access', 'sub#keys'])(
    'gives no attribute that is joined with %s, which would be half of it',
    (path) => {
      const readable = { 'realm_access.roles': 'roles', none: 'teams' }
      expect(mapAttributes(claims, { ...readable, [path]: 'roles' })).toEqual({ teams: [] })
      expect(mapAttributes(claims, { [path]: 'roles', ...readable })).toEqual({ teams: [] })
    },
  )

  it.each([{ x: null }, {}])('gives an attribute that is joined with nothing: %j', (given) => {
    expect(mapAttributes({ a: 'b', ...given }, { x: 'roles', a: 'roles' })).toEqual({
      roles: ['b'],
    })
  })

  it('takes `__proto__` as a name like any other', () => {
    const mapped = mapAttributes(parse('{"__proto__":"x","a":"y"}'), {
      ['__proto__']: 'first',
      a: '__proto__',
    })
    expect(Object.entries(mapped)).toEqual([
      ['first', ['x']],
      ['__proto__', ['y']],
    ])
    expect(mapAttributes({}, { constructor: 'found' })).toEqual({})
  })
})

describe('readScopes', () => {
  it.each([
    [{ scope: 'read  write' }, ['read', 'write']],
    [{ scope: '' }, []],
    [{ scope: 'a', scp: 'b' }, ['a']],
    [{ scp: 'a b' }, ['a', 'b']],
    [{ scp: ['a b', 'c', 1] }, ['a b', 'c']],
    [{ scope: 7, scp: 'b' }, ['b']],
    [{ scope: { a: 1 } }, undefined],
    [{}, undefined],
  ])('reads %j', (claims, expected) => {
    expect(readScopes(claims)).toEqual(expected)
  })
})

describe('readTenant', () => {
  it.each([
    [{ org: 'acme' }, 'acme'],
    [{ org: ['acme'] }, 'acme'],
    [{ org: ['acme', 'other'] }, undefined],
    [{ org: ['acme', 7] }, undefined],
    [{ org: 7 }, undefined],
    [{}, undefined],
  ])('reads %j', (claims, expected) => {
    expect(readTenant(claims, 'org')).toBe(expected)
  })
})

describe('allowByClaims', () => {
  it('takes the first principal that is present', () => {
    const principal = ['sub', 'username']
    const of = (claims: object) => allowByClaims({ ...claims }, { ...BARE, principal })
    expect(of({ sub: 'a', username: 'b' })).toMatchObject({ outcome: 'allow', principal: 'a' })
    expect(of({ username: 'b' })).toMatchObject({ principal: 'b' })
    expect(of({ sub: '', username: 'b' })).toMatchObject({ principal: 'b' })
    expect(of({ sub: null, username: 'b' })).toMatchObject({ principal: 'b' })
  })

  it('does not fall back to a name that a user chooses, if the first one is a number', () => {
    const mapping = { ...BARE, principal: ['sub', 'username'] }
    const cause = 'the claim "sub" or "username" is not a text'
    const denial = { outcome: 'deny', detail: 'missing_claim', cause }
    expect(allowByClaims({ sub: 7, username: 'root' }, mapping)).toEqual(denial)
    expect(allowByClaims({ sub: ['root'], username: 'root' }, mapping)).toEqual(denial)
    const missing = { ...denial, cause: 'the claim "sub" or "username" is missing' }
    expect(allowByClaims({}, mapping)).toEqual(missing)
  })

  it('takes nothing from a prototype', () => {
    const claims = Object.create({ sub: 'root', client_id: 'c', scope: 'all', x: 1 })
    expect(allowByClaims(claims, BARE)).toEqual({
      outcome: 'deny',
      detail: 'missing_claim',
      cause: 'the claim "sub" is missing',
    })
    expect(pickClaims(claims, ['x'])).toBeUndefined()
  })

  it('has the client, apart from the principal', () => {
    expect(allowByClaims({ sub: 'a', client_id: 'c', azp: 'd' }, BARE)).toMatchObject({
      clientId: 'c',
    })
    for (const client_id of ['', 7]) {
      expect(allowByClaims({ sub: 'a', client_id, azp: 'd' }, BARE)).toMatchObject({
        principal: 'a',
        clientId: 'd',
      })
    }
  })

  it('passes on the named claims alone, and denies claims of more than 8 KiB', () => {
    const mapping = { ...BARE, exposeClaims: ['acr', 'a.b', 'missing'] }
    const claims = { sub: 'a', acr: '2', a: { b: 1 }, 'a.b': [1, { c: null }] }
    expect(allowByClaims(claims, mapping)).toMatchObject({
      claims: { acr: '2', 'a.b': [1, { c: null }] },
    })
    expect(allowByClaims({ sub: 'a' }, mapping)).toMatchObject({ claims: undefined })
    expect(allowByClaims({ sub: 'a', acr: 'ü'.repeat(4096) }, mapping)).toEqual({
      outcome: 'deny',
      detail: 'malformed',
    })
  })
})
