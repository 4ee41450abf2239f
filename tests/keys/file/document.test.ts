import { describe, expect, it } from 'vitest'
import { KeyFileError, malformed } from '../../../src/keys/error.ts'
import { parseKeys } from '../../../src/keys/file/document.ts'
import { isLinear } from '../../parsers/timed-parsers.ts'

const SHA = '0a'.repeat(32)
const OTHER = 'b1'.repeat(32)
const VALID = `keys:\n  - id: a\n    principal: alice\n    sha256: ${SHA}\n`

describe('parseKeys reads', () => {
  it('a list, which may be empty', () => {
    expect(parseKeys('keys:', 'f').keys).toEqual([])
    expect(parseKeys('keys: []\n', 'f').keys).toEqual([])
    expect(parseKeys(VALID, 'f').keys).toHaveLength(1)
  })

  it('YAML 1.2, whatever a directive says: "no", times and 1:30 are texts', () => {
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

  it('a byte order mark, and the line ends of Windows', () => {
    expect(parseKeys(`\uFEFF${VALID.replaceAll('\n', '\r\n')}`, 'f').keys).toHaveLength(1)
  })
})

describe('parseKeys rejects', () => {
  const noList = 'The list "keys" is missing; without keys write "keys: []"'
  const fields = 'A key must be a mapping with "id", "principal" and "sha256"'
  const twice = 'This mapping has the same name twice: remove one'
  const alias = 'Aliases are not allowed: write the value out'
  const hidden = '(hidden because it may be a secret)'
  const sameHash = (id: string): string => `The key "${id}" has the "sha256" of another key`
  const second = (from: string, to: string): string => VALID.slice(6).replace(from, to)
  it.each([
    ['an empty text', '', `f:1:1: ${noList}`],
    ['comments only', '# keys:\n', `f:1:1: ${noList}`],
    ['no list', '{}', `f:1:1: ${noList}`],
    ['a list without a name', '\n- id: a', `f:2:1: ${noList}`],
    ['a mapping of keys', 'keys:\n  a: b', 'f:2:3: "keys" must be a list'],
    ['keys without a value', '? keys', 'f:1:1: "keys" must be a list'],
    ['a text in place of a key', 'keys:\n  - withauth_s3cr3t', `f:2:5: ${fields}`],
    ['an unknown name', `${VALID}key: []\n`, 'f:5:1: Unknown name "key": expected "keys"'],
    ['a secret as name', `${VALID}s3cr3t: []\n`, `f:5:1: Unknown name ${hidden}: expected "keys"`],
    ['a repeated name', `${VALID}keys: []\n`, `f:5:1: ${twice}`],
    ['a repeated field', `${VALID}    id: b\n`, `f:5:5: ${twice}`],
    ['a tag', 'keys: !x []', 'f:1:7: Invalid YAML (TAG_RESOLVE_FAILED)'],
    ['a list as name', '? [a]\n: b\nkeys: []', 'f:1:3: Invalid YAML (NON_STRING_KEY)'],
    ['two documents', `${VALID}---\n${VALID}`, 'f:5:1: A second document begins here: remove it'],
    ['another format', 'keys: [', 'f:1:8: Invalid YAML (BAD_INDENT)'],
    ['a secret', 'keys: "s3cr3t" "s3cr3t"', 'f:1:16: Invalid YAML (UNEXPECTED_TOKEN)'],
    ['tabs', 'keys:\n\t- id: a', 'f:2:1: Invalid YAML (TAB_AS_INDENT)'],
    ['an alias', 'keys: &a []\nx: *a', `f:2:4: ${alias}`],
    ['an alias of nothing', 'keys: *a', `f:1:7: ${alias}`],
    [
      'a merge',
      VALID.replace('id: a', 'id: a\n    <<: { expires: 2020-01-01 }'),
      `f:3:5: Unknown field ${hidden}: expected id, prefix, name, principal, tenant, attributes, paths, created, expires, revoked, successor, sha256`,
    ],
    ['a repeated id', `${VALID}${second(SHA, OTHER)}`, 'f:5:5: Two keys have the id "a"'],
    ['a repeated hash', `${VALID}${second(': a\n', ': b\n')}`, `f:5:5: ${sameHash('b')}`],
    [
      'a repeated hash in capitals',
      `${VALID}${second(': a\n', ': b\n').replace(SHA, SHA.toUpperCase())}`,
      `f:5:5: ${sameHash('b')}`,
    ],
    [
      'two entries for a key, one of them revoked',
      `${VALID}${second('id: a', 'revoked: true\n    id: a')}`,
      `f:5:5: Two keys have the id "a"\nf:5:5: ${sameHash('a')}`,
    ],
    [
      'deep nesting',
      `keys: ${'['.repeat(5000)}`,
      'f:1:1: The file is nested too deeply: more than 64 levels',
    ],
  ])('%s', (_, text, message) => {
    expect(messageOf(text)).toBe(message)
    expect(messageOf(text)).not.toContain('s3cr3t')
  })

  it('all mistakes at once, each with its place', () => {
    const text = `${VALID}  - id: b\n    principal: 7\n    sha256: x\n  - paths: []\n`
    const found = problemsOf(text).map(({ line, column, message }) => [line, column, message])
    expect(found).toEqual([
      [6, 16, expect.stringMatching(/^"principal" must be/)],
      [7, 13, expect.stringMatching(/^"sha256" must be/)],
      [8, 12, expect.stringMatching(/^"paths" must be/)],
      [8, 5, 'Missing: "id", "principal", "sha256"'],
    ])
  })

  it.each([
    ['entries', (count: number) => `keys:\n${'  - x\n'.repeat(count)}`, 0],
    ['names', (count: number) => 'x: 1\n'.repeat(count), 1],
    ['aliases', (count: number) => `keys: [${'*a, '.repeat(count)}]`, 0],
  ])('at most a hundred mistakes in %s', (_, make, fewer) => {
    expect(problemsOf(make(99))).toHaveLength(99 - fewer)
    expect(problemsOf(make(500))).toHaveLength(100)
    expect(messageOf(make(500))).toMatch(/\nand at least 81 more$/)
    expect(messageOf(make(90))).toMatch(new RegExp(`\nand ${70 - fewer} more$`))
  })

  it.each([
    ['names', (count: number) => namesUpTo(count)],
    ['fields', (count: number) => `keys:\n  - { ${namesUpTo(count, ', ')} }`],
    ['entries', (count: number) => `keys:\n${'  - x\n'.repeat(count)}`],
  ])('many %s in linear time', { tags: ['slow'] }, (_, make) => {
    expect(isLinear(make, messageOf, 1000)).toBe(true)
  })
})

it('an error lists up to twenty mistakes, and its "problems" all of them', () => {
  const problems = Array.from({ length: 25 }, (_, line) => ({ line, column: 1, message: 'x' }))
  const error = malformed('keys.yaml', problems)
  expect(error).toMatchObject({ name: 'KeyFileError', code: 'malformed', problems })
  expect(error.message).toMatch(/^keys\.yaml:0:1: x\n(?:.*\n){19}and 5 more$/)
  expect(malformed('keys.yaml', problems.slice(0, 20)).message).not.toContain('more')
  expect(error).not.toHaveProperty('cause')
})

function namesUpTo(count: number, separator = '\n'): string {
  return Array.from({ length: count }, (_, index) => `name${index}: 1`).join(separator)
}

function errorOf(text: string): KeyFileError {
  try {
    parseKeys(text, 'f')
  } catch (error) {
    if (error instanceof KeyFileError) return error
    throw error
  }
  throw new TypeError('parsed')
}

function messageOf(text: string): string {
  return errorOf(text).message
}

function problemsOf(text: string): KeyFileError['problems'] {
  return errorOf(text).problems
}
