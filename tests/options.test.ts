import { describe, expect, it } from 'vitest'
import { FUNCTIONS, messagesInCode, pathsOf, problemsIn } from '../scripts/docs/option-messages.ts'
import { readTable } from './support/markdown.ts'
import { readText } from './support/project.ts'
import type { OptionProblem } from '../src/index.ts'

type Path = readonly (string | number)[]

/**
 * The rules for every option of every function that takes options. docs/messages.md has the sentence of each option. Other tests
 * have the special rules of some.
 */

/** Functions may be passed on as they are, so that one that is not there is left out. */
const FUNCTION = /\ba function\b|what "\w+\(\)"/

/** Options with one value in its place, also one that is `undefined`. */
function withValue(options: object, [name = '', ...rest]: Path, value: unknown): object {
  const part: unknown = Reflect.get(options, name)
  const inner = typeof part === 'object' && part !== null ? part : {}
  return { ...options, [name]: rest.length === 0 ? value : withValue(inner, rest, value) }
}

describe.each(FUNCTIONS)('%s', (name, make, base) => {
  const paths = pathsOf(make, base)
  const named = (path: Path): string => path.join('.')

  /** The message about one option with a value. */
  function told(path: Path, value: unknown) {
    const all = problemsIn(make, withValue(base, path, value))
    const isOwn = ({ problem }: { problem: OptionProblem }): boolean =>
      `.${problem.optionPath.join('.')}`.includes(`.${named(path)}`)
    return all.filter(isOwn).map(({ text }) => text)
  }

  it('takes each number from its least to its greatest, and none beyond', () => {
    const numbers = paths.flatMap((path) => {
      const [, least, greatest] = /from (\d+) to (\d+)/.exec(told(path, '?').join()) ?? []
      return greatest === undefined ? [] : [{ path, ends: [Number(least), Number(greatest)] }]
    })
    for (const { path, ends } of numbers) {
      const [least = 0, greatest = 0] = ends
      const beyond = [least - 1, greatest + 1, Infinity, Number.NaN, String(least)]
      const said = beyond.map((value) => told(path, value).length)
      expect({ path, said }).toEqual({ path, said: beyond.map(() => 1) })
      expect({ path, told: ends.flatMap((end) => told(path, end)) }).toEqual({ path, told: [] })
    }
  })

  it('says which option a mistyped one may be', () => {
    const unasked = paths.filter((path) => {
      const typo = `${String(path.at(-1))}s`
      const parent = path.slice(0, -1)
      const texts = problemsIn(make, withValue(base, [...parent, typo], 1)).map(({ text }) => text)
      return !texts.some((text) => text.includes(`.${typo}"`) || text.includes(`"${typo}": did`))
    })
    expect(unasked).toEqual([])
  })

  it('rejects null, and undefined except in place of a function', () => {
    expect(paths.filter((path) => told(path, null).length === 0)).toEqual([])
    const open = paths.filter((path) => told(path, undefined).length === 0)
    // A trait that is undefined is one that the verifier does not have.
    if (name === 'defineVerifier') return
    expect(open.filter((path) => !FUNCTION.test(told(path, 1.5).join()))).toEqual([])
  })
})

// The page is compared as a whole elsewhere, by a test that reads the source, which the mutation tester changes.
it('docs/messages.md has the messages about each option', () => {
  const shown = messagesInCode().map(([name, message]) => [name, `\`${message}\``])
  expect(readTable(readText('docs/messages.md'), 'function')).toEqual(shown)
})
