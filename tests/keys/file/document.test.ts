import { describe, expect, it } from 'vitest'
import { parseKeys } from '../../../src/keys/file/document.ts'
import { KeyFileError } from '../../../src/keys/error.ts'
import { isLinear } from '../../parsers/timed-parsers.ts'

const SHA = '0a'.repeat(32)
const NO_LIST = 'There must be a list "keys", which may be empty: "keys: []"'
const VALID = `keys:\n  - id: a\n    principal: alice\n    sha256: ${SHA}\n`

describe('a file of keys', () => {
  it('is a list, which may be empty', () => {
    expect(parseKeys('keys:', 'f').keys).toEqual([])
    expect(parseKeys('keys: []\n', 'f').keys).toEqual([])
    expect(parseKeys(VALID, 'f').keys).toHaveLength(1)
  })

  it('is YAML 1.2, whatever it says: neither "no" nor a time nor sixty-based 1:30 is anything but text', () => {
    const names = ['no', 'on', '2026-01-01', '1:30', '~x', '<<']
    const entries = names.map((name, index) => {
      const sha256 = String(index).repeat(64)
      return `- { id: k${index}, principal: ${name}, sha256: "${sha256}" }`
    })
    for (const directive of ['', '%YAML 1.1\n---\n']) {
      const text = `${directive}keys:\n${entries.join('\n')}\n`
      expect(parseKeys(text, 'f').keys.map(({ principal }) => principal)).toEqual(names)
    }
  })

  it('may begin with a byte order mark, and have the line ends of Windows', () => {
    expect(parseKeys(`\uFEFF${VALID.replaceAll('\n', '\r\n')}`, 'f').keys).toHaveLength(1)
  })
})

describe('a file of keys is refused', () => {
  const second = (from: string, to: string): string => VALID.slice(6).replace(from, to)
  const other = 'b1'.repeat(32)
  const notYaml = (code: string): string => `This is not valid YAML here (${code})`
  const alias = 'Aliases are not allowed: write the value out'
  it.each([
    ['that is empty', '', `f:1:1: ${NO_LIST}`],
    ['of comments', '# keys:\n', `f:1:1: ${NO_LIST}`],
    ['that is cut before its list', '{}', `f:1:1: ${NO_LIST}`],
    ['that is a list', '\n- id: a', `f:2:1: ${NO_LIST}`],
    ['whose keys are no list', 'keys:\n  a: b', 'f:2:3: "keys" must be a list'],
    ['whose keys have no value at all', '? keys', 'f:1:1: "keys" must be a list'],
    [
      'whose key is a word',
      'keys:\n  - withauth_s3cr3t',
      'f:2:5: A key must have fields: "id", "principal", "sha256"',
    ],
    [
      'with more than keys',
      `${VALID}key: []\n`,
      'f:5:1: There is nothing called "key": known is "keys"',
    ],
    ['with a name twice', `${VALID}keys: []\n`, 'f:5:1: The same name is already in this mapping'],
    [
      'with a field twice',
      `${VALID}    id: b\n`,
      'f:5:5: The same name is already in this mapping',
    ],
    ['with a tag', 'keys: !x []', `f:1:7: ${notYaml('TAG_RESOLVE_FAILED')}`],
    ['with a name that is no text', '? [a]\n: b\nkeys: []', `f:1:3: ${notYaml('NON_STRING_KEY')}`],
    ['of two documents', `${VALID}---\n${VALID}`, 'f:5:1: A second document begins here'],
    ['that is not YAML', 'keys: [', `f:1:8: ${notYaml('BAD_INDENT')}`],
    [
      'that is not YAML, and has a secret',
      'keys: "s3cr3t" "s3cr3t"',
      `f:1:16: ${notYaml('UNEXPECTED_TOKEN')}`,
    ],
    ['with tabs', 'keys:\n\t- id: a', `f:2:1: ${notYaml('TAB_AS_INDENT')}`],
    ['with an alias', 'keys: &a []\nx: *a', `f:2:4: ${alias}`],
    [
      'with a merge',
      VALID.replace('id: a', 'id: a\n    <<: { expires: 2020-01-01 }'),
      'f:3:5: There is no field so (it is not shown): known are id, prefix, principal, attributes, paths, created, expires, revoked, successor, sha256',
    ],
    ['with an alias of nothing', 'keys: *a', `f:1:7: ${alias}`],
    [
      'with an id twice',
      `${VALID}${second(SHA, other)}`,
      'f:5:5: There are two keys with the id "a"',
    ],
    [
      'with a key twice',
      `${VALID}${second(': a\n', ': b\n')}`,
      'f:5:5: The key "b" has the same "sha256" as another',
    ],
    [
      'with a key twice, in capitals',
      `${VALID}${second(': a\n', ': b\n').replace(SHA, SHA.toUpperCase())}`,
      'f:5:5: The key "b" has the same "sha256" as another',
    ],
    [
      'with an entry twice, of which one is revoked',
      `${VALID}${second('id: a', 'revoked: true\n    id: a')}`,
      'f:5:5: There are two keys with the id "a"\nf:5:5: The key "a" has the same "sha256" as another',
    ],
  ])('%s', (_, text, message) => {
    const parsing = (): unknown => parseKeys(text, 'f')
    expect(parsing).toThrow(KeyFileError)
    expect(parsing).not.toThrow('s3cr3t')
    expect(messageOf(text)).toBe(message)
  })

  it('that is nested too deeply', () => {
    expect(problemsOf(`keys:\n ${'['.repeat(5000)}`)).toEqual([[1, 1, 'The file is nested']])
  })

  it.each([
    ['list', (count: number) => `keys:\n${'  - x\n'.repeat(count)}`],
    ['names', (count: number) => 'x: 1\n'.repeat(count)],
    ['aliases', (count: number) => `keys: [${'*a, '.repeat(count)}]`],
  ])('with a hundred problems and no more, of a wrong %s', (_, make) => {
    const shown = (count: number): string => messageOf(make(count)).split('\n').at(-1) ?? ''
    expect(problemsOf(make(99))).toHaveLength(make(99).startsWith('x') ? 98 : 99)
    expect(problemsOf(make(500))).toHaveLength(100)
    expect(shown(500)).toBe('and at least 81 more')
    expect(shown(90)).toBe(make(90).startsWith('x') ? 'and 69 more' : 'and 70 more')
  })

  it.each([
    ['names', (count: number) => namesUpTo(count)],
    ['names of a key', (count: number) => `keys:\n  - { ${namesUpTo(count, ', ')} }`],
    ['entries', (count: number) => `keys:\n${'  - x\n'.repeat(count)}`],
  ])('in linear time, with many %s', { tags: ['slow'], timeout: 60_000 }, (_, make) => {
    expect(isLinear(make, messageOf, 1000)).toBe(true)
  })

  it('with all that is wrong, each where it is', () => {
    const text = `${VALID}  - id: b\n    principal: 7\n    sha256: x\n  - paths: []\n`
    expect(problemsOf(text)).toEqual([
      [6, 16, '"principal" must b'],
      [7, 13, '"sha256" must be 6'],
      [8, 12, '"paths" must be a '],
      [8, 5, '"id", "principal",'],
    ])
  })
})

function namesUpTo(count: number, separator = '\n'): string {
  return Array.from({ length: count }, (_, index) => `name${index}: 1`).join(separator)
}

function messageOf(text: string): string {
  try {
    return `${parseKeys(text, 'f').keys.length} keys`
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return error.message
  }
}

function problemsOf(text: string): unknown[] {
  try {
    return parseKeys(text, 'f').keys.slice()
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return error.problems.map(({ line, column, message }) => [line, column, message.slice(0, 18)])
  }
}
