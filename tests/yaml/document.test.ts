import { describe, expect, it } from 'vitest'
import { MOST_TEXT, parseFile } from '../../src/yaml/document.ts'
import type { ConfigProblem } from '../../src/yaml/config-file-error.ts'

const problemsOf = (text: string): readonly ConfigProblem[] => parseFile('f', text).findings.all()

describe('parseFile', () => {
  it.each([
    ['a tab as indentation', 'a:\n\tb: 1\n', 'Tabs are not allowed'],
    ['an unknown tag', 'a: !secret x', 'Unknown tag'],
    ['a tag of another schema', 'a: !!binary eA==', 'Unknown tag'],
    ['a tag of JavaScript', 'a: !!js/function x', 'Unknown tag'],
    ['a quote that does not end', 'a: "x', 'Missing closing'],
    ['a list that does not end', 'a: [x', 'Flow sequence'],
    ['an escape that does not exist', String.raw`a: "\q"`, 'Invalid escape'],
    ['a second document', 'a: 1\n---\nb: 2\n', 'A second document'],
    ['a second document after its end', 'a: 1\n...\nb: 2\n', 'A second document'],
    ['a directive of another version', '%YAML 3.0\n---\na: 1\n', 'directive'],
    ['NUL', 'a: "\0"', 'U+0000'],
    ['an escape character in a comment', 'a: 1 # \u001b[2J', 'U+001B'],
  ])('refuses %s', (_, text, said) => {
    const { tree, findings } = parseFile('f', text)
    expect(findings.all()[0]?.message).toContain(said)
    expect(findings.all()[0]?.line).toBeGreaterThan(0)
    expect(tree).toBeUndefined()
  })

  it('says each thing once', () => {
    const said = problemsOf('a: "x\nb: [\nc: "y').map(
      ({ line, column, message }) => `${line}:${column} ${message}`,
    )
    expect(new Set(said).size).toBe(said.length)
  })

  it('refuses what is too long', () => {
    expect(problemsOf('a'.repeat(MOST_TEXT + 1))).toMatchObject([{ line: 0 }])
  })

  // On a stack that is full the parser's regular expressions end the process.
  it.each(['[', '- ', '{a: ', '? ', '{ ? ['])('refuses thousands of levels of %j', (open) => {
    const [problem, ...others] = problemsOf(open.repeat(10_000))
    expect(problem?.message).toContain('nested too deeply')
    expect(others).toEqual([])
  })

  it('takes 64 levels, and no more', () => {
    const nest = (levels: number): string => `${'['.repeat(levels)}${']'.repeat(levels)}`
    expect(problemsOf(nest(64))).toEqual([])
    expect(problemsOf(nest(67))).toMatchObject([
      { message: expect.stringContaining('64') as string },
    ])
  })

  it('keeps to the core schema whatever a directive says', () => {
    const { tree, findings } = parseFile('f', '%YAML 1.1\n---\n<<: yes\n')
    expect(findings.isEmpty()).toBe(true)
    expect(tree?.root).toMatchObject({ items: [{ key: { value: '<<' }, value: { value: 'yes' } }] })
  })
})

it('counts columns without the mark that a file may begin with', () => {
  const [problem] = parseFile('f', '\ufeffa: *b').findings.all()
  expect(problem).toMatchObject({ line: 1, column: 4 })
})
