import { within } from '../../core/async.ts'
import { KeyFileError } from '../error.ts'
import { requireStoredKey } from './row.ts'
import type { FindKey } from '../error.ts'
import type { KeyStore } from './store.ts'

const FIND_MS = 1000

/**
 * Asks a store for keys. Rejects if the store fails, if it takes longer than one second, and if what it returns is not the key with
 * this hash.
 */
export function findIn(store: Pick<KeyStore, 'find'>): FindKey {
  return async (sha256) => {
    const finding = (async () => ({ value: await store.find(sha256) }))()
    const found = await within(FIND_MS, finding)
    if (found === undefined) {
      throw new KeyFileError('database', `The key store did not answer within ${FIND_MS} ms`)
    }
    // Many clients return null for a row that is not there.
    if (found.value === undefined || found.value === null) return undefined
    const key = requireStoredKey(found.value, 'A key of the store')
    if (key.sha256 === sha256) return key
    throw new KeyFileError(
      'malformed',
      'The key store returned another key than the one with this hash',
    )
  }
}
