import { describe, expect, it } from 'vitest'
import { NOBODY, parseIdentity } from '../../../src/core/endpoint/identity.ts'
import {
  isForbidden,
  parseVerdict,
  parseBody,
  parseJson,
} from '../../../src/core/endpoint/verdict.ts'
import type { IdentityFault } from '../../../src/core/endpoint/identity-faults.ts'
import type { BodyResult } from '../../../src/core/endpoint/response-body.ts'

function parse(text: string): unknown {
  return parseIdentity(parseJson(text), refuseFault)
}

function refuseFault(fault: IdentityFault): never {
  throw new Error(`Found a fault: ${JSON.stringify(fault)}`)
}

/** The identity in a value, and all faults of it. */
function judge(value: unknown): { auth: unknown; faults: IdentityFault[] } {
  const faults: IdentityFault[] = []
  return { auth: parseIdentity(value, (fault) => void faults.push(fault)), faults }
}

describe('parseIdentity', () => {
  it('takes the principal and the attributes and nothing else', () => {
    const body = '{"principal":"alice","attributes":{"roles":["a","b"],"teams":[]},"admin":true}'
    const auth = parse(body)
    expect(auth).toEqual({ principal: 'alice', attributes: { roles: ['a', 'b'], teams: [] } })
    expect(auth).not.toHaveProperty('admin')
  })

  const LIST = 'a string or a list of strings'
  it.each<[string, IdentityFault]>([
    ['{"principal":1}', { field: 'principal', expected: 'a string' }],
    ['{"principal":1,"attributes":{"roles":["a"]}}', { field: 'principal', expected: 'a string' }],
    ['{"principal":null}', { field: 'principal', expected: 'a string' }],
    ['{"principal":["a"]}', { field: 'principal', expected: 'a string' }],
    ['{"principal":"a","attributes":[]}', { field: 'attributes', expected: 'an object' }],
    ['{"principal":"a","attributes":"admin"}', { field: 'attributes', expected: 'an object' }],
    ...['null', '5', 'true', '{}', '["a",1]', '[["a"]]', '[null]'].map(
      (attribute): [string, IdentityFault] => [
        `{"principal":"a","attributes":{"x":"y","roles":${attribute}}}`,
        { field: 'attributes', name: 'roles', expected: LIST },
      ],
    ),
  ])('drops the whole identity, and names the wrong field, for %s', (body, fault) => {
    expect(judge(parseJson(body))).toStrictEqual({ auth: NOBODY, faults: [fault] })
  })

  it('names every field that is wrong', () => {
    const value = { principal: 1, attributes: { a: 'x', b: 1, c: ['y'], d: [2] } }
    expect(judge(value)).toEqual({
      auth: NOBODY,
      faults: [
        { field: 'principal', expected: 'a string' },
        { field: 'attributes', name: 'b', expected: LIST },
        { field: 'attributes', name: 'd', expected: LIST },
      ],
    })
  })

  it('has no property for a client or a tenant that is wrong', () => {
    expect(judge({ clientId: 1, tenant: ['acme'] })).toStrictEqual({
      auth: NOBODY,
      faults: [
        { field: 'clientId', expected: 'a string' },
        { field: 'tenant', expected: 'a string' },
      ],
    })
  })

  it('does not take a hole in a list for a string', () => {
    // oxlint-disable-next-line no-sparse-arrays
    expect(judge({ attributes: { roles: ['a', , 'b'] } })).toMatchObject({
      auth: NOBODY,
      faults: [{ name: 'roles' }],
    })
  })

  it('is frozen all the way down and has no prototype to reach', () => {
    const auth = parseIdentity(
      { principal: 'alice', attributes: { roles: ['a'], team: 'b' } },
      refuseFault,
    )
    expect(auth).toEqual({ principal: 'alice', attributes: { roles: ['a'], team: ['b'] } })
    expect(Object.isFrozen(auth)).toBe(true)
    expect(Object.isFrozen(auth.attributes)).toBe(true)
    expect(Object.isFrozen(auth.attributes['roles'])).toBe(true)
    expect(Object.isFrozen(auth.attributes['team'])).toBe(true)
    expect(Object.getPrototypeOf(auth.attributes)).toBeNull()
    expect(Object.isFrozen(NOBODY.attributes)).toBe(true)
    expect(parseIdentity(parseJson(''), refuseFault)).toBe(NOBODY)
    expect(Object.isFrozen(parseIdentity({}, refuseFault).attributes)).toBe(true)
  })

  it('is a copy: what the verifier does with its object later changes nothing', () => {
    const roles = ['a']
    const auth = parseIdentity({ attributes: { roles } }, refuseFault)
    roles.push('admin')
    expect(auth.attributes['roles']).toEqual(['a'])
  })

  it('takes __proto__ and constructor for ordinary names', () => {
    const auth = parseIdentity(
      parseJson('{"attributes":{"__proto__":["a"],"constructor":["b"],"x":["c"]}}'),
      refuseFault,
    )
    expect(Object.entries(auth.attributes)).toEqual([
      ['__proto__', ['a']],
      ['constructor', ['b']],
      ['x', ['c']],
    ])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })
})

describe('parseBody', () => {
  const complete = (text: string): BodyResult => ({ state: 'complete', text })
  const parsed = (body: BodyResult, type?: string) => {
    const faults: IdentityFault[] = []
    const headers = new Headers(type === undefined ? {} : { 'content-type': type })
    return { json: parseBody(body, headers, (fault) => void faults.push(fault)), faults }
  }

  it.each([
    ['application/json', '{"principal":"a"}', { principal: 'a' }],
    ['application/json', '"ok"', 'ok'],
    ['application/json', 'true', true],
    ['application/json', '', undefined],
    ['text/plain', 'ok', undefined],
    ['text/html', '<!doctype html>', undefined],
    ['application/jsonp', 'f()', undefined],
    [undefined, 'ok', undefined],
    [undefined, '{"principal":"a"}', { principal: 'a' }],
  ])('finds no fault in a body of type %s: %s', (type, text, json) => {
    expect(parsed(complete(text), type)).toEqual({ json, faults: [] })
  })

  it.each<[string, BodyResult, string]>([
    ['application/json', complete('ok'), 'JSON'],
    ['Application/JSON; charset=utf-8', complete('{"principal":"a"'), 'JSON'],
    ['application/problem+json', complete("{'a': 1}"), 'JSON'],
    ['application/json', { state: 'too_long' }, 'at most 64 KiB long'],
    ['application/json', { state: 'not_utf8' }, 'UTF-8'],
    ['application/json', { state: 'broken' }, 'complete, and it broke off'],
    ['application/json', { state: 'timeout' }, 'complete, and did not end within "timeoutMs"'],
  ])('finds a fault in what %s calls JSON and is none: %j', (type, body, expected) => {
    const fault = { field: 'body', expected }
    expect(parsed(body, type)).toEqual({ json: undefined, faults: [fault] })
    expect(parsed(body, 'text/plain').faults).toEqual([])
  })
})

describe('parseVerdict', () => {
  it('takes nothing that was put on the prototype of all objects', () => {
    Object.defineProperty(Object.prototype, 'outcome', { value: 'allow', configurable: true })
    expect(() => parseVerdict({}, 'token')).toThrow('no known outcome')
    Reflect.deleteProperty(Object.prototype, 'outcome')
  })

  it('accepts an allow with or without an identity, and a deny', () => {
    expect(parseVerdict({ outcome: 'allow' }, 'token')).toStrictEqual({
      outcome: 'allow',
      auth: NOBODY,
    })
    expect(parseVerdict({ outcome: 'allow', principal: 'a', maxAgeMs: 0 }, 'token')).toStrictEqual({
      outcome: 'allow',
      auth: Object.assign(Object.create(null), {
        principal: 'a',
        attributes: NOBODY.attributes,
      }),
      maxAgeMs: 0,
    })
    const denied = { outcome: 'deny', isLasting: true, maxAgeMs: 5 }
    expect(parseVerdict({ outcome: 'deny', maxAgeMs: 5 }, 'token')).toStrictEqual(denied)
  })

  it.each([
    [null, 'no verdict'],
    [{ outcome: ['allow'] }, 'no known outcome'],
    [{ outcome: 'allow', principal: 1 }, 'malformed identity: "principal" must be a string'],
    [{ outcome: 'allow', tenant: 1 }, 'malformed identity: "tenant" must be a string'],
    [{ outcome: 'allow', scopes: 'a' }, 'malformed identity: "scopes" must be a list of strings'],
    [
      { outcome: 'allow', attributes: { roles: 5 } },
      'malformed identity: "attributes.roles" must be a string or a list of strings',
    ],
    [
      { outcome: 'allow', attributes: { 'my-token': 5 } },
      'malformed identity: "attributes.?" must be a string or a list of strings',
    ],
    [{ outcome: 'allow', maxAgeMs: -1 }, 'maxAgeMs'],
    [{ outcome: 'allow', maxAgeMs: Number.NaN }, 'maxAgeMs'],
    [{ outcome: 'deny', maxAgeMs: '5' }, 'maxAgeMs'],
    [{ outcome: 'allow', mustRevalidate: false }, 'mustRevalidate'],
    [{ outcome: 'deny', cause: ['expired'] }, 'returned a denial with a bad "cause"'],
    [{ outcome: 'deny', reason: 'denied' }, 'returned a denial with an unknown "reason"'],
    [{ outcome: 'deny', detail: 'old' }, 'returned a denial with an unknown "detail"'],
  ])('throws for %j', (value, message) => {
    expect(() => parseVerdict(value, 'token')).toThrow(TypeError)
    expect(() => parseVerdict(value, 'token')).toThrow(message)
  })

  it('accepts a wrong tenant alone where every caller gets another one', () => {
    const allow = { outcome: 'allow', principal: 'a', tenant: 1 }
    expect(parseVerdict(allow, 'token', true)).toMatchObject({ auth: { principal: 'a' } })
    const wrong = 'malformed identity: "principal" must be a string'
    expect(() => parseVerdict({ ...allow, principal: 1 }, 'token', true)).toThrow(wrong)
  })
})

it('an allow does not forbid the request, even after another endpoint has answered 403', () => {
  expect(isForbidden({ outcome: 'allow', auth: NOBODY }, 403)).toBe(false)
  expect(isForbidden({ outcome: 'deny', isLasting: true }, 403)).toBe(true)
})
