import { LineCounter } from 'yaml'
import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { ConfigFileError, drawExcerpt, Findings } from '../../src/yaml/problems.ts'
import { TOKEN } from '../support/token.ts'

it('problems stand in the order of the file, and begin with those of the whole', () => {
  const lines = new LineCounter()
  lines.addNewLine(0)
  const findings = new Findings('f', 'a: 1\n', lines)
  findings.add({ start: 3, end: 4 }, 'a', 'second')
  findings.add({ start: 0, end: 1 }, 'a', 'first')
  findings.add(undefined, '', 'whole')
  expect(findings.all().map(({ message }) => message)).toEqual(['whole', 'first', 'second'])
})

describe('an excerpt', () => {
  it.each([
    ['the first line without a carriage return', 'a: 1\r\nb', 0, [0, 4], '    a: 1\n    ^'],
    ['the last line', 'a: 1\r\nb', 6, [6, 7], '    b\n    ^'],
    ['nothing of an empty line', '\n\n', 1, [0, 2], ''],
    ['nothing of a blank line', 'a\n \t \nb', 3, [0, 7], ''],
    ['no character beside a shown range', 'abcde', 0, [1, 3], '    *bc**\n    ^'],
    ['each blank one column wide', 'a:\tb\u00a0c', 3, [0, 6], '    a: b c\n       ^'],
  ] as const)('shows %s', (_, text, offset, [start, end], drawn) => {
    expect(drawExcerpt(text, offset, [{ start, end }])).toBe(drawn)
  })

  it('shows a part of a long line', () => {
    const long = `${'x'.repeat(500)}y${'x'.repeat(500)}`
    const [line = '', caret = ''] = drawExcerpt(long, 500, [{ start: 0, end: 1001 }]).split('\n')
    expect(line.length).toBeLessThan(130)
    expect(line[caret.indexOf('^')]).toBe('y')
  })

  it('looks once at each range elsewhere, since a file has thousands of keys', () => {
    let looks = 0
    const counted = (start: number, end: number) => ({
      get start() {
        looks += 1
        return start
      },
      get end() {
        looks += 1
        return end
      },
    })
    const line = 'x'.repeat(30)
    const three = `${line}\n${line}\n${line}`
    // The last one before the line ends where it begins, and the first one behind it begins where it ends.
    const elsewhere = [counted(0, 31), counted(0, 5), counted(61, 91), counted(70, 75)]
    expect(drawExcerpt(three, 31, elsewhere)).toBe(`    ${'*'.repeat(30)}\n    ^`)
    expect(looks).toBeLessThanOrEqual(2 * elsewhere.length)
  })
})

describe('ConfigFileError', () => {
  const problem = {
    path: 'a.yaml',
    line: 2,
    column: 3,
    key: 'k',
    message: 'Bad',
    excerpt: '  k\n  ^',
    optionPath: ['k'],
    expected: TOKEN,
    isSecret: false,
  }

  it('is an AuthConfigError whose message shows every problem at its place', () => {
    const whole = { ...problem, line: 0, column: 0, key: '', excerpt: '' }
    const error = new ConfigFileError([problem, whole])
    expect(error).toBeInstanceOf(AuthConfigError)
    expect(error).toMatchObject({ name: 'ConfigFileError', code: 'invalid_config', option: 'k' })
    expect(error.message).toBe('a.yaml:2:3: Bad\n  k\n  ^\n\na.yaml: Bad')
    expect(error.problems).toEqual([problem, whole])
  })

  it('has an empty message without a problem', () => {
    expect(new ConfigFileError([])).toMatchObject({ option: '', message: '', problems: [] })
  })

  it('counts the problems past the first fifty', () => {
    const error = new ConfigFileError(Array.from({ length: 60 }, () => problem))
    expect(error.problems).toHaveLength(60)
    expect(error.message).toMatch(/and 10 more$/)
    expect(new ConfigFileError(error.problems, true).message).toMatch(/and at least 11 more$/)
    expect(new ConfigFileError(error.problems.slice(0, 50)).message).not.toContain('more')
  })
})
