import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createKey, pruneKeys, removeKey, revokeKey } from '../../../src/keys.ts'
import { readKeyFile } from '../../../src/keys/file/read.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { CreatedKey } from '../../../src/keys.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 900)
const SHA = '0a'.repeat(32)
const LONG = `alice ${'and so on '.repeat(20)}end`
const FIRST = { id: 'key_aaaaaaaaaaaa', prefix: 'withauth_aaaaaa', principal: 'bob', key: 'a' }

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }))

const COMMENTED = `# Who may come in.

# The list.
keys:
  # Alice's laptop.
  - id: a # her first
    principal: alice
    attributes: { roles: [admin, ops] } # all of them
    # as sha256sum prints it
    sha256: ${SHA} # not the key

  # Bob left.
  - id: b
    principal: 'bob'
    revoked: 2025-06-01 # in June
    sha256: "${'1b'.repeat(32)}"
    # Nothing about Bob.
  # The last.
# The end.
`

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

/** The lines of a key with no more than a principal. */
function linesOf(created: Pick<CreatedKey, 'id' | 'prefix' | 'principal' | 'key'>): string {
  const { id, prefix, principal, key } = created
  const fields = [`id: ${id}`, `prefix: ${prefix}`, `principal: ${principal}`]
  const last = ['created: 2026-01-01T00:00:00Z', `sha256: ${hashOf(key)}`]
  return `  - ${[...fields, ...last].join('\n    ')}\n`
}

/** A key in one line. */
function flow(id: string): string {
  return `{id: ${id}, principal: alice, sha256: ${hashOf(id)}}`
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function commentsOf(text: string): string[] {
  return text.match(/#.*/g) ?? []
}

describe('a new key', () => {
  it('is read as it was written, whatever YAML makes of its name', async () => {
    const file = pathOf('keys.yaml')
    const names = '7,true,null,~,- x,# x,it\'s,"x",a: b,2026-01-01,*x,&x,!x,\u2028,{, x ,€'.split(
      ',',
    )
    names.push('x'.repeat(256))
    for (const principal of names)
      await createKey(file, { principal, attributes: { [principal]: [principal] } })
    const read = readKeyFile(file).keys.map((key) => [key.principal, { ...key.attributes }])
    expect(read).toEqual(names.map((name) => [name, { [name]: [name] }]))
  })

  it.each([
    ['keys:\n', 'keys:\n', ''],
    ['keys: []', 'keys:\n', ''],
    ['# a\nkeys: # b\n', '# a\nkeys:\n  # b\n\n', ''],
    ['keys:\n  # a\n  # b\n', 'keys:\n  # a\n  # b\n\n', ''],
    ['keys:\n  # a\n\n  []\n', 'keys:\n  # a\n\n', ''],
    ['keys:\n  # a\n  ~ # b\n# c\n', 'keys:\n  # a\n  # b\n\n', '\n# c\n'],
    ['keys: [] # a\n# b\n', 'keys:\n', '  # a\n\n# b\n'],
  ])('keeps the comments of the empty list %j', async (before, head, tail) => {
    const file = write(before)
    const created = await createKey(file, { principal: 'bob' })
    expect(readFileSync(file, 'utf8')).toBe(`${head}${linesOf(created)}${tail}`)
  })

  it('continues the line of a list in one line', async () => {
    const file = write(`keys: [${flow('a')}] # all\n`)
    const { id, prefix, key } = await createKey(file, { principal: 'bob' })
    const added = `{id: ${id}, prefix: ${prefix}, principal: bob, created: 2026-01-01T00:00:00Z, sha256: ${hashOf(key)}}`
    expect(readFileSync(file, 'utf8')).toBe(`keys: [${flow('a')}, ${added}] # all\n`)
  })

  it('comes last, and changes nothing else', async () => {
    const text = `# a\n\nkeys:\n  - id: a\n    principal: ${LONG}\n    attributes: {roles: [admin, ops]}\n    sha256: ${SHA} # b\n  - {id: b, principal: "${LONG}", sha256: ${'1b'.repeat(32)}}\n`
    const file = write(text)
    const created = await createKey(file, { principal: 'bob' })
    expect(readFileSync(file, 'utf8')).toBe(`${text}${linesOf(created)}`)
  })

  it('writes a list that is used twice without an alias', async () => {
    const names = ['admin']
    const attributes = { roles: names, teams: names }
    const file = pathOf('keys.yaml')
    await createKey(file, { principal: 'alice', attributes })
    expect(readKeyFile(file).keys).toMatchObject([{ attributes }])
  })
})

describe('comments', () => {
  it('stay after many changes', async () => {
    const file = write(COMMENTED)
    for (let times = 0; times < 5; times += 1) {
      const { id } = await createKey(file, { principal: 'carol' })
      await revokeKey(file, id)
    }
    expect(commentsOf(readFileSync(file, 'utf8'))).toEqual(commentsOf(COMMENTED))
    expect(readKeyFile(file).keys).toHaveLength(7)
  })

  it('of removed keys go, and the others stay', async () => {
    const file = write(COMMENTED)
    await pruneKeys(file, { older: '90d' })
    const text = readFileSync(file, 'utf8')
    expect(text).toContain('# her first')
    expect(text).not.toContain('# in June')
  })
})

describe('a revoked key', () => {
  it('gets the time before its hash, and nothing else changes', async () => {
    const head = `# a\n\nkeys:\n  - principal: ${LONG}\n    attributes: {roles: [admin, ops]}\n`
    const tail = `    sha256: ${SHA} # b\n    # c\n    id: a\n\n    prefix: "x" # d\n\n# e\n`
    const file = write(`${head}${tail}`)
    await revokeKey(file, 'a')
    expect(readFileSync(file, 'utf8')).toBe(`${head}    revoked: 2026-01-01T00:00:00Z\n${tail}`)
  })

  it('may be in one line', async () => {
    const file = write(`keys: [${flow('a')}]`)
    await revokeKey(file, 'a')
    expect(readKeyFile(file).keys).toMatchObject([{ id: 'a', revoked: '2026-01-01T00:00:00Z' }])
  })
})

it.each([
  ['keys: []\n', 'keys: []\n'],
  ['keys:\n', 'keys: []\n'],
  ['# a\nkeys: # b\n', '# a\nkeys:\n  # b\n  []\n'],
  [`keys:\n${linesOf(FIRST)}`, `keys:\n${linesOf(FIRST)}`],
  [`# a\nkeys:\n  # b\n${linesOf(FIRST)}\n# c\n`, `# a\nkeys:\n  # b\n${linesOf(FIRST)}\n# c\n`],
])('a key that is added to %j and removed leaves no trace', async (before, after) => {
  const file = write(before)
  const { id } = await createKey(file, { principal: 'bob' })
  await removeKey(file, id)
  expect(readFileSync(file, 'utf8')).toBe(after)
  const again = await createKey(file, { principal: 'bob' })
  expect(readKeyFile(file).keys.at(-1)).toMatchObject({ id: again.id })
})

describe('the comment of a removed key goes', () => {
  const [A, B, C] = ['a', 'b', 'c'].map((id) => `  - ${flow(id)}\n`)
  it.each<[string, string, readonly string[], string]>([
    ['with the first key', `keys:\n  # a\n${A}  # b\n${B}`, ['a'], `keys:\n  # b\n${B}`],
    ['with another key', `keys:\n  # a\n${A}  # b\n${B}`, ['b'], `keys:\n  # a\n${A}`],
    ['with the last one left', `keys:\n  # a\n${A}`, ['a'], 'keys: []\n'],
    ['with each', `keys:\n  # a\n${A}  # b\n${B}  # c\n${C}`, ['a', 'b'], `keys:\n  # c\n${C}`],
    ['with all', `keys:\n  # a\n${A}  # b\n${B}`, ['a', 'b'], 'keys: []\n'],
    [
      'but not one above a blank line',
      `keys:\n  # all\n  #\n  # keys\n\n  # a\n  # too\n${A}\n  # b\n${B}`,
      ['a'],
      `keys:\n  # all\n  #\n  # keys\n\n  # b\n${B}`,
    ],
    [
      'but not one above a blank line, also in an empty list',
      `keys:\n  # all\n\n  # a\n${A}`,
      ['a'],
      'keys:\n  # all\n  []\n',
    ],
    [
      'but not some above a blank line, also in an empty list',
      `keys:\n  # all\n  # keys\n\n  # a\n${A}`,
      ['a'],
      'keys:\n  # all\n  # keys\n  []\n',
    ],
    ['but not that of the list', `keys:\n  # all\n\n${A}${B}`, ['a'], `keys:\n  # all\n\n${B}`],
    ['but not one after "keys:"', `keys: # all\n${A}${B}`, ['a'], `keys:\n  # all\n\n${B}`],
    [
      'but not one after "keys:" with more below it',
      `keys: # all\n\n  # keys\n\n  # a\n${A}${B}`,
      ['a'],
      `keys:\n  # all\n\n  # keys\n\n${B}`,
    ],
    [
      'but not one after "keys:" right above it',
      `keys: # all\n  # a\n${A}${B}`,
      ['a'],
      `keys:\n  # all\n\n${B}`,
    ],
    [
      'also if another comment shows "keys:" with a comment',
      `# as in keys: # a\nkeys:\n  # a\n${A}${B}`,
      ['a'],
      `# as in keys: # a\nkeys:\n${B}`,
    ],
    ['but not one far after "keys:"', `keys:  # all\n${A}${B}`, ['a'], `keys:\n  # all\n\n${B}`],
    [
      'but not one between "keys:" and a list in one line',
      `keys: # all\n  [${flow('a')}, ${flow('b')}]\n`,
      ['a'],
      `keys:\n  # all\n  [${flow('b')}]\n`,
    ],
    [
      'but not one above a list in one line',
      `keys:\n  # all\n  [${flow('a')}, ${flow('b')}]\n`,
      ['a'],
      `keys:\n  # all\n  [${flow('b')}]\n`,
    ],
  ])('%s', async (_, before, ids, after) => {
    const file = write(before)
    for (const id of ids) await removeKey(file, id)
    expect(readFileSync(file, 'utf8')).toBe(after)
    const revoke = (text: string, id: string): string =>
      text.replace(`{id: ${id}, `, `{id: ${id}, revoked: true, `)
    write(ids.reduce(revoke, before))
    await pruneKeys(file, { older: '0' })
    expect(readFileSync(file, 'utf8')).toBe(after)
  })
})
