import { writeFileSync } from 'node:fs'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { exportKeys, importKeys, listKeys } from '../../../src/keys.ts'
import { textOf } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyStore, StoredKey } from '../../../src/keys.ts'

/** More keys than a file of keys may hold. They are exported and imported all the same. */

const TEXT = '- # "\n  - id: x'
const KEYS: readonly StoredKey[] = Array.from({ length: 1200 }, (_, index) => ({
  id: `key-${String(index).padStart(4, '0')}`,
  principal: `user ${index}`,
  attributes: { about: [TEXT, TEXT.repeat(150)] },
  ...(index === 7 ? { revoked: '2026-01-01T00:00:00Z' } : {}),
  sha256: index.toString(16).padStart(64, '0'),
}))

const pathOf = setupFolder()
const list = vi.fn<KeyStore['list']>(({ after = '', limit }) =>
  KEYS.filter(({ id }) => id > after).slice(0, limit),
)
const insertAll = vi.fn<KeyStore['insertAll']>(() => ({ imported: 0, present: 0 }))
const nothing = () => undefined
const STORE: KeyStore = {
  find: nothing,
  get: nothing,
  insert: nothing,
  insertAll,
  update: nothing,
  remove: nothing,
  prune: () => [],
  list,
  close: nothing,
}

let text: string
beforeAll(async () => {
  text = await textOf(exportKeys(STORE))
})

function write(content: string): string {
  writeFileSync(pathOf('long.yaml'), content)
  return pathOf('long.yaml')
}

it('an export has no limit, and asks for the next page when the last one was taken', async () => {
  expect(Buffer.byteLength(text)).toBeGreaterThan(2 * 1024 * 1024)
  expect(text.match(/^keys:/gm)).toHaveLength(1)
  list.mockClear()
  for await (const piece of exportKeys(STORE)) {
    expect(piece).toMatch(/^# .*\nkeys:\n {2}- id: key-0000\n/)
    break
  }
  expect(list).toHaveBeenCalledOnce()
})

it('an import reads a short list in one line', async () => {
  const [key] = KEYS
  await importKeys(write(`keys: [{ id: a, principal: alice, sha256: '${key?.sha256}' }]`), STORE)
  expect(insertAll).toHaveBeenLastCalledWith([expect.objectContaining({ id: 'a' })])
})

it('an import reads such an export with every key as it was', async () => {
  const { retired } = await importKeys(write(text), STORE)
  expect(insertAll).toHaveBeenLastCalledWith(KEYS)
  expect(retired).toMatchObject([{ id: 'key-0007' }])
})

it.each([
  ['comments, blank lines and the line ends of Windows', text0().replaceAll('\n', '\r\n')],
  ['another indentation', text0().replaceAll('\n  ', '\n')],
])('an import reads a long file with %s', async (_what, content) => {
  await importKeys(write(content), STORE)
  const [keys = []] = insertAll.mock.lastCall ?? []
  expect(keys).toHaveLength(600)
  expect(keys.at(-1)).toMatchObject({ id: 'k-599', principal: 'alice' })
})

/** A long file that a person wrote. */
function text0(): string {
  const entries = Array.from({ length: 600 }, (_, index) => {
    const sha256 = index.toString(16).padStart(64, '0')
    return `  - id: k-${index} # ${'one '.repeat(1000)}\n\n    principal: alice\n    sha256: "${sha256}"\n`
  })
  return `# Ours\n\nkeys: # All\n\n  # First\n${entries.join('')}`
}

describe('a long file that is wrong', () => {
  const last = KEYS.at(-1)
  const add = (fields: object): string =>
    `${text}  - ${JSON.stringify({ ...last, attributes: {}, ...fields })}\n`
  const lines = () => text.split('\n').length

  it.each<[string, () => string, () => string]>([
    [
      'twice the same id',
      () => add({ id: 'key-0000', sha256: 'f'.repeat(64) }),
      () => `:${lines()}:5: Two keys have the id "key-0000"`,
    ],
    [
      'twice the same hash',
      () => add({ id: 'new', sha256: '0'.repeat(64) }),
      () => `:${lines()}:5: The key "new" has the "sha256" of another key`,
    ],
    [
      'a wrong field',
      () => add({ id: 'new', sha256: 'f'.repeat(64), expires: 'soon' }),
      () => '"expires" must be a time such as 2026-12-31T00:00:00Z',
    ],
    ['another list', () => `${text}more: []\n`, () => 'Unknown name "more": expected "keys"'],
    ['a second document', () => `${text}---\nkeys: []\n`, () => 'A second document begins here'],
    [
      'no list of blocks',
      () => JSON.stringify({ keys: KEYS }),
      () =>
        ' is longer than 2097152 bytes: it must be a list as "with-auth keys export" prints it, with "keys:" in a line of its own',
    ],
  ])('is not imported at all: %s', async (_what, content, message) => {
    insertAll.mockClear()
    const file = write(content())
    const importing = importKeys(file, STORE)
    await expect(importing).rejects.toMatchObject({ name: 'KeyFileError', code: 'malformed' })
    await expect(importing).rejects.toThrow(message())
    await expect(importing).rejects.toThrow(file)
    expect(insertAll).not.toHaveBeenCalled()
  })
})

it('everything else says how to move the keys of such a file', async () => {
  const file = write(text)
  await expect(listKeys(file)).rejects.toThrow(
    `Cannot read ${file}: it is longer than 2097152 bytes. Move the keys into a database: "with-auth keys import FILE --keys keys.db"`,
  )
})

it.each<[string, (file: string) => string | KeyStore]>([
  ['file', (file) => file],
  ['store', () => ({ ...STORE, list: () => [] })],
])('an empty %s is exported as a file without keys', async (_what, place) => {
  const exported = await textOf(exportKeys(place(write('keys:\n'))))
  expect(exported).toMatch(/^# The keys of this service\..*\nkeys: \[\]\n$/)
})
