import { describe, expect, it } from 'vitest'
import { MOST_TEXT, parseFile } from '../../src/yaml/document.ts'
import { linesOf } from './problems.ts'
import type { ConfigProblem } from '../../src/yaml/problems.ts'

const problemsOf = (text: string): readonly ConfigProblem[] => parseFile('f', text).findings.all()

const inWhole = (message: string): ConfigProblem => ({
  path: 'f',
  line: 0,
  column: 0,
  key: '',
  message,
  excerpt: '',
  optionPath: [],
  expected: message,
  isSecret: false,
})

describe('parseFile', () => {
  it.each([
    ['a tag of another schema', 'a: !!binary eA==', 'Unknown tag'],
    ['a tag of JavaScript', 'a: !!js/function x', 'Unknown tag'],
    ['a quote that does not end', 'a: "x', 'Missing closing'],
    ['a second document after its end', 'a: 1\n...\nb: 2\n', 'A second document'],
    ['a directive of another version', '%YAML 3.0\n---\na: 1\n', 'directive'],
    ['NUL', 'a: "\0"', 'U+0000'],
    ['an escape character in a comment', 'a: 1 # \u001b[2J', 'U+001B'],
  ])('rejects %s', (_, text, said) => {
    const { tree, findings } = parseFile('f', text)
    expect(findings.all()[0]?.message).toContain(said)
    expect(findings.all()[0]?.key).toBe('')
    expect(findings.all()[0]?.line).toBeGreaterThan(0)
    expect(tree).toBeUndefined()
  })

  it.each(['a: "x\nb: [\nc: "y', '{[['])('says each thing once of %j', (text) => {
    const said = problemsOf(text).map(({ line, column, message }) => `${line}:${column} ${message}`)
    expect(new Set(said).size).toBe(said.length)
  })

  it('rejects a file of more than 262,144 characters', () => {
    expect(problemsOf('#'.repeat(MOST_TEXT))).toEqual([])
    expect(problemsOf('#'.repeat(MOST_TEXT + 1))).toEqual([
      inWhole('The file is longer than 262144 characters'),
    ])
  })

  it('takes 64 levels, and no more', () => {
    const nest = (levels: number): string => `${'['.repeat(levels)}x${']'.repeat(levels)}`
    expect(problemsOf(nest(64))).toEqual([])
    expect(problemsOf(nest(65))).toEqual([
      inWhole('The file is nested too deeply: more than 64 levels'),
    ])
  })

  it('takes a document of nothing', () => {
    expect(problemsOf('---\n')).toEqual([])
    expect(problemsOf('')).toEqual([])
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

it.each<[text: string, ...lines: string[]]>([
  [
    'server:\n  auth:\n    endpoint: hunter: x\n  - pass-word.2: hunter1\n',
    '3:15 Nested mappings are not allowed in compact mappings (YAML) | endpoint: ******: *',
    '4:1 A block sequence may not be used as an implicit map key (YAML) | - pass-word.2: *******',
    '4:3 Implicit keys need to be on a single line (YAML) | - pass-word.2: *******',
    '4:3 Implicit map keys need to be followed by map values (YAML) | - pass-word.2: *******',
  ],
  ['- -   k.e-y: "\\q hunter"\n', '1:15 Invalid escape sequence (YAML) | - -   k.e-y: "** ******"'],
  [
    'key: hunter1: [',
    '1:6 Nested mappings are not allowed in compact mappings (YAML) | key: *******: [',
    '1:16 Flow sequence in block collection must be sufficiently indented and end with a ] (YAML) | key: *******: [',
  ],
  [
    'a: [hunter\nb:\n',
    '2:1 Flow sequence in block collection must be sufficiently indented and end with a ] (YAML) | b:',
  ],
  [
    '  "hunter": @hunter\n',
    '1:13 Plain value cannot start with reserved character @ (YAML) | "******": *******',
  ],
  ['a: &\n', '1:4 Invalid alias or anchor (YAML) | a: *'],
  [
    '{hunter: 1}\nb: hunter\n',
    '2:1 Unexpected text (YAML) | b: ******',
    '2:2 Unexpected text (YAML) | b: ******',
    '2:4 Unexpected text (YAML) | b: ******',
  ],
  ['a: | hunter\n  x', '1:6 Unexpected text (YAML) | a: * ******'],
  ['a: !hunter hunter\n', '1:4 Unknown tag (YAML) | a: ******* ******'],
  ['%hunter\n---\na: 1\n', '1:1 Invalid directive (YAML) | *******'],
  ['%YAML 1.2\n', '2:1 Missing directives-end indicator line (YAML)'],
  [
    'a: 1\n---\nb: hunter\n',
    '2:1 A second document begins here: keep one document in a file (YAML) | ***',
  ],
  [
    'a: hunter\u0001hunter: b\n',
    '1:4 Nested mappings are not allowed in compact mappings (YAML) | a: *************: *',
    '1:10 The character U+0001 is not allowed in YAML: remove it | a: *************: *',
  ],
])('shows the keys of invalid YAML, but no value: %j', (text, ...lines) => {
  expect(linesOf(text)).toEqual(lines)
})
