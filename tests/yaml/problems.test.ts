import { LineCounter } from 'yaml'
import { describe, expect, it } from 'vitest'
import { AuthConfigError } from '../../src/index.ts'
import { ConfigFileError, Findings, drawExcerpt, MASKED } from '../../src/yaml/problems.ts'
import { TOKEN } from '../support/token.ts'

function create() {
  const lines = new LineCounter()
  lines.addNewLine(0)
  lines.addNewLine(5)
  return new Findings('f', 'a: 1\nb: 2\n', lines)
}

describe('findings', () => {
  it('come in the order of the file, with line and column', () => {
    const findings = create()
    expect(findings.isEmpty()).toBe(true)
    findings.add({ start: 8, end: 9 }, 'b', 'second')
    findings.add({ start: 3, end: 4 }, 'a', 'first', MASKED)
    findings.add(undefined, '', 'whole')
    expect(findings.all()).toMatchObject([
      { path: 'f', line: 0, column: 0, key: '', message: 'whole', excerpt: '' },
      { path: 'f', line: 1, column: 4, key: 'a', message: 'first', excerpt: '    *: *\n       ^' },
      { path: 'f', line: 2, column: 4, key: 'b', message: 'second', excerpt: '    *: 2\n       ^' },
    ])
  })

  it('begin with a problem of the whole file', () => {
    const findings = create()
    findings.add({ start: 0, end: 1 }, 'a', 'first')
    findings.add(undefined, '', 'whole')
    expect(findings.all().map(({ message }) => message)).toEqual(['whole', 'first'])
  })

  it('show the ranges that are named as safe', () => {
    const findings = create()
    findings.show({ start: 0, end: 1 })
    findings.add({ start: 3, end: 4 }, 'a', 'x', MASKED)
    expect(findings.all()[0]?.excerpt).toBe('    a: *\n       ^')
  })

  it('know whether a key, or something below it, has a problem', () => {
    const findings = create()
    findings.add({ start: 0, end: 1 }, 'a.b[0].c', 'x')
    expect(['a', 'a.b', 'a.b[0]', 'a.b[0].c'].filter((key) => findings.has(key))).toHaveLength(4)
    expect(['a.b[0].c.d', 'a.bb', 'b', 'a.b[0]c'].filter((key) => findings.has(key))).toEqual([])
  })

  it('stop at a hundred', () => {
    const findings = create()
    for (let i = 0; i < 100; i++) findings.add({ start: 0, end: 1 }, '', 'x')
    expect(findings.hasMore()).toBe(false)
    findings.add(undefined, '', 'y')
    findings.add({ start: 0, end: 1 }, '', 'z')
    expect(findings.hasMore()).toBe(true)
    expect(findings.all().map(({ message }) => message)).toEqual(Array(100).fill('x'))
  })
})

describe('an excerpt', () => {
  const text = 'a: 1\nkey: {s: "p w"} # c\nb: 2\n'
  const at = (part: string): { start: number; end: number } => {
    const start = text.indexOf(part)
    return { start, end: start + part.length }
  }

  it('masks everything outside the shown ranges, and keeps the punctuation', () => {
    expect(drawExcerpt(text, at('"p w"').start, [])).toBe('    ***: {*: "* *"} * *\n             ^')
    expect(drawExcerpt(text, at('key').start, [at('key'), at('1')])).toBe(
      '    key: {*: "* *"} * *\n    ^',
    )
  })

  it('shows the first and the last line without a carriage return', () => {
    expect(drawExcerpt('a: 1\r\nb', 0, [{ start: 0, end: 4 }])).toBe('    a: 1\n    ^')
    expect(drawExcerpt('a: 1\r\nb', 6, [{ start: 6, end: 7 }])).toBe('    b\n    ^')
  })

  it('shows a part of a long line, and nothing of a blank line', () => {
    const long = `${'x'.repeat(500)}y${'x'.repeat(500)}`
    const [line = '', caret = ''] = drawExcerpt(long, 500, [{ start: 0, end: 1001 }]).split('\n')
    expect(line.length).toBeLessThan(130)
    expect(line[caret.indexOf('^')]).toBe('y')
    expect(drawExcerpt('\n\n', 1, [])).toBe('')
    expect(drawExcerpt('a\n \t \nb', 3, [])).toBe('')
  })

  it('shows no character beside a shown range', () => {
    expect(drawExcerpt('abcde', 0, [{ start: 1, end: 3 }])).toBe('    *bc**\n    ^')
  })

  it('draws each blank one column wide', () => {
    expect(drawExcerpt('a:\tb\u00a0c', 3, [{ start: 0, end: 6 }])).toBe('    a: b c\n       ^')
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
