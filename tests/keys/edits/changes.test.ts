import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { beforeEach, describe, expect, it, vi } from 'vitest'
import { createKey, pruneKeys, removeKey, revokeKey, revokeKeys } from '../../../src/keys.ts'
import { readKeyFile } from '../../../src/keys/file/read.ts'
import { entry, keysText } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'

const pathOf = setupFolder()
const NOW = Date.UTC(2026, 0, 1, 0, 0, 0, 900)
const REVOKED = '2026-01-01T00:00:00Z'

beforeEach(() => void vi.useFakeTimers({ toFake: ['Date'], now: NOW }))

function write(text: string): string {
  writeFileSync(pathOf('keys.yaml'), text)
  return pathOf('keys.yaml')
}

function idsIn(file: string): string[] {
  return readKeyFile(file).keys.map(({ id }) => id)
}

describe('createKey', () => {
  it('writes the hash of the key, in the last line', async () => {
    const file = pathOf('keys.yaml')
    const wanted = {
      principal: 'alice',
      attributes: { roles: ['admin'] },
      paths: ['/v1'],
      expiresIn: '1d',
    }
    const { key, id, ...record } = await createKey(file, wanted)
    expect(readFileSync(file, 'utf8'))
      .toBe(`# The keys of this service. The file holds the SHA-256 of each key, never the key.
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
    sha256: ${createHash('sha256').update(key).digest('hex')}
`)
    expect(record).toEqual({
      status: 'active',
      prefix: key.slice(0, 15),
      principal: 'alice',
      attributes: { roles: ['admin'] },
      paths: ['/v1'],
      created: '2026-01-01T00:00:00Z',
      expires: '2026-01-02T00:00:00Z',
    })
  })
})

describe('a file of almost 1 MiB', () => {
  const MIB = 1024 * 1024
  const ENTRY = `keys:\n  - ${entry('first')}\n`
  const sizeOf = (text: string): number => Buffer.byteLength(text)
  /** Writes a file with one key and a comment. `€` takes three bytes. */
  const writeBytes = (size: number): string => {
    const tail = '-'.repeat(size - sizeOf(`${ENTRY}# €\n`))
    const file = write(`${ENTRY}# €${tail}\n`)
    expect(statSync(file).size).toBe(size)
    return file
  }

  it('accepts a key up to 1 MiB, and stays as it was for one that makes it longer', async () => {
    const probe = writeBytes(MIB - 500)
    await createKey(probe, { principal: 'bob' })
    const growth = statSync(probe).size - (MIB - 500)
    const file = writeBytes(MIB - growth)
    await createKey(file, { principal: 'bob' })
    expect(statSync(file).size).toBe(MIB)

    writeBytes(MIB - growth + 1)
    const full = readFileSync(file, 'utf8')
    await expect(createKey(file, { principal: 'bob' })).rejects.toMatchObject({
      code: 'unwritable',
      message: `Cannot add a key to ${file}: the file would be longer than ${MIB} bytes. Move the keys into a database: "with-auth keys import FILE --keys keys.db"`,
    })
    expect(readFileSync(file, 'utf8')).toBe(full)
    expect(readdirSync(pathOf('.'))).toEqual(['keys.yaml'])
  })

  it.each([MIB - 10, MIB, MIB + 10_000])('lets a key be revoked at %i bytes', async (size) => {
    const file = writeBytes(size)
    await revokeKey(file, 'first')
    expect(readKeyFile(file).keys).toMatchObject([{ revoked: REVOKED }])
    const failing = createKey(file, { principal: 'bob' })
    await expect(failing).rejects.toMatchObject({ code: 'unwritable' })
    await removeKey(file, 'first')
    expect(idsIn(file)).toEqual([])
  })

  it('lets the keys of a principal be revoked and pruned', async () => {
    const file = writeBytes(MIB + 10_000)
    await revokeKeys(file, { principal: 'alice' })
    expect(readKeyFile(file).keys).toMatchObject([{ revoked: REVOKED }])
    expect(await pruneKeys(file, { older: '0' })).toMatchObject([{ id: 'first' }])
    expect(idsIn(file)).toEqual([])
  })

  it('stays as it was if its new text would be longer than 2 MiB', async () => {
    const file = writeBytes(2 * MIB - 10)
    const text = readFileSync(file, 'utf8')
    await expect(revokeKey(file, 'first')).rejects.toMatchObject({
      code: 'unwritable',
      message: expect.stringMatching(
        /^Cannot change .*keys\.yaml: the file would be longer than 2097152 bytes\. Move the keys into a database/,
      ) as string,
    })
    expect(readFileSync(file, 'utf8')).toBe(text)
  })
})

describe('revokeKey', () => {
  it('finds a key by the hash in the file, also one in capitals', async () => {
    const sha256 = createHash('sha256').update('one').digest('hex')
    const upper = `{id: a, principal: p, sha256: "${sha256.toUpperCase()}"}`
    const file = write(keysText(entry('b'), upper))
    expect(await revokeKey(file, { key: 'one' })).toMatchObject({ id: 'a' })
    const state = readKeyFile(file).keys.map(({ id, revoked }) => [id, revoked])
    expect(state).toEqual([
      ['b', undefined],
      ['a', REVOKED],
    ])
    await expect(revokeKey(file, { key: 'another' })).rejects.toMatchObject({
      code: 'no_such_key',
      message: `There is no such key in ${file}`,
    })
  })
})

it('a key that is revoked already leaves its file unwritten', async () => {
  const file = write(`keys: [ ${entry('k', { revoked: true, expires: '2026-06-01' })} ]`)
  const { mtimeMs, ino } = statSync(file)
  expect(await revokeKey(file, 'k')).toMatchObject({ id: 'k', revoked: true })
  expect(statSync(file)).toMatchObject({ mtimeMs, ino })
})

describe('pruneKeys', () => {
  const KEYS = keysText(
    entry('active'),
    entry('ends-later', { expires: '2026-01-02' }),
    entry('ended-yesterday', { expires: '2025-12-31T00:00:00Z' }),
    entry('ended-in-June', { expires: '2025-06-01' }),
    entry('revoked-yesterday', { revoked: '2025-12-31', expires: '2026-06-01' }),
    entry('revoked-in-June', { revoked: '2025-06-01', expires: '2025-12-31' }),
    entry('ended-in-June-and-revoked-yesterday', { revoked: '2025-12-31', expires: '2025-06-01' }),
    entry('revoked-in-future', { revoked: '2027-01-01' }),
    entry('revoked-at-no-time', { revoked: true }),
  )
  const IN_JUNE = ['ended-in-June', 'revoked-in-June', 'ended-in-June-and-revoked-yesterday']
  const OVER = ['ended-yesterday', 'ended-in-June', 'revoked-yesterday', ...IN_JUNE.slice(1)]

  it.each([
    ['999999d', []],
    ['300d', ['revoked-at-no-time']],
    ['90d', [...IN_JUNE, 'revoked-at-no-time']],
    ['25h', [...IN_JUNE, 'revoked-at-no-time']],
    ['24h', [...OVER, 'revoked-at-no-time']],
    ['1s', [...OVER, 'revoked-at-no-time']],
    ['0', [...OVER, 'revoked-in-future', 'revoked-at-no-time']],
  ])('removes keys that were revoked or expired %s ago or earlier', async (older, ids) => {
    const file = write(KEYS)
    const all = idsIn(file)
    const planned = await pruneKeys(file, { older, dryRun: true })
    expect(readFileSync(file, 'utf8')).toBe(KEYS)
    const pruned = await pruneKeys(file, { older })
    expect(planned).toEqual(pruned)
    expect(pruned.map(({ id }) => id)).toEqual(ids)
    expect(idsIn(file)).toEqual(all.filter((id) => !ids.includes(id)))
    expect(JSON.stringify(pruned)).not.toMatch(/[\da-f]{64}/)
  })

  it('leaves a file without such keys unwritten', async () => {
    const file = write(`keys: [ ${entry('k')} ]`)
    const { mtimeMs, ino } = statSync(file)
    expect(await pruneKeys(file, { older: '1d' })).toEqual([])
    expect(statSync(file)).toMatchObject({ mtimeMs, ino })
  })

  it.each([
    [{ older: 'soon' }, 'options.older', '0, or a whole number above 0'],
    [{ older: 90 }, 'options.older', 'received 90'],
  ])('rejects %j', async (options, option, message) => {
    const file = write(KEYS)
    const error = { option, message: expect.stringContaining(message) as string }
    await expect(pruneKeys(file, options as never)).rejects.toMatchObject(error)
    expect(readFileSync(file, 'utf8')).toBe(KEYS)
  })
})
