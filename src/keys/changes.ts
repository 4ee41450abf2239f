import { boolean } from '../core/config/kinds.ts'
import { invalidSecret, readOptions } from '../core/config/option-checks.ts'
import { KeyFileError } from './error.ts'
import { editKeyFile } from './file/edit.ts'
import { appendEntry, dropEntries, setField } from './file/entries.ts'
import { readKeyFile } from './file/read.ts'
import { stopOfKey, toRecord } from './keyring.ts'
import { parseDurationOrZero, parseNewKey } from './new-key.ts'
import { requireFile, requireId } from './options.ts'
import { generateKey, hashKey, visiblePrefix } from './secret.ts'
import { formatTimestamp, roundDown } from './times.ts'
import type { NewEntry } from './file/entries.ts'
import type { CreatedKey, KeyRecord, NewKey, PruneOptions, StoredKey } from './record.ts'

/**
 * Makes a key and writes its SHA-256 into a file of keys. Only the result holds the key. Creates a missing file, which only its
 * owner can read. The file is locked by `<file>.lock`, replaced in one step, and keeps its comments, mode and owner.
 *
 * @throws AuthConfigError for an invalid `key`, such as one in the past. KeyFileError for a file that cannot be read, parsed or
 * written, that would exceed 1 MiB, or that stays locked for ten seconds.
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
export async function createKey(file: string, key: NewKey): Promise<CreatedKey> {
  const now = Date.now()
  requireFile(file)
  const purpose = parseNewKey(key, now)
  const { key: text, ...secret } = await generateSecret()
  return editKeyFile(file, 'create', ({ document, keys }) => {
    const stored = appendEntry(document, keys, { ...purpose, ...secret })
    return { ...toRecord(stored, now), key: text }
  })
}

/** Makes a key, and the fields by which the file recognizes it. */
export async function generateSecret(): Promise<
  Pick<NewEntry, 'prefix' | 'sha256'> & Pick<CreatedKey, 'key'>
> {
  const key = generateKey()
  return { key, prefix: visiblePrefix(key), sha256: await hashKey(key) }
}

type KeyReference = Pick<StoredKey, 'id'> | Pick<StoredKey, 'sha256'>

/** @throws AuthConfigError */
async function parseReference(value: unknown): Promise<KeyReference> {
  if (typeof value === 'string') return { id: value }
  const { key } = readOptions(value, ['key'], ['id'], 'the id of a key, or { key } with the key')
  if (typeof key === 'string' && key !== '') return { sha256: await hashKey(key) }
  throw invalidSecret(['id', 'key'], 'the key, a text')
}

/** @throws KeyFileError `no_such_key` */
export function findKey(file: string, keys: readonly StoredKey[], wanted: KeyReference): StoredKey {
  const found = keys.find((key) =>
    'id' in wanted ? key.id === wanted.id : key.sha256 === wanted.sha256,
  )
  if (found !== undefined) return found
  // Callers may pass a key in place of its id.
  const what = 'id' in wanted ? 'key with this id (hidden because it may be a key)' : 'such key'
  throw new KeyFileError('no_such_key', `There is no ${what} in ${file}`)
}

/**
 * Revokes a key. An endpoint over this file denies it from the next question on. A cached decision lasts until its end. A key that
 * is revoked already keeps its time.
 *
 * @param id The id of the key; or `{ key }` with the key itself, such as a leaked one. Errors show neither.
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
  file: string,
  id: string | { readonly key: string },
): Promise<KeyRecord> {
  requireFile(file)
  const reference = await parseReference(id)
  const now = Date.now()
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const key = findKey(file, keys, reference)
    if (key.revoked !== undefined) return toRecord(key, now)
    const revoked = formatTimestamp(roundDown(now))
    setField(document, key.id, 'revoked', revoked)
    return toRecord({ ...key, revoked }, now)
  })
}

/**
 * Removes the entry of a key from the file. The endpoint denies the key from then on. Revoke a key that was handed out instead:
 * then the file still says whose it was.
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
export async function removeKey(file: string, id: string): Promise<KeyRecord> {
  requireFile(file)
  requireId(id)
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const key = findKey(file, keys, { id })
    dropEntries(document, [id])
    return toRecord(key, Date.now())
  })
}

/**
 * Removes the entries of keys that were revoked or expired some time ago. A key with `revoked: true`, which has no time, is always
 * removed. A file without such keys is not written.
 *
 * @returns The removed keys in the order of the file.
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
  file: string,
  options: PruneOptions,
): Promise<readonly KeyRecord[]> {
  requireFile(file)
  const now = Date.now()
  const { older, dryRun } = readOptions(options, ['older', 'dryRun'], ['options'])
  const by = now - parseDurationOrZero(['options', 'older'], older)
  const isDryRun = boolean(false).parse(dryRun, ['options', 'dryRun'])
  const stoppedOf = (keys: readonly StoredKey[]): readonly KeyRecord[] =>
    keys.filter((key) => stopOfKey(key, now) <= by).map((key) => toRecord(key, now))
  const stopped = stoppedOf(readKeyFile(file).keys)
  if (isDryRun || stopped.length === 0) return stopped
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const dropped = stoppedOf(keys)
    const ids = dropped.map(({ id }) => id)
    dropEntries(document, ids)
    return dropped
  })
}
