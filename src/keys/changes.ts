import { boolean } from '../core/config/kinds.ts'
import { invalidOption, invalidSecret, readOptions } from '../core/config/option-checks.ts'
import { storeEditor } from './database/changes.ts'
import { fileEditor } from './file/changes.ts'
import { isPrincipal, PRINCIPAL_FORM } from './file/fields.ts'
import { toRecord, toRetired } from './keyring.ts'
import { parseDurationOrZero, parseNewKey } from './new-key.ts'
import { requireId, requirePlace } from './options.ts'
import { generateKey, hashKey, visiblePrefix } from './secret.ts'
import { formatTimestamp, roundDown } from './times.ts'
import type { KeyPlace } from './database/store.ts'
import type {
  CreatedKey,
  KeyEditor,
  KeyRecord,
  KeyReference,
  NewEntry,
  NewKey,
  PruneOptions,
  RetiredKey,
} from './record.ts'

/** @throws AuthConfigError for a wrong `place` */
export function editorOf(place: KeyPlace): KeyEditor {
  requirePlace(place)
  return typeof place === 'string' ? fileEditor(place) : storeEditor(place)
}

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
  const editor = editorOf(place)
  const purpose = parseNewKey(key, now)
  const { key: text, ...secret } = await generateSecret()
  return { ...toRecord(await editor.create({ ...purpose, ...secret }), now), key: text }
}

/** Makes a key, and the fields by which a file or a store recognizes it. */
export async function generateSecret(): Promise<
  Pick<NewEntry, 'prefix' | 'sha256'> & Pick<CreatedKey, 'key'>
> {
  const key = generateKey()
  return { key, prefix: visiblePrefix(key), sha256: await hashKey(key) }
}

/** @throws AuthConfigError */
async function parseReference(value: unknown): Promise<KeyReference> {
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
 * @throws KeyFileError `no_such_key`, and as {@link createKey} does.
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
  const editor = editorOf(place)
  const reference = await parseReference(id)
  const now = Date.now()
  return toRetired(await editor.revoke(reference, formatTimestamp(roundDown(now))), now)
}

/**
 * Revokes all keys of a principal, as {@link revokeKey} does.
 *
 * @returns All keys of the principal, also those that were revoked before.
 * @throws KeyFileError `no_such_key` if the principal has no key, and as {@link createKey} does.
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
  const editor = editorOf(place)
  const { principal } = readOptions(wanted, ['principal'], ['wanted'], '{ principal }')
  if (!isPrincipal(principal))
    throw invalidOption(['wanted', 'principal'], principal, PRINCIPAL_FORM)
  const now = Date.now()
  const keys = await editor.revokeAll(principal, formatTimestamp(roundDown(now)))
  return keys.map((key) => toRetired(key, now))
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
  const editor = editorOf(place)
  requireId(id)
  return toRetired(await editor.remove(id), Date.now())
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
  const editor = editorOf(place)
  const now = Date.now()
  const { older, dryRun } = readOptions(options, ['older', 'dryRun'], ['options'])
  const by = now - parseDurationOrZero(['options', 'older'], older)
  const isDryRun = boolean(false).parse(dryRun, ['options', 'dryRun'])
  const pruned = await editor.prune(by, now, isDryRun)
  return pruned.map((key) => toRecord(key, now))
}
