import { describe, expect, it } from 'vitest'
import { parseVerdict } from '../../../src/core/endpoint/verdict.ts'

/** The claims that a handler gets of those that a verifier returned. */
function claimsOf(claims: unknown): unknown {
  const verdict = parseVerdict({ outcome: 'allow', claims }, 'token')
  return verdict.outcome === 'allow' ? verdict.auth.claims : verdict
}

/** This many lists or objects, one in the other. */
function nested(levels: number, wrap: (inner: unknown) => unknown): unknown {
  return levels === 0 ? 'end' : wrap(nested(levels - 1, wrap))
}

const inObject = (inner: unknown) => ({ a: inner })
const inList = (inner: unknown) => [inner]

describe('claims', () => {
  it.each([
    ['values of JSON', { text: '', yes: true, no: false, none: null, count: -1.5, list: [[], {}] }],
    ['no prototype', Object.assign(Object.create(null), { sub: 'alice' })],
    ['32 levels of objects', nested(32, inObject)],
    ['31 levels of lists in an object', { list: nested(31, inList) }],
    ['8 KiB as JSON', { text: 'ü'.repeat(4090) + 'x' }],
  ])('with %s are passed on', (_what, claims) => {
    expect(claimsOf(claims)).toEqual(claims)
  })

  const self: Record<string, unknown> = {}
  self['list'] = [self]
  const throwing = {
    get sub(): never {
      throw new Error('secret')
    },
  }

  it.each([
    ['null', null, '"claims" must be an object of JSON values, received null'],
    ['a list', [], '"claims" must be an object of JSON values, received Array'],
    ['a text', 'sub', '"claims" must be an object of JSON values, received a string'],
    ['a Map', new Map(), '"claims" must be a JSON value, received Map'],
    ['a getter that throws', throwing, '"claims" must be an object of JSON values'],
    ['no value', { a: undefined }, '"claims.a" must be a JSON value, received undefined'],
    ['a function', { a: () => 1 }, '"claims.a" must be a JSON value, received a function'],
    ['a Date', { a: [{ b: new Date() }] }, '"claims.a.0.b" must be a JSON value, received Date'],
    ['NaN', { a: { b: [1, NaN] } }, '"claims.a.b.1" must be a JSON value, received NaN'],
    ['Infinity', { a: Infinity }, '"claims.a" must be a JSON value, received Infinity'],
    ['more than 8 KiB', { text: 'ü'.repeat(4091) }, '"claims" must be at most 8 KiB as JSON'],
  ])('with %s are rejected, and the error says which value is wrong', (_what, claims, problem) => {
    const message = `"verifier" returned a malformed identity: ${problem}`
    expect(() => claimsOf(claims)).toThrow(new TypeError(message))
  })

  it.each([
    ['33 levels of objects', nested(33, inObject)],
    ['32 levels of lists in an object', { list: nested(32, inList) }],
    ['themselves within', self],
  ])('with %s are rejected as too deep', (_what, claims) => {
    expect(() => claimsOf(claims)).toThrow(/ must be at most 32 levels deep$/)
  })
})
