import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { afterEach, describe, expect, it, vi } from 'vitest'
import { addKey, dropKey, dropStopped, markRevoked } from '../../src/keys/changes.ts'
import { readKeyFile } from '../../src/keys/file/edit.ts'
import { entry, keysText } from '../support/key-questions.ts'
import { setupFolder } from '../support/temporary-folder.ts'
import type { CreatedKey } from '../../src/keys.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 900)
const SHA = '0a'.repeat(32)
const REVOKED = '2026-01-01T00:00:00Z'
const FIRST = { id: 'key_aaaaaaaaaaaa', prefix: 'withauth_aaaaaa', principal: 'bob', key: 'a' }
const LONG = `alice ${'and so on '.repeat(20)}end`

afterEach(() => vi.restoreAllMocks())

const COMMENTED = `# Who may come in.

# The list.
keys:
  # Alice's laptop.
  - id: a # her first
    principal: alice
    attributes: { roles: [admin, ops] } # all of them
    # as sha256sum prints it
    sha256: ${'0a'.repeat(32)} # not the key

  # Bob left.
  - id: b
    principal: 'bob'
    revoked: 2025-06-01 # in June
    sha256: "${'1b'.repeat(32)}"
    # Nothing about Bob.
  # The last.
# The end.
`

describe('a key that is added', () => {
  it('is written by its hash, which comes last', async () => {
    const file = pathOf('keys.yaml')
    const wanted = {
      principal: 'alice',
      attributes: { roles: ['admin'] },
      paths: ['/v1'],
      expiresIn: '1d',
    }
    const { key, id, ...told } = await addKey(file, wanted, NOW)
    expect(readFileSync(file, 'utf8'))
      .toBe(`# The keys of this service. A key itself is nowhere in here, only its SHA-256.
keys:
  - id: ${id}
    prefix: ${key.slice(0, 15)}
    principal: alice
    attributes:
      roles:
        - admin
    paths:
      - /v1
    created: 2026-01-01T00:00:00Z
    expires: 2026-01-02T00:00:00Z
    sha256: ${hashOf(key)}
`)
    expect(told).toEqual({
      status: 'active',
      prefix: key.slice(0, 15),
      principal: 'alice',
      attributes: { roles: ['admin'] },
      paths: ['/v1'],
      created: '2026-01-01T00:00:00Z',
      expires: '2026-01-02T00:00:00Z',
    })
  })

  it('is read as it was written, whatever its name looks like', async () => {
    const file = pathOf('keys.yaml')
    const names = [
      '7',
      'true',
      'null',
      '~',
      '- x',
      '# x',
      "it's",
      '"x"',
      'a: b',
      '2026-01-01',
      '*x',
      '&x',
      '!x',
      '\u2028',
      '{',
      ' x ',
      '€',
      'x'.repeat(256),
    ]
    for (const principal of names)
      await addKey(file, { principal, attributes: { [principal]: [principal] } }, NOW)
    const { keys } = readKeyFile(file)
    expect(keys.map(({ principal }) => principal)).toEqual(names)
    expect(keys.map(({ attributes }) => ({ ...attributes }))).toEqual(
      names.map((name) => ({ [name]: [name] })),
    )
  })

  it('is not written if it cannot be', async () => {
    const file = pathOf('keys.yaml')
    await expect(addKey(file, { principal: '' }, NOW)).rejects.toMatchObject({
      option: 'key.principal',
    })
    expect(() => readFileSync(file)).toThrow('ENOENT')
  })
})

describe('what a list without keys becomes', () => {
  it.each([
    ['keys:\n', 'keys:\n', ''],
    ['keys: []', 'keys:\n', ''],
    ['# a\nkeys: # b\n', '# a\nkeys:\n  # b\n\n', ''],
    ['keys:\n  # a\n  # b\n', 'keys:\n  # a\n  # b\n\n', ''],
    ['keys:\n  # a\n\n  []\n', 'keys:\n  # a\n\n', ''],
    ['keys:\n  # a\n  ~ # b\n# c\n', 'keys:\n  # a\n  # b\n\n', '\n# c\n'],
    ['keys: [] # a\n# b\n', 'keys:\n', '  # a\n\n# b\n'],
  ])('%j', async (before, head, tail) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, before)
    const created = await addKey(file, { principal: 'bob' }, NOW)
    expect(readFileSync(file, 'utf8')).toBe(`${head}${linesOf(created)}${tail}`)
  })
})

describe('a key that is added to others', () => {
  it('stands on their line, if they stand on one', async () => {
    const file = pathOf('keys.yaml')
    const first = `{id: a, principal: alice, sha256: "${SHA}"}`
    writeFileSync(file, `keys: [${first}] # all\n`)
    const { id, prefix, key } = await addKey(file, { principal: 'bob' }, NOW)
    const second = `{id: ${id}, prefix: ${prefix}, principal: bob, created: 2026-01-01T00:00:00Z, sha256: ${hashOf(key)}}`
    expect(readFileSync(file, 'utf8')).toBe(`keys: [${first}, ${second}] # all\n`)
  })

  it('stands behind them, and nothing else changes', async () => {
    const file = pathOf('keys.yaml')
    const text = `# a\n\nkeys:\n  - id: a\n    principal: ${LONG}\n    attributes: {roles: [admin, ops]}\n    sha256: ${SHA} # b\n`
    writeFileSync(file, text)
    const created = await addKey(file, { principal: 'bob' }, NOW)
    expect(readFileSync(file, 'utf8')).toBe(`${text}${linesOf(created)}`)
  })

  it('has a name of its own, whatever comes out by chance', async () => {
    const file = pathOf('keys.yaml')
    const random = crypto.getRandomValues.bind(crypto)
    const ids = [0, 0, 0, 1]
    vi.spyOn(crypto, 'getRandomValues').mockImplementation((bytes) =>
      bytes instanceof Uint8Array && bytes.length === 12
        ? bytes.fill(ids.shift() ?? 9)
        : random(bytes),
    )
    await addKey(file, { principal: 'alice' }, NOW)
    await addKey(file, { principal: 'bob' }, NOW)
    const { keys } = readKeyFile(file)
    expect(keys.map(({ id }) => id)).toEqual(['key_aaaaaaaaaaaa', 'key_bbbbbbbbbbbb'])
    expect(ids).toEqual([])
  })

  it('has each list written out, also where it is the same for two names', async () => {
    const file = pathOf('keys.yaml')
    const names = ['admin']
    await addKey(file, { principal: 'alice', attributes: { roles: names, teams: names } }, NOW)
    expect(readKeyFile(file).keys).toMatchObject([
      { attributes: { roles: ['admin'], teams: ['admin'] } },
    ])
  })
})

describe('a file of almost 1 MiB', () => {
  const MIB = 1024 * 1024
  // Three bytes of UTF-8 for one character.
  const fill = (length: number): string => `keys:\n${linesOf(FIRST)}# €${'-'.repeat(length)}\n`
  const sizeOf = (text: string): number => Buffer.byteLength(text)
  const writeAt = (file: string, size: number): string => {
    const text = fill(size - sizeOf(fill(0)))
    expect(sizeOf(text)).toBe(size)
    writeFileSync(file, text)
    return text
  }

  it('takes a key that fits, and stays as it was for one that makes it longer', async () => {
    const file = pathOf('keys.yaml')
    // A blank line separates the new key from the comment that follows it.
    const growth = sizeOf(linesOf(FIRST)) + 1
    writeAt(file, MIB - growth)
    await addKey(file, { principal: 'bob' }, NOW)
    expect(readKeyFile(file).keys).toHaveLength(2)
    expect(statSync(file).size).toBe(MIB)

    const full = writeAt(file, MIB - growth + 1)
    await expect(addKey(file, { principal: 'bob' }, NOW)).rejects.toMatchObject({
      code: 'unwritable',
      message: `Cannot add a key to ${file}: the file would be longer than ${MIB} bytes. Remove revoked and expired keys ("with-auth keys prune --keys FILE --older 0"), or split it into two files, each with an endpoint of its own`,
    })
    expect(readFileSync(file, 'utf8')).toBe(full)
    expect(readdirSync(pathOf('.'))).toEqual(['keys.yaml'])
  })

  it.each([MIB - 10, MIB, MIB + 10_000])('lets a key be revoked at %i bytes', async (size) => {
    const file = pathOf('keys.yaml')
    writeAt(file, size)
    await markRevoked(file, { id: FIRST.id }, NOW)
    expect(readKeyFile(file).keys).toMatchObject([{ revoked: '2026-01-01T00:00:00Z' }])
    const text = readFileSync(file, 'utf8')
    await expect(addKey(file, { principal: 'bob' }, NOW)).rejects.toMatchObject({
      code: 'unwritable',
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('is left as it was where its new text could not be read again', async () => {
    const file = pathOf('keys.yaml')
    const text = writeAt(file, 2 * MIB - 10)
    await expect(markRevoked(file, { id: FIRST.id }, NOW)).rejects.toMatchObject({
      code: 'unwritable',
      message: expect.stringMatching(
        /^Cannot change .*keys\.yaml: the file would be longer than 2097152 bytes\. Remove/,
      ) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('has room to revoke every key: the shortest entry at most doubles', async () => {
    const file = pathOf('keys.yaml')
    const ids = Array.from('abcdef')
    const short = (id: string): string =>
      `- id: ${id}\n  principal: a\n  sha256: ${id.repeat(64)}\n`
    const before = `keys:\n${ids.map(short).join('')}`
    writeFileSync(file, before)
    for (const id of ids) await markRevoked(file, { id }, NOW)
    expect(readKeyFile(file).keys.every((key) => key.revoked === REVOKED)).toBe(true)
    expect(statSync(file).size).toBeLessThan(2 * sizeOf(before))
  })
})

describe('comments', () => {
  it('stay when a key is added', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    const { id } = await addKey(file, { principal: 'carol' }, NOW)
    const text = readFileSync(file, 'utf8')
    expect(commentsOf(text)).toEqual(commentsOf(COMMENTED))
    expect(readKeyFile(file).keys.map((key) => key.id)).toEqual(['a', 'b', id])
  })

  it('and everything else stay when a key is revoked', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    await markRevoked(file, { id: 'a' }, NOW)
    const lines = COMMENTED.split('\n')
    const place = lines.findIndex((line) => line.includes('sha256:'))
    const text = readFileSync(file, 'utf8')
    expect(commentsOf(text)).toEqual(commentsOf(COMMENTED))
    const added = text.split('\n').filter((line) => !lines.includes(line) && /revoked/.test(line))
    expect(added).toEqual(['    revoked: 2026-01-01T00:00:00Z'])
    expect(place).toBeGreaterThan(0)
  })

  it('stay after many changes', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    for (let times = 0; times < 10; times += 1) {
      const { id } = await addKey(file, { principal: 'carol' }, NOW)
      await markRevoked(file, { id }, NOW)
    }
    expect(commentsOf(readFileSync(file, 'utf8'))).toEqual(commentsOf(COMMENTED))
    expect(readKeyFile(file).keys).toHaveLength(12)
  })
})

describe('a key that is revoked', () => {
  it('has the time of it, and keeps the first', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    expect(await markRevoked(file, { id: 'a' }, NOW)).toMatchObject({
      id: 'a',
      status: 'revoked',
      revoked: '2026-01-01T00:00:00Z',
    })
    expect(await markRevoked(file, { id: 'a' }, NOW + 5000)).toMatchObject({
      revoked: '2026-01-01T00:00:00Z',
    })
    expect(await markRevoked(file, { id: 'b' }, NOW)).toMatchObject({ revoked: '2025-06-01' })
  })

  it('may be written on one line', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, `keys: [{id: a, principal: alice, sha256: "${'0a'.repeat(32)}"}]`)
    await markRevoked(file, { id: 'a' }, NOW)
    expect(readKeyFile(file).keys).toMatchObject([{ id: 'a', revoked: '2026-01-01T00:00:00Z' }])
  })

  it('says so before its hash, wherever that is, and nothing else changes', async () => {
    const file = pathOf('keys.yaml')
    const head = `# a\n\nkeys:\n  - principal: ${LONG}\n    attributes: {roles: [admin, ops]}\n`
    const tail = `    sha256: ${SHA} # b\n    # c\n    id: a\n\n    prefix: "x" # d\n\n# e\n`
    writeFileSync(file, `${head}${tail}`)
    await markRevoked(file, { id: 'a' }, NOW)
    expect(readFileSync(file, 'utf8')).toBe(`${head}    revoked: 2026-01-01T00:00:00Z\n${tail}`)
  })

  it('is in a file: none is made for it', async () => {
    const file = pathOf('keys.yaml')
    await expect(markRevoked(file, { id: 'a' }, NOW)).rejects.toMatchObject({
      code: 'not_found',
      message: `There is no file ${file}`,
    })
    expect(existsSync(file)).toBe(false)
  })

  it.each(['nobody', '', '__proto__', 'withauth_secret'])(
    'must be there, and its id is not shown: %j',
    async (id) => {
      const file = pathOf('keys.yaml')
      writeFileSync(file, COMMENTED)
      await expect(markRevoked(file, { id }, NOW)).rejects.toMatchObject({
        code: 'no_such_key',
        message: `There is no key with this id in ${file} (the id is not shown, since it may be a key)`,
      })
      expect(readFileSync(file, 'utf8')).toBe(COMMENTED)
    },
  )

  it('is found by itself, however its hash is written', async () => {
    const file = pathOf('keys.yaml')
    const [a, b] = [hashOf('key a').toUpperCase(), hashOf('key b')]
    const entryOf = (id: string, sha256: string): string =>
      `  - { id: ${id}, principal: p, sha256: "${sha256}" }\n`
    writeFileSync(file, `keys:\n${entryOf('b', b)}${entryOf('a', a)}`)
    expect(await markRevoked(file, { key: 'key a' }, NOW)).toMatchObject({ id: 'a' })
    expect(readKeyFile(file).keys.map(({ id, revoked }) => [id, revoked])).toEqual([
      ['b', undefined],
      ['a', REVOKED],
    ])
    await expect(markRevoked(file, { key: 'key c' }, NOW)).rejects.toMatchObject({
      code: 'no_such_key',
      message: `The key is not in ${file} (it is not shown)`,
    })
  })
})

describe('a key that is removed', () => {
  it.each([
    ['keys: []\n', 'keys: []\n'],
    ['keys:\n', 'keys: []\n'],
    ['# a\nkeys: # b\n', '# a\nkeys:\n  # b\n  []\n'],
    [`keys:\n${linesOf(FIRST)}`, `keys:\n${linesOf(FIRST)}`],
    [`# a\nkeys:\n  # b\n${linesOf(FIRST)}\n# c\n`, `# a\nkeys:\n  # b\n${linesOf(FIRST)}\n# c\n`],
  ])('leaves what was there before it was added: %j', async (before, after) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, before)
    const { id } = await addKey(file, { principal: 'bob' }, NOW)
    await dropKey(file, id, NOW)
    expect(readFileSync(file, 'utf8')).toBe(after)
    const again = await addKey(file, { principal: 'bob' }, NOW)
    expect(readKeyFile(file).keys.at(-1)).toMatchObject({ id: again.id })
  })

  it('is the one that was named, and must be there', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    expect(await dropKey(file, 'a', NOW)).toMatchObject({ id: 'a', status: 'active' })
    expect(readKeyFile(file).keys.map(({ id }) => id)).toEqual(['b'])
    await expect(dropKey(file, 'a', NOW)).rejects.toMatchObject({
      code: 'no_such_key',
      message: `There is no key with this id in ${file} (the id is not shown, since it may be a key)`,
    })
    expect(await dropKey(file, 'b', NOW)).toMatchObject({ id: 'b', status: 'revoked' })
    expect(commentsOf(readFileSync(file, 'utf8'))).toContain('# Who may come in.')
  })

  it('may be in a file that has no room for another', async () => {
    const file = pathOf('keys.yaml')
    const tail = `# ${'-'.repeat(1024 * 1024 + 500_000)}\n`
    writeFileSync(file, `keys:\n${linesOf(FIRST)}${tail}`)
    expect(await dropKey(file, FIRST.id, NOW)).toMatchObject({ id: FIRST.id })
    expect(readKeyFile(file).keys).toEqual([])
  })
})

describe('the comment of a key that is removed', () => {
  const [A, B, C] = ['a', 'b', 'c'].map((id) => `  - ${flow(id)}\n`)
  it.each<[string, string, readonly string[], string]>([
    ['goes with the first', `keys:\n  # a\n${A}  # b\n${B}`, ['a'], `keys:\n  # b\n${B}`],
    ['goes with another', `keys:\n  # a\n${A}  # b\n${B}`, ['b'], `keys:\n  # a\n${A}`],
    ['goes with the last that is left', `keys:\n  # a\n${A}`, ['a'], 'keys: []\n'],
    [
      'goes with each',
      `keys:\n  # a\n${A}  # b\n${B}  # c\n${C}`,
      ['a', 'b'],
      `keys:\n  # c\n${C}`,
    ],
    ['goes with all', `keys:\n  # a\n${A}  # b\n${B}`, ['a', 'b'], 'keys: []\n'],
    [
      'goes, and the one above a blank line stays',
      `keys:\n  # all\n  #\n  # keys\n\n  # a\n  # too\n${A}\n  # b\n${B}`,
      ['a'],
      `keys:\n  # all\n  #\n  # keys\n\n  # b\n${B}`,
    ],
    [
      'goes, and the one above a blank line stays with no key',
      `keys:\n  # all\n\n  # a\n${A}`,
      ['a'],
      'keys:\n  # all\n  []\n',
    ],
    [
      'is none where it is about the list',
      `keys:\n  # all\n\n${A}${B}`,
      ['a'],
      `keys:\n  # all\n\n${B}`,
    ],
    ['is not the one behind "keys:"', `keys: # all\n${A}${B}`, ['a'], `keys:\n  # all\n\n${B}`],
    [
      'goes, and the one behind "keys:" stays',
      `keys: # all\n\n  # keys\n\n  # a\n${A}${B}`,
      ['a'],
      `keys:\n  # all\n\n  # keys\n\n${B}`,
    ],
    [
      'goes, and the one behind "keys:" stays with it',
      `keys: # all\n  # a\n${A}${B}`,
      ['a'],
      `keys:\n  # all\n\n${B}`,
    ],
    [
      'is not the one above a list on one line',
      `keys:\n  # all\n  [${flow('a')}, ${flow('b')}]\n`,
      ['a'],
      `keys:\n  # all\n  [${flow('b')}]\n`,
    ],
  ])('%s', async (_, before, ids, after) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, before)
    for (const id of ids) await dropKey(file, id, NOW)
    expect(readFileSync(file, 'utf8')).toBe(after)
    const revoke = (text: string, id: string): string =>
      text.replace(`{id: ${id}, `, `{id: ${id}, revoked: true, `)
    writeFileSync(file, ids.reduce(revoke, before))
    await dropStopped(file, { older: '0' }, NOW)
    expect(readFileSync(file, 'utf8')).toBe(after)
  })
})

describe('keys that are pruned', () => {
  const KEYS = keysText(
    entry('active'),
    entry('ends later', { expires: '2026-01-02' }),
    entry('ended yesterday', { expires: '2025-12-31T00:00:00Z' }),
    entry('ended in June', { expires: '2025-06-01' }),
    entry('revoked yesterday', { revoked: '2025-12-31', expires: '2026-06-01' }),
    entry('revoked in June', { revoked: '2025-06-01', expires: '2025-12-31' }),
    entry('ended in June and revoked yesterday', { revoked: '2025-12-31', expires: '2025-06-01' }),
    entry('revoked in future', { revoked: '2027-01-01' }),
    entry('revoked at no time', { revoked: true }),
  ).replaceAll(/"id":"([^"]+)"/g, (text) => text.replaceAll(' ', '-'))
  const IN_JUNE = ['ended-in-June', 'revoked-in-June', 'ended-in-June-and-revoked-yesterday']
  const OVER = [
    'ended-yesterday',
    'ended-in-June',
    'revoked-yesterday',
    'revoked-in-June',
    'ended-in-June-and-revoked-yesterday',
  ]

  it.each([
    ['999999d', []],
    ['300d', ['revoked-at-no-time']],
    ['90d', [...IN_JUNE, 'revoked-at-no-time']],
    ['25h', [...IN_JUNE, 'revoked-at-no-time']],
    ['24h', [...OVER, 'revoked-at-no-time']],
    ['1s', [...OVER, 'revoked-at-no-time']],
    ['0', [...OVER, 'revoked-in-future', 'revoked-at-no-time']],
  ])('were revoked or ended %s ago or earlier', async (older, ids) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, KEYS)
    const all = readKeyFile(file).keys.map(({ id }) => id)
    const planned = await dropStopped(file, { older, dryRun: true }, NOW)
    expect(readFileSync(file, 'utf8')).toBe(KEYS)
    const pruned = await dropStopped(file, { older }, NOW)
    expect(planned).toEqual(pruned)
    expect(pruned.map(({ id }) => id)).toEqual(ids)
    const rest = all.filter((id) => !ids.includes(id))
    expect(readKeyFile(file).keys.map(({ id }) => id)).toEqual(rest)
    expect(JSON.stringify(pruned)).not.toMatch(/[\da-f]{64}/)
  })

  it('take their comments with them, and leave those of others', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    await dropStopped(file, { older: '90d' }, NOW)
    const text = readFileSync(file, 'utf8')
    expect(readKeyFile(file).keys.map(({ id }) => id)).toEqual(['a'])
    expect(text).toContain('# her first')
    expect(text).not.toContain('# in June')
  })

  it('are none in a file that is not written then', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, `keys: [ ${entry('k')} ]`)
    const { mtimeMs, ino } = statSync(file)
    expect(await dropStopped(file, { older: '1d' }, NOW)).toEqual([])
    expect(statSync(file)).toMatchObject({ mtimeMs, ino })
  })

  it.each([
    [{ older: 'soon' }, 'options.older', '0, or a whole number above 0'],
    [{ older: 90 }, 'options.older', 'received 90'],
    [{}, 'options.older', 'received undefined'],
    [{ older: '1d', dryRun: 'no' }, 'options.dryRun', 'true or false'],
    [{ older: '1d', dry: true }, 'options.dry', 'did you mean "dryRun"?'],
    ['90d', 'options', 'an object'],
  ])('are not looked for with %j', async (options, option, message) => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, KEYS)
    await expect(dropStopped(file, options, NOW)).rejects.toMatchObject({
      option,
      message: expect.stringContaining(message) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(KEYS)
  })
})

/** How a key is written that has nothing but a principal. */
function linesOf({
  id,
  prefix,
  principal,
  key,
}: Pick<CreatedKey, 'id' | 'prefix' | 'principal' | 'key'>): string {
  const fields = [`id: ${id}`, `prefix: ${prefix}`, `principal: ${principal}`]
  const last = ['created: 2026-01-01T00:00:00Z', `sha256: ${hashOf(key)}`]
  return `  - ${[...fields, ...last].join('\n    ')}\n`
}

/** A key on one line, as it is written. */
function flow(id: string): string {
  return `{id: ${id}, principal: alice, sha256: ${hashOf(id)}}`
}

function hashOf(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

function commentsOf(text: string): string[] {
  return text.match(/#.*/g) ?? []
}
