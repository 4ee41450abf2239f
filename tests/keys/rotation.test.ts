import { createHash } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { markRevoked } from '../../src/keys/changes.ts'
import { readKeyFile } from '../../src/keys/file/edit.ts'
import { replaceKey } from '../../src/keys/rotation.ts'
import { entry, keysText } from '../support/key-questions.ts'
import { setupFolder } from '../support/temporary-folder.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 900)
const DAY = 86_400_000
const SHA = '0a'.repeat(32)

const COMMENTED = `# Who may come in.
keys:
  # Alice's laptop.
  - id: a # her first
    principal: alice
    attributes: { roles: [admin, ops] } # all of them
    paths: [/v1]
    created: 2025-12-01
    expires: "2027-12-01" # in two years
    sha256: ${SHA} # not the key
  # The last.
`

function writeKey(fields: object = {}): string {
  const file = pathOf('keys.yaml')
  writeFileSync(file, keysText(entry('a', fields)))
  return file
}

function endsIn(file: string): Record<string, string | undefined> {
  return Object.fromEntries(readKeyFile(file).keys.map(({ id, expires }) => [id, expires]))
}

describe('a key that is rotated', () => {
  it('has a new one with its rights behind it, and ends when the overlap does', async () => {
    const file = pathOf('keys.yaml')
    writeFileSync(file, COMMENTED)
    const { key, id, replaces, undo, ...told } = await replaceKey(file, 'a', {}, NOW)
    const prefix = key.slice(0, 15)
    expect(readFileSync(file, 'utf8')).toBe(
      COMMENTED.replace('attributes: { roles: [admin, ops] }', 'attributes: {roles: [admin, ops]}')
        .replace('"2027-12-01"', '"2026-01-02T00:00:00Z"')
        .replace(`    sha256: ${SHA}`, `    successor: ${id}\n    sha256: ${SHA}`)
        .replace(
          '  # The last.\n',
          `  - id: ${id}
    prefix: ${prefix}
    principal: alice
    attributes:
      roles:
        - admin
        - ops
    paths:
      - /v1
    created: 2026-01-01T00:00:00Z
    expires: 2028-01-01T00:00:00Z
    sha256: ${createHash('sha256').update(key).digest('hex')}
  # The last.\n`,
        ),
    )
    const rights = { principal: 'alice', attributes: { roles: ['admin', 'ops'] }, paths: ['/v1'] }
    const [created, expires] = ['2026-01-01T00:00:00Z', '2028-01-01T00:00:00Z']
    expect(told).toEqual({ status: 'active', prefix, ...rights, created, expires })
    expect(replaces).toEqual({
      id: 'a',
      status: 'active',
      ...rights,
      created: '2025-12-01',
      expires: '2026-01-02T00:00:00Z',
      successor: id,
    })
    expect(undo).toBeTypeOf('function')
  })

  it.each([
    [{}, '2026-01-02T00:00:00Z', 'active'],
    [{ overlap: '15m' }, '2026-01-01T00:15:00Z', 'active'],
    [{ overlap: '0' }, '2026-01-01T00:00:00Z', 'expired'],
    [{ overlap: '90d' }, '2026-04-01T00:00:00Z', 'active'],
  ])('without an end gets one, with %j', async (options, expires, status) => {
    const file = writeKey()
    const { id, replaces } = await replaceKey(file, 'a', options, NOW)
    expect(endsIn(file)).toEqual({ a: expires, [id]: undefined })
    expect(replaces).toMatchObject({ id: 'a', expires, status })
  })

  it('keeps an end that comes before the overlap is over', async () => {
    const expires = '2026-01-01T05:00:00+01:00'
    const file = writeKey({ expires })
    const { replaces } = await replaceKey(file, 'a', {}, NOW)
    expect(replaces.expires).toBe(expires)
    expect(endsIn(file)).toMatchObject({ a: expires })
  })
})

describe('the end of the new key', () => {
  it.each([
    ['no end as the old one', {}, {}, undefined],
    [
      'as long a life as the old one',
      { created: '2025-12-31T12:00:00Z', expires: '2026-03-31T12:00:00Z' },
      {},
      '2026-04-01T00:00:00Z',
    ],
    ['the same end without "created"', { expires: '2026-05-01' }, {}, '2026-05-01T00:00:00Z'],
    [
      'the same end with a "created" behind it',
      { created: '2027-01-01', expires: '2026-05-01' },
      {},
      '2026-05-01T00:00:00Z',
    ],
    [
      'the last time that can be written',
      { created: '0001-01-01', expires: '9999-01-01' },
      {},
      '9999-12-31T23:59:59Z',
    ],
    [
      'what expiresIn says',
      { expires: '2026-05-01' },
      { expiresIn: '30d' },
      '2026-01-31T00:00:00Z',
    ],
    [
      'what expiresIn says where the old one has none',
      {},
      { expiresIn: '1d' },
      '2026-01-02T00:00:00Z',
    ],
    ['what expiresAt says', {}, { expiresAt: '2026-07-01' }, '2026-07-01T00:00:00Z'],
  ])('is %s', async (_, fields, options, expires) => {
    const file = writeKey(fields)
    const { id } = await replaceKey(file, 'a', options, NOW)
    expect(endsIn(file)[id]).toBe(expires)
  })
})

describe('a key is not rotated', () => {
  it.each([
    [{ overlap: 'soon' }, 'options.overlap', '0, or a whole number above 0 with s, m, h, d or w'],
    [{ overlap: '0h' }, 'options.overlap', 'received "0h"'],
    [{ overlap: 0 }, 'options.overlap', 'received 0'],
    [{ overlap: 'withauth_'.repeat(6) }, 'options.overlap', '(its value is not shown)'],
    [{ overlap: '999999w' }, 'options.overlap', 'before the year 10000'],
    [{ overlap: undefined }, 'options.overlap', 'is a variable not set?'],
    [{ overlaps: '1h' }, 'options.overlaps', 'did you mean "overlap"?'],
    [{ expiresIn: 'soon' }, 'options.expiresIn', 'received "soon"'],
    [{ expiresAt: '2025-01-01' }, 'options.expiresAt', 'in the future'],
    [
      { expiresIn: '1d', expiresAt: '2027-01-01' },
      'options.expiresIn',
      'must be left out beside "options.expiresAt"',
    ],
    ['1h', 'options', '"options" must be an object'],
  ])('with %j', async (options, option, message) => {
    const file = writeKey()
    const text = readFileSync(file, 'utf8')
    await expect(replaceKey(file, 'a', options, NOW)).rejects.toMatchObject({
      option,
      message: expect.stringContaining(message) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it.each([
    ['revoked', { revoked: '2025-06-01' }],
    ['revoked', { revoked: true, expires: '2025-06-01' }],
    ['expired', { expires: '2026-01-01' }],
  ])('that is %s', async (status, fields) => {
    const file = writeKey(fields)
    const text = readFileSync(file, 'utf8')
    await expect(replaceKey(file, 'a', {}, NOW)).rejects.toMatchObject({
      code: 'not_active',
      message: `Cannot rotate: the key a in ${file} is ${status}. Make a new key instead`,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('that is not there, and its id is not shown', async () => {
    const file = writeKey()
    await expect(replaceKey(file, 'withauth_secret', {}, NOW)).rejects.toMatchObject({
      code: 'no_such_key',
      message: `There is no key with this id in ${file} (the id is not shown, since it may be a key)`,
    })
    const none = pathOf('none.yaml')
    await expect(replaceKey(none, 'a', {}, NOW)).rejects.toMatchObject({ code: 'not_found' })
  })

  it.each([
    ['without an end', {}, {}],
    ['with an end', { created: '2025-12-01', expires: '2026-12-01' }, {}],
    ['whose end comes before the overlap is over', { expires: '2026-01-01T05:00:00Z' }, {}],
    ['again without an overlap', {}, { overlap: '1h' }],
  ])('that was rotated already, %s: its lifetime is unknown', async (_, fields, options) => {
    const file = writeKey(fields)
    const { id } = await replaceKey(file, 'a', {}, NOW)
    const text = readFileSync(file, 'utf8')
    await expect(replaceKey(file, 'a', options, NOW)).rejects.toMatchObject({
      option: 'options.expiresIn',
      message: `"options.expiresIn" must be given, or "options.expiresAt": the key a was replaced by ${id} already, so the file does not tell how long another key shall last`,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)

    const again = await replaceKey(file, 'a', { expiresIn: '90d' }, NOW)
    expect(again).toMatchObject({ expires: '2026-04-01T00:00:00Z', replaces: { id: 'a' } })
    expect(readKeyFile(file).keys[0]?.successor).toBe(again.id)
    await again.undo()
    expect(readFileSync(file, 'utf8')).toBe(text)
  })

  it('in a file that has no room for another', async () => {
    const file = writeKey()
    const text = `${readFileSync(file, 'utf8')}# ${'-'.repeat(1024 * 1024 - 200)}\n`
    writeFileSync(file, text)
    await expect(replaceKey(file, 'a', {}, NOW)).rejects.toMatchObject({
      code: 'unwritable',
      message: expect.stringMatching(
        /^Cannot add a key to .* Remove revoked and expired/,
      ) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('a rotation that is undone', () => {
  it.each([
    ['a key without an end', COMMENTED.replace(/ +expires.*\n/, '')],
    ['a key with a later end', COMMENTED],
    ['a key with an earlier end', COMMENTED.replace('"2027-12-01"', '"2026-01-01T07:00:00Z"')],
  ])('leaves the file as it was: %s', async (_, text) => {
    const file = pathOf('keys.yaml')
    const before = text.replace('{ roles: [admin, ops] }', '{roles: [admin, ops]}')
    writeFileSync(file, before)
    const { undo } = await replaceKey(file, 'a', {}, NOW)
    expect(readFileSync(file, 'utf8')).not.toBe(before)
    await undo()
    expect(readFileSync(file, 'utf8')).toBe(before)
  })

  it('keeps a revocation that came after the rotation', async () => {
    const file = writeKey({ expires: '2027-01-01' })
    const { undo } = await replaceKey(file, 'a', {}, NOW)
    await markRevoked(file, { id: 'a' }, NOW)
    await undo()
    expect(readKeyFile(file).keys).toMatchObject([
      { id: 'a', expires: '2027-01-01', revoked: '2026-01-01T00:00:00Z' },
    ])
  })

  it('keeps the end and the successor of a later rotation', async () => {
    const file = writeKey()
    const first = await replaceKey(file, 'a', {}, NOW)
    const second = await replaceKey(file, 'a', { expiresIn: '1d' }, NOW)
    await first.undo()
    expect(readKeyFile(file).keys.map(({ id, successor }) => [id, successor])).toEqual([
      ['a', second.id],
      [second.id, undefined],
    ])
    expect(endsIn(file)['a']).toBe('2026-01-02T00:00:00Z')
  })

  it('keeps an end that was edited after the rotation, and needs neither key', async () => {
    const file = writeKey({ expires: '2027-01-01' })
    const { undo } = await replaceKey(file, 'a', {}, NOW)
    const text = readFileSync(file, 'utf8')
    writeFileSync(file, text.replaceAll('2026-01-02T00:00:00Z', '2026-01-01T01:00:00Z'))
    await undo()
    expect(endsIn(file)).toEqual({ a: '2026-01-01T01:00:00Z' })
    expect(readFileSync(file, 'utf8')).not.toContain('successor')
    writeFileSync(file, 'keys: []\n')
    await undo()
    expect(readFileSync(file, 'utf8')).toBe('keys: []\n')
  })
})

it('a key may be rotated again and again, and each chain has two keys that work', async () => {
  const file = writeKey()
  let id = 'a'
  for (let day = 0; day < 5; day += 1) {
    const rotated = await replaceKey(file, id, { overlap: '12h' }, NOW + day * DAY)
    expect(rotated).toMatchObject({ status: 'active', replaces: { id, status: 'active' } })
    id = rotated.id
  }
  expect(Object.values(endsIn(file))).toEqual([
    '2026-01-01T12:00:00Z',
    '2026-01-02T12:00:00Z',
    '2026-01-03T12:00:00Z',
    '2026-01-04T12:00:00Z',
    '2026-01-05T12:00:00Z',
    undefined,
  ])
})
