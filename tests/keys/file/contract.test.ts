import { writeFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import * as api from '../../../src/keys.ts'
import { repositoryOf } from '../../../src/keys/edits/place.ts'
import { KEY_TESTS } from '../database/key-store-contract.js'
import { setupFolder } from '../../support/temporary-folder.ts'
import type { KeyStore } from '../../../src/keys.ts'

type KeyTest = (store: KeyStore, functions: typeof api, place: string) => Promise<void>

const inFolder = setupFolder()

/** The keys of a file, read and changed one by one, as those of a store are. */
function storeIn(file: string): KeyStore {
  const { read, edit } = repositoryOf(file)
  return {
    find: async (sha256) => read().find(sha256),
    get: async (id) => read().get(id),
    list: async (page) => read().list(page),
    insert: (key) => edit('create', (keys) => keys.insert(key)),
    insertAll: (added) =>
      edit('create', (keys) => {
        for (const key of added) void keys.insert(key)
        return { imported: added.length, present: 0 }
      }),
    update: (id, changes) => edit('change', (keys) => keys.update(id, changes)),
    remove: (id) => edit('change', (keys) => keys.remove(id)),
    prune: (before) => edit('change', (keys) => keys.prune(before, Date.now())),
    close: () => undefined,
  }
}

it.each(KEY_TESTS as [string, KeyTest][])('a file %s', async (_title, test) => {
  const file = inFolder('keys.yaml')
  writeFileSync(file, '# The keys.\nkeys: []\n')
  await expect(test(storeIn(file), api, file)).resolves.toBeUndefined()
})
