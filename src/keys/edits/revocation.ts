import { invalidOption, invalidSecret, readOptions } from '../../core/config/option-checks.ts'
import { KeyFileError, noSuchKey } from '../error.ts'
import { isPrincipal, PRINCIPAL_FORM } from '../file/fields.ts'
import { toRetired } from '../keyring.ts'
import { repositoryOf } from './place.ts'
import { hashKey } from '../secret.ts'
import { formatTimestamp, roundDown } from '../times.ts'
import type { KeyPlace } from '../database/store.ts'
import type { RetiredKey, StoredKey } from '../record.ts'
import type { KeyRecords } from '../repository.ts'

const MAX_PASSES = 10

/** @throws AuthConfigError */
async function parseReference(
  value: unknown,
): Promise<Pick<StoredKey, 'id'> | Pick<StoredKey, 'sha256'>> {
  if (typeof value === 'string') return { id: value }
  const { key } = readOptions(value, ['key'], ['id'], 'the id of a key, or { key } with the key')
  if (typeof key === 'string' && key !== '') return { sha256: await hashKey(key) }
  throw invalidSecret(['id', 'key'], 'the key, a text')
}

/**
 * Revokes a key. An endpoint over this file or store denies it from the next question on. A cached decision lasts until its end. A
 * key that is revoked already keeps its time.
 *
 * @param id The id of the key; or `{ key }` with the key itself, such as a leaked one. Errors show neither.
 * @returns The key with its hash, by which other processes can drop their cached decisions.
 * @throws KeyFileError `no_such_key`, and as `createKey` does.
 *
 * @example
 * ```ts node
 * import { revokeKey } from 'with-auth/keys'
 *
 * const { principal, revoked } = await revokeKey('keys.yaml', 'key_i5xq2mzkd7ha')
 * console.log(`${principal} lost it at ${revoked}`)
 * ```
 */
export async function revokeKey(
  place: KeyPlace,
  id: string | { readonly key: string },
): Promise<RetiredKey> {
  const repository = repositoryOf(place)
  const wanted = await parseReference(id)
  const now = Date.now()
  const revoked = formatTimestamp(roundDown(now))
  const key = await repository.edit('change', async (keys) => {
    // By its id, a key is revoked even if its row is invalid.
    const found = 'id' in wanted ? wanted : await keys.find(wanted.sha256)
    return found && keys.update(found.id, { revoked })
  })
  if (!key) throw noSuchKey(repository.name, 'id' in wanted ? 'id' : 'sha256')
  return toRetired(key, now)
}

/**
 * Revokes all keys of a principal, as {@link revokeKey} does.
 *
 * @returns All keys of the principal, also those that were revoked before.
 * @throws KeyFileError `no_such_key` if the principal has no key, and as `createKey` does.
 *
 * @example
 * ```ts node
 * import { revokeKeys } from 'with-auth/keys'
 *
 * const revoked = await revokeKeys('keys.yaml', { principal: 'alice' })
 * console.log(`alice lost ${revoked.length} keys`)
 * ```
 */
export async function revokeKeys(
  place: KeyPlace,
  wanted: { readonly principal: string },
): Promise<readonly RetiredKey[]> {
  const repository = repositoryOf(place)
  const { principal } = readOptions(wanted, ['principal'], ['wanted'], '{ principal }')
  if (!isPrincipal(principal))
    throw invalidOption(['wanted', 'principal'], principal, PRINCIPAL_FORM)
  const now = Date.now()
  const revoked = formatTimestamp(roundDown(now))
  const ended = await repository.edit('change', (keys) => revokeAll(keys, principal, revoked))
  if (ended.length === 0) throw noSuchKey(repository.name, 'principal')
  return ended.map((key) => toRetired(key, now))
}

// A rotation of a store that is under way may add a key after the first pass. It fails once its old key is revoked, so the first
// pass that finds every key revoked is the last one.
async function revokeAll(
  keys: KeyRecords,
  principal: string,
  revoked: string,
): Promise<readonly StoredKey[]> {
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    // One statement needs no valid rows.
    await keys.revokeAll?.(principal, revoked)
    const hers = await keysOf(keys, principal)
    const working = hers.filter((key) => key.revoked === undefined)
    if (working.length === 0) return hers
    await revokeEach(keys, working, revoked)
  }
  throw new KeyFileError('locked', 'This principal gets new keys all the time. Try again')
}

async function keysOf(keys: KeyRecords, principal: string): Promise<readonly StoredKey[]> {
  const pages: (readonly StoredKey[])[] = []
  try {
    for await (const page of keys.pages(principal)) pages.push(page)
    return pages.flat()
  } catch (error) {
    if (!keys.revokeAll || !(error instanceof KeyFileError)) throw error
    const message = `All keys of this principal are revoked, but: ${error.message}`
    throw new KeyFileError(error.code, message, [], { cause: error })
  }
}

/** Revokes the other keys before it reports the first failure. */
async function revokeEach(
  keys: KeyRecords,
  working: readonly StoredKey[],
  revoked: string,
): Promise<void> {
  const failures: unknown[] = []
  for (const { id } of working) {
    try {
      await keys.update(id, { revoked })
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}
