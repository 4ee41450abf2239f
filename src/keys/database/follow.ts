import { within } from '../../core/async.ts'
import { reasonOf } from '../../files/system.ts'
import { KeyFileError, observeOnce } from '../error.ts'
import { requireStoredKey } from './row.ts'
import type { StoredKey } from '../record.ts'
import type { KeyStore } from './store.ts'

const FIND_MS = 1000

/**
 * Returns a function that asks a store for a key. It rejects if the store fails, if it takes longer than one second, and if what it
 * returns is not the key with this hash.
 *
 * @param onError Called once for each problem.
 */
export function followStore(
  store: Pick<KeyStore, 'find'>,
  onError: (error: KeyFileError) => unknown,
): (sha256: string) => Promise<StoredKey | undefined> {
  const observe = observeOnce(onError)
  return async (sha256) => {
    try {
      const key = await find(store, sha256)
      observe()
      return key
    } catch (error) {
      observe(asKeyFileError(error))
      throw error
    }
  }
}

async function find(store: Pick<KeyStore, 'find'>, sha256: string): Promise<StoredKey | undefined> {
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

function asKeyFileError(cause: unknown): KeyFileError {
  if (cause instanceof KeyFileError) return cause
  // The message of another error may hold a value.
  return new KeyFileError('database', `The key store failed: ${reasonOf(cause)}`, [], { cause })
}
