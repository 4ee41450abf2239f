import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { ExpressionError, readExpression } from '../../src/access/expression.ts'
import { createMatcher } from '../../src/access/matcher.ts'
import { runs } from '../support/nightly.ts'

const compileExpression = (source: string) => createMatcher(readExpression(source))

/** What is left of the steps does not matter. */
function matches(source: string, path: string): boolean {
  return compileExpression(source)(path, { steps: Infinity })
}

function errorOf(source: string): string | undefined {
  try {
    compileExpression(source)
    return undefined
  } catch (error) {
    if (error instanceof ExpressionError) return error.message
    throw error
  }
}

const BROKEN = 'a valid regular expression'
const REPEATED = 'without a repeated group that holds a repetition or an alternative'
const GROUP = 'without look-around, names and flags in a group'
const ESCAPE = String.raw`one whose only escapes are \d, \w, \s, their capitals and those of signs`

describe('compileExpression', () => {
  it.each<[source: string, error: string]>([
    ['', 'a regular expression after "regex:"'],
    ['a'.repeat(257), 'a regular expression of at most 256 characters'],
    ['**', BROKEN],
    ['(?P<name>a)', BROKEN],
    ['[z-a]', BROKEN],
    // It would be right within a group, and open everything.
    ['a)|(?:.*', BROKEN],
    ['/a{,3}', BROKEN],
    ['(a+)+', REPEATED],
    ['(a?)*', REPEATED],
    ['(a{2}){3}', REPEATED],
    ['(a|a)+', REPEATED],
    ['((a|b)c){2,}', REPEATED],
    ['(?:(?:a*)){2}', REPEATED],
    ['.*a.*b.*c.*', 'one with at most 3 of "*", "+" and "{n,}"'],
    ['a+b+?c{2,}d*', 'one with at most 3 of "*", "+" and "{n,}"'],
    ['a{200}b{1,57}', 'one with repetitions of at most 256 in all'],
    ['a(?=b)', GROUP],
    ['a(?!b)', GROUP],
    ['(?<=a)b', GROUP],
    ['(?<name>a)', GROUP],
    [String.raw`(a)\1`, ESCAPE],
    [String.raw`a\b`, ESCAPE],
    [String.raw`[\b]`, ESCAPE],
    [String.raw`\p{L}`, ESCAPE],
    [String.raw`\x41`, ESCAPE],
    [String.raw`\0`, ESCAPE],
    ['[]', 'without an empty class'],
    ['[^]', 'without an empty class'],
  ])('rejects %s', (source, error) => {
    expect(errorOf(source)).toBe(error)
  })

  it.each<[source: string, matches: string, differs: string]>([
    ['/v1/[^/]+/files', '/v1/a-b/files/x', '/v1/a/b/files'],
    [String.raw`/v1/[\w-]+$`, '/v1/a-b_1', '/v1/a.b'],
    [String.raw`/v1/[^\d]$`, '/v1/x', '/v1/5'],
    [String.raw`/v1/[\W]$`, '/v1/-', '/v1/é'],
    [String.raw`/v1/[\d^]$`, '/v1/^', '/v1/x'],
    [String.raw`/a\.b\/c`, '/a.b/c', '/axb/c'],
    ['(?:/ab)*$', '/ab/ab', '/aba'],
    ['/a{2,3}$', '/aaa', '/aaaa'],
    ['/a{2}$', '/aa', '/aaa'],
    ['/a{2,}?b', '/aaaab', '/ab'],
    ['a'.repeat(256), 'a'.repeat(256), 'a'.repeat(255)],
    ['/a|/b', '/bx', '/c'],
    ['^/a$', '/a', '/ab'],
    ['/(?:v1)?$', '/', '/v'],
    ['/[a-c]+?$', '/abc', '/abd'],
    [String.raw`/\\$`, '/\\', '/'],
    ['/😀.$', '/😀😀', '/😀'],
    // Written by `re.escape` of Python.
    [String.raw`/a\-b\#c\&d\~e\ f$`, '/a-b#c&d~e f', '/a-b#c&d~e-f'],
    [String.raw`/[\#\-\&]$`, '/-', '/$'],
    [String.raw`/[^\\:]$`, '/a', '/:'],
    ['/{a}$', '/{a}', '/a'],
    ['/a{2$', '/a{2', '/aa'],
    ['/a}{$', '/a}{', '/a'],
    ['.*admin', '/x/admin', '/x'],
    ['a?/b', '/b', '/c'],
  ])('reads %s', (source, matching, differing) => {
    expect([matches(source, matching), matches(source, differing)]).toEqual([true, false])
  })

  it.each<[source: string, matches: string, differs: string]>([
    [String.raw`/\d$`, '/٣', '/é'],
    [String.raw`/\w+$`, '/naïve', '/a b'],
    [String.raw`/\D$`, '/x', '/٣'],
    [String.raw`/\W$`, '/-', '/é'],
    [String.raw`/a\sb`, '/a\u00a0b', '/a_b'],
    [String.raw`/\S$`, '/x', '/\u2003'],
    ['/.$', '/\u2028', '/'],
  ])('means by %s what Python means', (source, matching, differing) => {
    expect([matches(source, matching), matches(source, differing)]).toEqual([true, false])
  })
})

const ATOMS = String.raw`a b / . [ab] [^a] \w \D [\d/] ^ $ \. (?:ab) (/a) (a|b/) (a*) (?:a|)`
const atom = fc.constantFrom('', ...ATOMS.split(' '))
const times = fc.constantFrom('', '', '', '*', '+', '?', '*?', '{2}', '{1,2}', '{2,}', '{0}')
const expression = fc
  .array(fc.tuple(atom, times), { maxLength: 6 })
  .map((parts) => parts.map((part) => part.join('')).join(''))
const text = fc.string({ unit: fc.constantFrom('a', 'b', '/', '0', '.', '-'), maxLength: 8 })

describe('an expression', () => {
  it('matches what the engine of the runtime matches at the start', () => {
    let compared = 0
    fc.assert(
      fc.property(fc.array(expression, { minLength: 1, maxLength: 2 }), text, (options, path) => {
        const source = options.join('|')
        if (source === '' || errorOf(source) !== undefined) return
        compared += 1
        const expected = new RegExp(`^(?:${source})`, 'su').test(path)
        expect({ source, path, matches: matches(source, path) }).toEqual({
          source,
          path,
          matches: expected,
        })
      }),
      { numRuns: runs(100_000) },
    )
    expect(compared).toBeGreaterThan(runs(100_000) / 4)
  })

  it.each([
    '.*.*.*x',
    '/.*/a/.*/b/.*x',
    '[^/]+/[^/]+/[^/]+x',
    '(?:aa)*(?:aa)*b',
    '(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)(a|a)b',
    'a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?a?aaaaaaaaaaaaaaaaaaaaaaaaaaaab',
    '.*a{128}a{128}b',
    String.raw`\w*\w*\w*\W`,
    `.*.*.*${'.?'.repeat(115)}~`,
  ])('%s takes four times the steps for a path of four times the length', (source) => {
    const matcher = compileExpression(source)
    const stepsFor = (path: string): number => {
      const budget = { steps: 1e9 }
      matcher(path, budget)
      return 1e9 - budget.steps
    }
    for (const unit of ['a', '/', 'a/', '/a/b', 'é', '😀']) {
      const [short, long] = [1024, 4096].map((length) => unit.repeat(length / unit.length))
      expect(stepsFor(long ?? '')).toBeLessThan(4.5 * stepsFor(short ?? '') + 100)
    }
  })

  it('stops soon after its steps are used up, and matches nothing then', () => {
    const matcher = compileExpression('.*~')
    const budget = { steps: 100 }
    expect(matcher(`${'a'.repeat(1000)}~`, budget)).toBe(false)
    expect(budget.steps).toBeGreaterThan(-20)
    expect(matcher('~', budget)).toBe(false)
  })
})
