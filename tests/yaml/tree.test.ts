import { describe, expect, it } from 'vitest'
import { parseFile } from '../../src/yaml/document.ts'
import { parseConfig } from '../../src/yaml.ts'
import { linesOf } from './problems.ts'

const messagesOf = (text: string): string[] =>
  parseFile('f', text)
    .findings.all()
    .map(({ line, column, key, message }) => `${line}:${column} ${key} ${message}`)

describe('inspectTree', () => {
  it('rejects repeated keys at any depth', () => {
    expect(messagesOf('a: 1\nb: { c: 1, c: 2 }\n"a": 3\nd: [{ 1: x, "1": y }]\n')).toEqual([
      '2:12 b.c "b.c" is a repeated key: remove one of them',
      '3:1 a "a" is a repeated key: remove one of them',
      '4:13 d[0].1 "d[0].1" is a repeated key: remove one of them',
    ])
  })

  it('rejects aliases that multiply, once and fast', () => {
    const bomb = 'abcdefghij'.split('').map(
      (name, index, all) =>
        `${name}: &${name} [${Array(9)
          .fill(index === 0 ? 'x' : `*${all[index - 1]}`)
          .join(', ')}]`,
    )
    expect(messagesOf(bomb.join('\n'))).toEqual([expect.stringContaining('expand to more than')])
    const flat = `a: &a [${Array(2000).fill('x').join(',')}]\nb: [${Array(50).fill('*a').join(',')}]`
    expect(messagesOf(flat)).toEqual([expect.stringContaining('expand to more than')])
  })

  it('reports other aliases beside those that multiply', () => {
    const many = Array(2000).fill('*b').join(',')
    expect(messagesOf(`a: *x\nb: &b [1, 2]\nc: [${many}]\nd: [${many}]\ne: *y\n`)).toEqual([
      '1:4 a An alias needs an anchor before it',
      '4:4004 d[1333] The aliases expand to more than 10000 values: write the values out',
      '5:4 e An alias needs an anchor before it',
    ])
  })

  it('counts the keys and the values of a mapping', () => {
    const text = (size: number): string =>
      `a: &a { ${Array.from({ length: size }, (_, index) => `k${index}: v`).join(', ')} }\nb: *a`
    expect(messagesOf(text(4999))).toEqual([])
    expect(messagesOf(text(5000))).toHaveLength(1)
  })

  it('takes an anchor within a key', () => {
    expect(messagesOf('? [b, &k c]\n: *k\n')).toEqual([])
  })

  it('takes aliases for 10,000 values, and for no more', () => {
    const times = (count: number, what: string): string => Array(count).fill(what).join(',')
    // With the list itself, which is one more.
    const hundred = `a: &a [${times(99, 'x')}]\n`
    expect(messagesOf(`${hundred}b: [${times(100, '*a')}]`)).toEqual([])
    expect(messagesOf(`${hundred}b: [${times(100, '*a')}]\nc: &c 1\nd: *c`)).toEqual([
      expect.stringContaining('expand to more than 10000 values'),
    ])
  })

  it('masks an alias, which may be a password, and a key without a value', () => {
    const [problem] = parseFile('f', 'a: { hunter1, b: *hunter2 }').findings.all()
    expect(problem?.excerpt.split('\n')[0]?.trim()).toBe('a: { *******, b: ******** }')
  })

  it('names a key by its first 200 characters', () => {
    const long = 'k'.repeat(300)
    const [problem] = parseFile('f', `${long}: 1\n${long}: 2`).findings.all()
    expect(problem?.key).toBe('k'.repeat(200))
  })

  it('resolves an alias to the anchor that came last', () => {
    const { realm } = parseConfig(
      'a: &x one\nb: &x two\nserver: { auth: { endpoint: "https://h/", realm: *x } }',
    )
    expect(realm).toBe('two')
  })
})

it.each<[text: string, ...lines: string[]]>([
  [
    'a: { b: hunter, b: hunter }\n"a": hunter',
    '1:17 "a.b" is a repeated key: remove one of them | a: { b: ******, b: ****** }',
    '2:1 "a" is a repeated key: remove one of them | "a": ******',
  ],
  [
    'a: { hunter, hunter }\n? hunter\n? hunter\n',
    '1:14 "a.?" is a repeated key: remove one of them | a: { ******, ****** }',
    '3:3 "?" is a repeated key: remove one of them | * ******',
  ],
  [
    '- { a: hunter, a: hunter }\n- - b: 1\n    b: 2\n',
    '1:1 The file must be a mapping | * { a: ******, a: ****** }',
    '1:16 "[0].a" is a repeated key: remove one of them | * { a: ******, a: ****** }',
    '3:5 "[1][0].b" is a repeated key: remove one of them | b: *',
  ],
  [
    '? [hunter]\n: { b: 1, b: 2 }\n? [hunter]\n: 1\n',
    '2:11 "?.b" is a repeated key: remove one of them | : { b: *, b: * }',
  ],
  [
    'a: &hunter { b: [*hunter] }\n',
    '1:18 An alias cannot be inside its own anchor | a: ******* { b: [*******] }',
  ],
  ['a: &a [*a]', '1:8 An alias cannot be inside its own anchor | a: ** [**]'],
  ['a: *b\nb: &b 1', '1:4 An alias needs an anchor before it | a: **'],
  [
    '{ ? [hunter] : hunter, a: *hunter }',
    '1:27 An alias needs an anchor before it | { * [******] : ******, a: ******* }',
  ],
])('shows no value of %j', (text, ...lines) => {
  expect(linesOf(text)).toEqual(lines)
})
