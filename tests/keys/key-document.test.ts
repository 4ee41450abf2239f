import { describe, expect, it } from 'vitest'
import { parseKeys } from '../../src/keys/key-document.ts'
import { KeyFileError } from '../../src/keys/key-file-error.ts'

const SHA = '0a'.repeat(32)
const GOOD = `keys:\n  - id: a\n    principal: alice\n    sha256: ${SHA}\n`

describe('a file of keys', () => {
  it('is a list, which may be empty', () => {
    expect(parseKeys('keys:', 'f').keys).toEqual([])
    expect(parseKeys('keys: []\n', 'f').keys).toEqual([])
    expect(parseKeys(GOOD, 'f').keys).toHaveLength(1)
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
    expect(parseKeys(`\uFEFF${GOOD.replaceAll('\n', '\r\n')}`, 'f').keys).toHaveLength(1)
  })
})

describe('a file of keys is refused', () => {
  it.each([
    ['that is empty', '', 'f:1:1: There must be a list "keys", which may be empty'],
    ['of comments', '# keys:\n', 'There must be a list "keys"'],
    ['that is cut before its list', '{}', 'There must be a list "keys"'],
    ['that is a list', '- id: a', 'There must be a list "keys"'],
    ['whose keys are no list', 'keys:\n  a: b', 'f:2:3: "keys" must be a list'],
    ['whose key is a word', 'keys:\n  - withauth_s3cr3t', 'f:2:5: A key must have fields'],
    ['with more than keys', `${GOOD}key: []\n`, 'f:5:1: There is nothing called "key"'],
    ['with a name twice', `${GOOD}keys: []\n`, '(DUPLICATE_KEY)'],
    ['with a field twice', `${GOOD}    id: b\n`, '(DUPLICATE_KEY)'],
    ['with a tag', 'keys: !x []', '(TAG_RESOLVE_FAILED)'],
    ['with a name that is no text', '? [a]\n: b\nkeys: []', '(NON_STRING_KEY)'],
    ['of two documents', `${GOOD}---\n${GOOD}`, '(MULTIPLE_DOCS)'],
    ['that is not YAML', 'keys: [', 'This is not valid YAML here'],
    [
      'that is not YAML, and has a secret',
      'keys: "s3cr3t" "s3cr3t"',
      'This is not valid YAML here',
    ],
    ['with tabs', 'keys:\n\t- id: a', '(TAB_AS_INDENT)'],
    ['with an alias', 'keys: &a []\nx: *a', 'Aliases are not allowed'],
    ['with a merge', GOOD.replace('id: a', 'id: a\n    <<: { expires: 2020-01-01 }'), 'no field'],
    ['with an alias of nothing', 'keys: *a', 'Aliases are not allowed'],
    [
      'with an id twice',
      `${GOOD}${GOOD.slice(6).replace(SHA, 'b1'.repeat(32))}`,
      'two keys with the id "a"',
    ],
    [
      'with a key twice',
      `${GOOD}${GOOD.slice(6).replace(': a', ': b')}`,
      'same "sha256" as another',
    ],
    [
      'with a key twice, in capitals',
      `${GOOD}${GOOD.slice(6).replace(': a', ': b').replace(SHA, SHA.toUpperCase())}`,
      'same "sha256"',
    ],
  ])('%s', (_, text, message) => {
    const parsing = (): unknown => parseKeys(text, 'f')
    expect(parsing).toThrow(KeyFileError)
    expect(parsing).toThrow(message)
    expect(parsing).not.toThrow('s3cr3t')
  })

  it('that is nested too deeply', { tags: ['slow'] }, () => {
    const text = `keys: ${'['.repeat(50_000)}`
    expect(() => parseKeys(text, 'f')).toThrow('This is not valid YAML')
  })

  it('with all that is wrong, each where it is', () => {
    const text = `${GOOD}  - id: b\n    principal: 7\n    sha256: x\n  - paths: []\n`
    expect(problemsOf(text)).toEqual([
      [6, 16, '"principal" must b'],
      [7, 13, '"sha256" must be 6'],
      [8, 12, '"paths" must be a '],
      [8, 5, '"id", "principal",'],
    ])
  })
})

function problemsOf(text: string): unknown[] {
  try {
    return parseKeys(text, 'f').keys.slice()
  } catch (error) {
    if (!(error instanceof KeyFileError)) throw error
    return error.problems.map(({ line, column, message }) => [line, column, message.slice(0, 18)])
  }
}
