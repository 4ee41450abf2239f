import { describe, expect, it } from 'vitest'
import {
  invalidOption,
  invalidSecret,
  isHttpToken,
  isOptionsObject,
  nearestName,
  readOptions,
} from '../../../src/core/config/option-checks.ts'
import { AuthConfigError } from '../../../src/index.ts'

const KNOWN = ['timeoutMs', 'realm', 'public'] as const

describe('readOptions', () => {
  it.each([
    ['timoutMs', 'did you mean "timeoutMs"?'],
    ['TIMEOUTMS', 'did you mean "timeoutMs"?'],
    ['timeout', 'did you mean "timeoutMs"?'],
    ['relm', 'did you mean "realm"?'],
    ['publicPath', 'did you mean "public"?'],
    ['publicPaths', 'did you mean "public"?'],
    ['somethingElse', 'expected one of "timeoutMs", "realm", "public"'],
    ['__proto__', 'expected one of'],
    ['toString', 'expected one of'],
    ['x'.repeat(100_000), 'expected one of'],
  ])('rejects %.20s with a hint', (name, hint) => {
    const options: unknown = JSON.parse(`{${JSON.stringify(name)}: 1}`)
    expect(() => readOptions(options, KNOWN, [])).toThrow(AuthConfigError)
    expect(() => readOptions(options, KNOWN, [])).toThrow(hint)
    expect(() => readOptions(options, KNOWN, [])).toThrow(/^.{1,200}$/s)
  })

  it('suggests the nearest of those that are near', () => {
    const near = ['realms', 'real', 'realm'] as const
    expect(() => readOptions({ reale: 1 }, near, [])).toThrow('did you mean "real"?')
    expect(() => readOptions({ ralm: 1 }, near, [])).toThrow('did you mean "realm"?')
  })
})

describe('the nearest name', () => {
  it.each([
    ['kitten', 'sitting'],
    ['ting', 'sitting'],
    ['pub', 'public'],
    ['ilbup', 'ilbupcx'],
    ['', 'tls'],
    ['REALM', 'realm'],
    ['realm', 'ReAlM'],
    ['publicPaths', 'PUBLIC'],
  ])('of %s is %s, at most three letters away or a longer form of it', (name, known) => {
    expect(nearestName(name, ['something-else', known])).toBe(known)
  })

  it.each([
    ['kitten', 'sittings'],
    ['pu', 'public'],
    ['', 'cert'],
    ['aaaa', 'bbbb'],
    ['abcd', 'dcba'],
    ['hispublic', 'public1'],
    ['certificate', 'the-certificate'],
  ])('of %s is not %s', (name, known) => {
    expect(nearestName(name, [known])).toBeUndefined()
  })
})

it('an options object is a plain one, or a module', async () => {
  expect(
    [{}, Object.create(null), await import('../../../src/core/async.ts')].every(isOptionsObject),
  ).toBe(true)
  expect([Object.create({}), new Date(), [], null, 'x'].some(isOptionsObject)).toBe(false)
})

describe('the errors', () => {
  it('carry the option', () => {
    expect(invalidOption(['a', 'b'], 1, 'more')).toMatchObject({
      option: 'a.b',
      code: 'invalid_config',
    })
    expect(invalidSecret(['a', 'b'], 'more')).toMatchObject({ option: 'a.b' })
  })

  it('end with a hint that names other options', () => {
    const error = invalidOption(['a'], 1, 'a text', { hint: 'or give `b.c`' })
    expect(error.message).toBe('"a" must be a text, received 1: or give "b.c"')
  })

  it.each([
    ['x'.repeat(80), `"${'x'.repeat(80)}"`],
    ['x'.repeat(81), `"${'x'.repeat(80)}…"`],
    [5n, 'a bigint'],
    [Symbol('secret'), 'a symbol'],
    [[1], 'an array'],
    [{ secret: 1 }, 'an object'],
    [{ [Symbol.toStringTag]: 'T'.repeat(41) }, `an object of type ${'T'.repeat(40)}`],
    [null, 'null'],
    [undefined, 'undefined'],
    [false, 'false'],
    [-0.5, '-0.5'],
  ])('show %s by its kind, or in short', (value, shown) => {
    expect(invalidOption(['a'], value, 'other').message).toBe(
      `"a" must be other, received ${shown}`,
    )
  })
})

it('isHttpToken is the token of RFC 9110 §5.6.2', () => {
  expect(isHttpToken("Az09!#$%&'*+-.^_`|~")).toBe(true)
  for (const other of ['', ' ', 'a b', 'a:b', 'a\n', 'é', '"a"', 'a/b', 1, null]) {
    expect(isHttpToken(other)).toBe(false)
  }
})
