import { describe, expect, it } from 'vitest'
import { checkVerdict, NOBODY, parseIdentity, parseJson } from '../../src/core/verdict.ts'

function parse(text: string): unknown {
  return parseIdentity(parseJson(text))
}

describe('parseIdentity', () => {
  it('takes the principal and the attributes and nothing else', () => {
    const body = '{"principal":"alice","attributes":{"roles":["a","b"],"teams":[]},"admin":true}'
    const auth = parse(body)
    expect(auth).toEqual({ principal: 'alice', attributes: { roles: ['a', 'b'], teams: [] } })
    expect(auth).not.toHaveProperty('admin')
  })

  it.each([
    ['{}'],
    ['{"principal":""}'],
    ['{"attributes":null}'],
    ['{"message":"hello"}'],
    ['{"__proto__":{"principal":"root"}}'],
    ['\ufeff{}'.slice(1)],
  ])('names nobody for %s', (body) => {
    expect(parse(body)).toEqual(NOBODY)
    expect(parse(body)).not.toHaveProperty('principal')
  })

  it.each([
    '',
    'not json',
    '<html>',
    'null',
    '[]',
    '"x"',
    '1',
    'true',
    '{"principal":1}',
    '{"principal":null}',
    '{"principal":["a"]}',
    '{"principal":"a","attributes":[]}',
    '{"principal":"a","attributes":"admin"}',
    '{"principal":"a","attributes":{"roles":"admin"}}',
    '{"principal":"a","attributes":{"roles":null}}',
    '{"principal":"a","attributes":{"roles":["a",1]}}',
    '{"principal":"a","attributes":{"roles":[["a"]]}}',
    '['.repeat(30_000),
  ])('is nothing, and no half of an identity, for %.60s', (body) => {
    expect(parse(body)).toBeUndefined()
  })

  it('is frozen all the way down and has no prototype to reach', () => {
    const auth = parseIdentity({ principal: 'alice', attributes: { roles: ['a'] } })
    expect(Object.isFrozen(auth)).toBe(true)
    expect(Object.isFrozen(auth?.attributes)).toBe(true)
    expect(Object.isFrozen(auth?.attributes['roles'])).toBe(true)
    expect(Object.getPrototypeOf(auth?.attributes)).toBeNull()
    expect(Object.isFrozen(NOBODY.attributes)).toBe(true)
    expect(Object.isFrozen(parseIdentity({})?.attributes)).toBe(true)
  })

  it('takes __proto__ and constructor for ordinary names', () => {
    const auth = parseIdentity(
      parseJson('{"attributes":{"__proto__":["a"],"constructor":["b"],"x":["c"]}}'),
    )
    expect(Object.entries(auth?.attributes ?? {})).toEqual([
      ['__proto__', ['a']],
      ['constructor', ['b']],
      ['x', ['c']],
    ])
    expect(({} as Record<string, unknown>)['x']).toBeUndefined()
  })

  it('is a copy: what the verifier does with its object later changes nothing', () => {
    const roles = ['a']
    const auth = parseIdentity({ attributes: { roles } })
    roles.push('admin')
    expect(auth?.attributes['roles']).toEqual(['a'])
  })
})

describe('checkVerdict', () => {
  it('takes nothing that was put on the prototype of all objects', () => {
    Object.defineProperty(Object.prototype, 'outcome', { value: 'allow', configurable: true })
    expect(() => checkVerdict({})).toThrow('no known outcome')
    Reflect.deleteProperty(Object.prototype, 'outcome')
  })

  it('accepts an allow with or without an identity, and a deny', () => {
    expect(checkVerdict({ outcome: 'allow' })).toStrictEqual({ outcome: 'allow', auth: NOBODY })
    expect(checkVerdict({ outcome: 'allow', principal: 'a', maxAgeMs: 0 })).toStrictEqual({
      outcome: 'allow',
      auth: { principal: 'a', attributes: NOBODY.attributes },
      maxAgeMs: 0,
    })
    const denied = { outcome: 'deny', isLasting: true, maxAgeMs: 5 }
    expect(checkVerdict({ outcome: 'deny', maxAgeMs: 5 })).toStrictEqual(denied)
  })

  it.each([
    [undefined, 'no verdict'],
    [null, 'no verdict'],
    [true, 'no verdict'],
    ['allow', 'no verdict'],
    [[], 'no verdict'],
    [{}, 'no known outcome'],
    [{ outcome: true }, 'no known outcome'],
    [{ outcome: 'Allow' }, 'no known outcome'],
    [{ outcome: ['allow'] }, 'no known outcome'],
    [{ outcome: 'allow', principal: 1 }, 'malformed identity'],
    [{ outcome: 'allow', attributes: { roles: 'a' } }, 'malformed identity'],
    [{ outcome: 'allow', maxAgeMs: -1 }, 'maxAgeMs'],
    [{ outcome: 'allow', maxAgeMs: Number.NaN }, 'maxAgeMs'],
    [{ outcome: 'deny', maxAgeMs: '5' }, 'maxAgeMs'],
  ])('throws for %j', (value, message) => {
    expect(() => checkVerdict(value)).toThrow(TypeError)
    expect(() => checkVerdict(value)).toThrow(message)
  })
})
