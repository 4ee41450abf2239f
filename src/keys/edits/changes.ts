import { parse } from '../../core/config/interpreter.ts'
import { readOptions } from '../../core/config/option-checks.ts'
import { noSuchKey } from '../error.ts'
import { stopOfKey, toRecord, toRetired } from '../keyring.ts'
import { parseDurationOrZero, parseNewKey } from './new-key.ts'
import { requireId } from '../options.ts'
import { repositoryOf } from './place.ts'
import { generateId, generateKey, hashKey, visiblePrefix } from '../secret.ts'
import type { KeyPlace } from '../database/store.ts'
import type {
  CreatedKey,
  KeyRecord,
  NewKey,
  PruneOptions,
  RetiredKey,
  StoredKey,
} from '../record.ts'
import type { KeyRecords } from '../repository.ts'

/**
 * Makes a key and writes its SHA-256 into a file or a store. Only the result holds the key. Creates a missing file, which only its
 * owner can read. The file is locked by `<file>.lock`, replaced in one step, and keeps its comments, mode and owner.
 *
 * @param place The path of a file, or a store such as that of `sqliteKeys`.
 * @throws AuthConfigError for an invalid `key`, such as one in the past. KeyFileError for a file that cannot be read, parsed or
 * written, that would exceed 1 MiB, or that stays locked for ten seconds; and for a database that fails.
 *
 * @example
 * ```ts node
 * import { createKey } from 'with-auth/keys'
 *
 * const { id, key } = await createKey('keys.yaml', {
 *   principal: 'alice',
 *   attributes: { roles: ['admin'] },
 *   expiresIn: '90d',
 *   paths: ['/v1'],
 * })
 * console.log(`${id}: give this to alice, it is not shown again: ${key}`)
 * ```
 */
export async function createKey(place: KeyPlace, key: NewKey): Promise<CreatedKey> {
  const now = Date.now()
  const repository = repositoryOf(place)
  const purpose = parseNewKey(key, now)
  const { key: text, ...secret } = await generateSecret()
  const created = { ...secret, ...purpose }
  await repository.edit('create', (keys) => keys.insert(created))
  return { ...toRecord(created, now), key: text }
}

/** Makes a key, and the fields by which a file or a store recognizes it. */
export async function generateSecret(): Promise<
  Pick<StoredKey, 'id' | 'prefix' | 'sha256'> & Pick<CreatedKey, 'key'>
> {
  const key = generateKey()
  return { key, id: generateId(), prefix: visiblePrefix(key), sha256: await hashKey(key) }
}

/**
 * Removes a key from the file or the store. The endpoint denies the key from then on. Revoke a key that was handed out instead:
 * then the record still says whose it was.
 *
 * @returns The removed key, with its last status.
 * @throws KeyFileError `no_such_key`, and as {@link createKey} does.
 *
 * @example
 * ```ts node
 * import { createKey, removeKey } from 'with-auth/keys'
 *
 * const { id, key } = await createKey('keys.yaml', { principal: 'alice' })
 * const response = await fetch('https://vault.example.com/alice', { method: 'PUT', body: key })
 * if (!response.ok) await removeKey('keys.yaml', id)
 * ```
 */
export async function removeKey(place: KeyPlace, id: string): Promise<RetiredKey> {
  const repository = repositoryOf(place)
  requireId(id)
  const removed = await repository.edit('change', (keys) => keys.remove(id))
  if (!removed) throw noSuchKey(repository.name, 'id')
  return toRetired(removed, Date.now())
}

/**
 * Removes the keys that were revoked or expired some time ago. A key with `revoked: true`, which has no time, is always removed. A
 * file without such keys is not written.
 *
 * @returns The removed keys in the order of the file; those of a store have no order.
 * @throws KeyFileError as {@link createKey} does.
 *
 * @example
 * ```ts node
 * import { pruneKeys } from 'with-auth/keys'
 *
 * for (const { id, principal } of await pruneKeys('keys.yaml', { older: '90d' })) console.log(id, principal)
 * ```
 */
export async function pruneKeys(
  place: KeyPlace,
  options: PruneOptions,
): Promise<readonly KeyRecord[]> {
  const repository = repositoryOf(place)
  const now = Date.now()
  const { older, dryRun } = readOptions(options, ['older', 'dryRun'], ['options'])
  const by = now - parseDurationOrZero(['options', 'older'], older)
  const isDryRun = parse<boolean>({ kind: 'boolean', default: false }, dryRun, [
    'options',
    'dryRun',
  ])
  const pruned = isDryRun
    ? await stoppedBy(by, now, repository.read())
    : await repository.edit('change', (keys) => keys.prune(by, now))
  return pruned.map((key) => toRecord(key, now))
}

async function stoppedBy(by: number, now: number, keys: KeyRecords): Promise<readonly StoredKey[]> {
  const stopped: StoredKey[] = []
  for await (const page of keys.pages()) {
    stopped.push(...page.filter((key) => stopOfKey(key, now) <= by))
  }
  return stopped
}
