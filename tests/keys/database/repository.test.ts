import { writeFileSync } from 'node:fs'
import { describe, expect, it, vi } from 'vitest'
import {
  exportKeys,
  importKeys,
  KeyFileError,
  listKeys,
  removeKey,
  reportKeys,
  revokeKey,
  revokeKeys,
  rotateKey,
} from '../../../src/keys.ts'
import { textOf } from '../../support/key-questions.ts'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyStore, StoredKey } from '../../../src/keys.ts'

/** A store that anyone may have written must never make a change look done, or tell a key. */

const SHA = 'a'.repeat(64)
const KEY: StoredKey = { id: 'a', principal: 'alice', attributes: {}, sha256: SHA }
const LIKE_A_KEY = `withauth_${'k'.repeat(43)}`
const pathOf = setupFolder()

/** A store of one key, with methods of its own. */
function storeOf(methods: Partial<KeyStore> = {}): KeyStore {
  return {
    find: () => KEY,
    get: () => KEY,
    insert: () => undefined,
    insertAll: (keys) => ({ imported: keys.length, present: 0 }),
    update: (_id, changes) => ({ ...KEY, revoked: changes.revoked ?? '2026-01-01T00:00:00Z' }),
    remove: () => KEY,
    prune: () => [],
    list: ({ after = '' }) => (after < 'a' ? [KEY] : []),
    close: () => undefined,
    ...methods,
  }
}

const alice = { principal: 'alice' }
const noKey = 'There is no key with this id (hidden because it may be a key) in the database'
const noPrincipal =
  'There is no key of this principal (hidden because it may be a key) in the database'

it.each<[string, Partial<KeyStore>, (store: KeyStore) => Promise<unknown>, string, string]>([
  [
    'does not revoke',
    { update: () => KEY },
    (store) => revokeKey(store, 'a'),
    'database',
    'The key store did not revoke the key',
  ],
  [
    'revokes another key',
    { update: () => ({ ...KEY, id: 'b', revoked: true }) },
    (store) => revokeKey(store, 'a'),
    'database',
    'The key store did not revoke the key',
  ],
  [
    'returns another key for an id',
    { get: () => ({ ...KEY, id: 'b' }) },
    (store) => rotateKey(store, 'a'),
    'malformed',
    'The key store returned another key than the wanted one',
  ],
  [
    'returns another key for a hash',
    {},
    (store) => revokeKey(store, { key: LIKE_A_KEY }),
    'malformed',
    'The key store returned another key than the wanted one',
  ],
  [
    'lists the same page for ever',
    { list: () => [KEY] },
    (store) => textOf(exportKeys(store)),
    'database',
    'The key store does not list its keys in the order of their ids',
  ],
  [
    'lists its keys in another order',
    {
      list: ({ after = '' }) => (after === '' ? ['a', 'c', 'b'].map((id) => ({ ...KEY, id })) : []),
    },
    (store) => textOf(exportKeys(store)),
    'database',
    'The key store does not list its keys in the order of their ids',
  ],
  [
    'gets new keys all the time',
    { update: (id) => ({ ...KEY, id, revoked: true }) },
    (store) => revokeKeys(store, alice),
    'locked',
    'This principal gets new keys all the time. Try again',
  ],
  [
    'is changed by another process',
    { update: () => undefined },
    (store) => rotateKey(store, 'a'),
    'locked',
    'The key a was changed by another process. Try again',
  ],
  [
    'puts another key in place of the rotated one',
    { update: () => ({ ...KEY, sha256: 'b'.repeat(64) }) },
    (store) => rotateKey(store, 'a'),
    'locked',
    'The key a was changed by another process. Try again',
  ],
])('reports a store that %s', async (_what, methods, change, code, message) => {
  await expect(change(storeOf(methods))).rejects.toMatchObject({ code, message, problems: [] })
})

// Databases write statements with their values into logs.
describe('no key in place of a name', () => {
  const byId = [LIKE_A_KEY, `${LIKE_A_KEY}x`, 'an id', ''].flatMap((id) => [
    ['an id to revoke', (store: KeyStore) => revokeKey(store, id), noKey] as const,
    ['an id to rotate', (store: KeyStore) => rotateKey(store, id), noKey] as const,
    ['an id to remove', (store: KeyStore) => removeKey(store, id), noKey] as const,
  ])
  it.each<readonly [string, (store: KeyStore) => Promise<unknown>, string]>([
    ...byId,
    ['a place in a list', (store) => listKeys(store, { after: LIKE_A_KEY }), noKey],
    ['a principal', (store) => listKeys(store, { principal: LIKE_A_KEY }), noPrincipal],
    ['a principal to revoke', (store) => revokeKeys(store, { principal: LIKE_A_KEY }), noPrincipal],
  ])('reaches the store as %s', async (_what, call, message) => {
    const used = vi.fn()
    const store = storeOf({ get: used, update: used, remove: used, list: used, revokeAll: used })
    await expect(call(store)).rejects.toMatchObject({ code: 'no_such_key', message })
    expect(used).not.toHaveBeenCalled()
  })
})

it('a rotation that another process has overtaken undoes nothing of it', async () => {
  const update = vi.fn(() => undefined)
  await expect(rotateKey(storeOf({ update }), 'a')).rejects.toMatchObject({ code: 'locked' })
  expect(update).toHaveBeenCalledOnce()
})

it('lists keys without their use for a store that counts none', async () => {
  const { keys, useError } = await reportKeys(storeOf({ list: () => [KEY] }))
  expect(keys).toMatchObject([{ id: 'a', attention: [] }])
  expect(keys[0]).not.toHaveProperty('checks')
  expect(useError).toBeUndefined()
})

it('leaves out entries that do not describe the use of a key', async () => {
  const readUse = () => [null as never]
  const { keys } = await reportKeys(storeOf({ list: () => [KEY], readUse }))
  expect(keys).toMatchObject([{ id: 'a', checks: { last30Days: 0 } }])
})

it('passes on an error of a store that is not a KeyFileError', async () => {
  const readUse = () => Promise.reject(new TypeError('a fault'))
  await expect(reportKeys(storeOf({ list: () => [KEY], readUse }))).rejects.toThrow('a fault')
})

it('revokes in ten passes, and asks for the keys of the principal alone', async () => {
  const update = vi.fn<KeyStore['update']>((id) => ({ ...KEY, id, revoked: true }))
  const list = vi.fn<KeyStore['list']>(({ after = '' }) => (after < 'a' ? [KEY] : []))
  await expect(revokeKeys(storeOf({ update, list }), alice)).rejects.toMatchObject({
    code: 'locked',
  })
  expect(update).toHaveBeenCalledTimes(10)
  expect(list).toHaveBeenCalledWith({ after: '', limit: 1000, ...alice })
})

it('removes the new key if a rotation fails, and reports the first failure', async () => {
  const remove = vi.fn((): never => {
    throw new TypeError('the removal failed')
  })
  const failing = storeOf({ update: () => Promise.reject(new TypeError('the update failed')) })
  await expect(rotateKey({ ...failing, remove }, 'a')).rejects.toThrow('the update failed')
  expect(remove).toHaveBeenCalledExactlyOnceWith(expect.stringMatching(/^key_/))
})

describe('revokes all keys of a principal', () => {
  const keys = ['a', 'b', 'c', 'd', 'e'].map((id) => ({ ...KEY, id }))
  const storeOfAll = (methods: Partial<KeyStore> = {}): KeyStore => {
    const revoked = new Set<string>()
    return storeOf({
      update: (id) => {
        revoked.add(id)
        return { ...KEY, id, revoked: true }
      },
      list: ({ after = '' }) =>
        [...keys, { ...KEY, id: 'f', principal: 'bob' }]
          .filter(({ id }) => id > after)
          .slice(0, 2)
          .map((key) => (revoked.has(key.id) ? { ...key, revoked: true as const } : key)),
      ...methods,
    })
  }

  it('in a store that returns short pages, and keys of others', async () => {
    const ended = await revokeKeys(storeOfAll(), alice)
    expect(ended.map(({ id, status }) => [id, status])).toEqual(
      keys.map(({ id }) => [id, 'revoked']),
    )
  })

  it('except those that fail, of which it reports the first', async () => {
    const update = vi.fn<KeyStore['update']>((id) => {
      if (id === 'a') throw new TypeError('an invalid row')
      return { ...KEY, id, revoked: true }
    })
    await expect(revokeKeys(storeOfAll({ update }), alice)).rejects.toThrow('an invalid row')
    expect(update.mock.calls.map(([id]) => id)).toEqual(keys.map(({ id }) => id))
  })
})

it('says that all keys of a principal are revoked, if they cannot be listed then', async () => {
  const cause = new KeyFileError('malformed', 'The row of the key a is invalid')
  const list = (): never => {
    throw cause
  }
  const failing = revokeKeys(storeOf({ list, revokeAll: () => undefined }), alice)
  await expect(failing).rejects.toMatchObject({
    code: 'malformed',
    message: 'All keys of this principal are revoked, but: The row of the key a is invalid',
    problems: [],
    cause,
  })
  await expect(revokeKeys(storeOf({ list }), alice)).rejects.toBe(cause)
})

it('lists a hundred keys unless told otherwise, and those of a principal alone', async () => {
  const list = vi.fn(() => [KEY])
  await listKeys(storeOf({ list }))
  await listKeys(storeOf({ list }), { after: 'a', limit: 5, ...alice })
  expect(list.mock.calls).toStrictEqual([[{ limit: 100 }], [{ after: 'a', limit: 5, ...alice }]])
})

it('exports a store as the text of a file, and imports that with what ends keys', async () => {
  const keys = [KEY, { ...KEY, id: 'b', sha256: 'b'.repeat(64), revoked: '2026-01-01T00:00:00Z' }]
  const list = vi.fn<KeyStore['list']>(({ after = '' }) => keys.filter(({ id }) => id > after))
  const text = await textOf(exportKeys(storeOf({ list })))
  expect(list.mock.calls[0]).toStrictEqual([{ after: '', limit: 1000 }])
  const file = pathOf('keys.yaml')
  writeFileSync(file, text)
  expect(await textOf(exportKeys(file))).toBe(text)
  const insertAll = vi.fn(() => ({ imported: 1, present: 1 }))
  const result = await importKeys(file, storeOf({ insertAll }))
  expect(result).toMatchObject({ imported: 1, present: 1, retired: [{ sha256: 'b'.repeat(64) }] })
  expect(result.retired).toHaveLength(1)
  expect(insertAll).toHaveBeenCalledExactlyOnceWith(keys)
})
