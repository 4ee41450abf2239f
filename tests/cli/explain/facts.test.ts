import { describe, expect, it } from 'vitest'
import {
  hideSecrets,
  showDuration,
  showFact,
  showTime,
} from '../../../src/cli/explain/shown-fact.ts'

/** A value from outside in one line, and without a secret. tests/cli/explain/shown-fact.test.ts has the time zones. */

describe('showFact', () => {
  it.each([
    [undefined, 'none'],
    ['plain-text/1', 'plain-text/1'],
    ['none', '"none"'],
    ['nones', 'nones'],
    ['a none', '"a none"'],
    ['', '""'],
    ['a b', '"a b"'],
    ['a,b', '"a,b"'],
    ['a"b', String.raw`"a\"b"`],
    ['a\u001b[2J', String.raw`"a\u001b[2J"`],
    [7, '7'],
    [null, 'null'],
    [{ a: [1, 'b c'] }, '{"a":[1,"b c"]}'],
    [[], 'an empty list'],
    [['a', 'b c', 3], 'a, "b c", 3'],
    [Array.from({ length: 8 }, (_, index) => index), '0, 1, 2, 3, 4, 5, 6, 7'],
    [Array.from({ length: 10 }, (_, index) => index), '0, 1, 2, 3, 4, 5, 6, 7, 2 more'],
    ['a'.repeat(100), 'a'.repeat(100)],
    ['a'.repeat(101), `${'a'.repeat(100)}…`],
    [['a'.repeat(101)], `${'a'.repeat(100)}…`],
  ])('%j is %s', (value, shown) => {
    expect(showFact(value)).toBe(shown)
  })

  it('cuts a text where it is told to', () => {
    expect(showFact(['abcdef', 'abcde'], 5)).toBe('abcde…, abcde')
  })
})

it.each([
  [0, 'now'],
  [999, 'now'],
  [-999, 'now'],
  [1000, 'in 1 second'],
  [-1000, '1 second ago'],
  [59_999, 'in 59 seconds'],
  [60_000, 'in 1 minute'],
  [3_599_999, 'in 59 minutes'],
  [3_600_000, 'in 1 hour'],
  [86_399_999, 'in 23 hours'],
  [86_400_000, 'in 1 day'],
  [-172_800_000, '2 days ago'],
])('a time %i ms away is %s', (ms, distance) => {
  expect(showTime(ms, 0)).toContain(` (${distance})`)
})

it.each([
  [0, '0 ms'],
  [999.4, '999 ms'],
  [1000, '1 s'],
  [1049, '1 s'],
  [1050, '1.1 s'],
  [61_000, '61 s'],
])('%d ms is %s', (ms, shown) => {
  expect(showDuration(ms)).toBe(shown)
})

describe('hideSecrets', () => {
  const HIDDEN = '(hidden: it may hold a secret)'
  const hide = (text: string, secret: string): unknown => hideSecrets(text, [secret])

  it('hides texts at any depth, and leaves names alone unless a service gave them', () => {
    const secret = 'S3cret-of-many-words'
    const value = { [secret]: 1, list: [secret, 'a'], claims: { [secret]: { [secret]: 2 } } }
    expect(hideSecrets(value, ['', secret])).toEqual({
      [secret]: 1,
      list: [HIDDEN, 'a'],
      claims: { [HIDDEN]: { [HIDDEN]: 2 } },
    })
    expect(hideSecrets({ attributes: { [secret]: 'x' } }, [secret])).toEqual({
      attributes: { [HIDDEN]: 'x' },
    })
    expect(hideSecrets(7, [secret])).toBe(7)
    expect(hideSecrets(['', 'anything'], [''])).toEqual(['', 'anything'])
  })

  const LONG = 'Zq8/Xw+7Kp-long'
  const base64 = Buffer.from(LONG).toString('base64')
  it.each([
    ['all of it', `a ${LONG} b`, LONG],
    ['a part', `a ${LONG.slice(2, 12)} b`, LONG],
    ['in base64', base64, LONG],
    ['in base64 for URLs', Buffer.from(LONG).toString('base64url'), LONG],
    ['in base64, one byte further', Buffer.from(`x${LONG}yz`).toString('base64'), LONG],
    ['in base64, two bytes further', Buffer.from(`xy${LONG}yz`).toString('base64'), LONG],
    ['in hexadecimal digits', Buffer.from(LONG).toString('hex'), LONG],
    ['in percents', Buffer.from(LONG).toString('hex').replaceAll(/../g, '%$&').toUpperCase(), LONG],
    ['with backslashes', LONG.replaceAll('8', String.raw`8\\`), LONG],
    ['with a backslash of its own', 'ab\\cdef-ghi', String.raw`ab\cdef-ghi`],
    ['a short one with a digit, in a word', 'apw42b', 'pw42'],
    ['a short one in another case', 'a PW-42', 'pw-42'],
    ['a short word alone', 'the abcd is', 'abcd'],
    ['a short word at the ends', 'abcd', 'abcd'],
    ['three characters alone', 'abc', 'abc'],
    ['a short one in base64', Buffer.from('pw-42x').toString('base64'), 'pw-42x'],
    ['four characters in base64', `a${Buffer.from('pw42').toString('base64')}`, 'pw42'],
    ['a short one in hexadecimal digits', Buffer.from('pw-42').toString('hex'), 'pw-42'],
  ])('hides %s', (_what, text, secret) => {
    expect(hide(text, secret)).toBe(HIDDEN)
  })

  it.each([
    ['a short word within a longer one', 'abcde xabcd abcd2', 'abcd'],
    ['three characters within a text', 'an abc', 'abc'],
    ['three characters in base64', Buffer.from('abc').toString('base64'), 'abc'],
    ['another text', 'nothing of it', LONG],
    ['another text beside a short one', 'nothing of it', 'pw42'],
  ])('shows %s', (_what, text, secret) => {
    expect(hide(text, secret)).toBe(text)
  })
})
