import { invalidOption } from './core/config/option-checks.ts'
import { addKey, checkReference, dropKey, dropStopped, markRevoked } from './keys/changes.ts'
import { checkKeyEndpointOptions, checkSource } from './keys/options.ts'
import { createEndpointHandler } from './keys/endpoint.ts'
import { readKeyFile } from './keys/file/edit.ts'
import { toRecord } from './keys/state.ts'
import { replaceKey } from './keys/rotation.ts'
import { openSource } from './keys/file/watch.ts'
import { KeyFileError } from './keys/error.ts'
import type { KeyEndpointOptions, KeySource } from './keys/options.ts'
import type { KeyFileErrorCode, KeyFileProblem } from './keys/error.ts'
import type {
  CreatedKey,
  KeyRecord,
  NewKey,
  PruneOptions,
  RotatedKey,
  RotateOptions,
} from './keys/record.ts'

export { KeyFileError }
export type {
  CreatedKey,
  KeyEndpointOptions,
  KeyFileErrorCode,
  KeyFileProblem,
  KeyRecord,
  KeySource,
  NewKey,
  PruneOptions,
  RotatedKey,
  RotateOptions,
}

/**
 * Makes an auth endpoint over a file of keys: a Fetch handler that answers the POST of `withAuth`, or of Llama Stack, at whatever
 * path. A key that is known, neither revoked nor expired, and for the path that is asked about gets 200 with `principal` and
 * `attributes` (and `exp`, if it ends); every other the same 401. What is no question gets 400, 405, 408 or 413.
 *
 * A file is looked at with every question, so that a change counts at once. While it is missing or broken every question gets
 * 500: an older state may lack what was revoked since. Runtimes without files take the text.
 *
 * Keys are looked up by their SHA-256.
 *
 * @param source `{ file }` with its path, or `{ text }` with what would be in it.
 * @param options How long answers may be kept, and who may ask.
 * @returns The handler. Its promise never rejects.
 * @throws AuthConfigError for an option that cannot be used; KeyFileError for keys that cannot be read or understood, and for a
 * file that is mounted alone: a change would not arrive there.
 *
 * @example
 * ```ts
 * import { createKeyEndpoint } from 'with-auth/keys'
 *
 * export default { fetch: createKeyEndpoint({ file: 'keys.yaml' }, { maxAgeSeconds: 10 }) }
 * ```
 */
export function createKeyEndpoint(
  source: KeySource,
  options: KeyEndpointOptions = {},
): (request: Request) => Promise<Response> {
  const { maxAgeSeconds, endpointSecret, onError } = checkKeyEndpointOptions(options)
  const currentKeys = openSource(checkSource(source), onError)
  return createEndpointHandler({ currentKeys, maxAgeSeconds, endpointSecret })
}

/**
 * Makes a key, and writes its SHA-256 into a file of keys, which is made if there is none, readable for its owner alone. The key
 * itself is returned and nowhere else: it cannot be shown again.
 *
 * The file is locked meanwhile (`<file>.lock`), replaced at once, and keeps its comments, mode and owner.
 *
 * @param file The path of the file.
 * @param key Whom it is for, and what it opens.
 * @throws AuthConfigError for a key that cannot be made, such as one that has ended already; KeyFileError for a file that
 * cannot be read, understood or written, that would become longer than 1 MiB, or that is locked for more than ten seconds.
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
  return addKey(checkFile(file), key, Date.now())
}

/**
 * Lists the keys of a file, in its order, revoked and expired ones too. Neither a key nor its hash is among what is told.
 *
 * @param file The path of the file.
 * @throws KeyFileError for a file that cannot be read or understood.
 *
 * @example
 * ```ts node
 * import { listKeys } from 'with-auth/keys'
 *
 * for (const { id, principal, status } of await listKeys('keys.yaml')) console.log(id, principal, status)
 * ```
 */
export async function listKeys(file: string): Promise<readonly KeyRecord[]> {
  const now = Date.now()
  return readKeyFile(checkFile(file)).keys.map((key) => toRecord(key, now))
}

/**
 * Revokes a key, by its id or by the key itself. An endpoint over this file rejects it from the next request on. A cached
 * decision of a guard is not ended by it. A key that is revoked stays so, with its first time.
 *
 * @param file The path of the file.
 * @param id The id of the key, as {@link createKey} and {@link listKeys} tell it; or `{ key }` with the key itself, such as one
 * that was found in a public place. Neither is in the error.
 * @throws KeyFileError `no_such_key` if there is none, and as {@link createKey} does.
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
  return markRevoked(checkFile(file), checkReference(id), Date.now())
}

/**
 * Makes a key in place of an old one, with the same principal, attributes and paths. The new key works at once, and the old one
 * until `overlap` is over. Both are one change of the file, so that one of them always works. A guard may have cached a decision
 * about the old key before: that decision lasts as long as after {@link revokeKey}.
 *
 * @param file The path of the file.
 * @param id The id of the old key, as {@link createKey} and {@link listKeys} tell it.
 * @param options How long the old key and the new one last.
 * @returns The new key, which cannot be shown again, the old one, and how to undo both.
 * @throws KeyFileError `no_such_key` if there is none, `not_active` if it is revoked or expired, and as {@link createKey} does;
 * AuthConfigError also for a key that was rotated before, without `expiresIn` or `expiresAt`.
 *
 * @example
 * ```ts node
 * import { rotateKey } from 'with-auth/keys'
 *
 * const { key, replaces, undo } = await rotateKey('keys.yaml', 'key_i5xq2mzkd7ha', { overlap: '1h' })
 * const response = await fetch('https://vault.example.com/alice', { method: 'PUT', body: key })
 * if (response.ok) console.log(`${replaces.id} ends at ${replaces.expires}`)
 * if (!response.ok) await undo()
 * ```
 */
export async function rotateKey(
  file: string,
  id: string,
  options: RotateOptions = {},
): Promise<RotatedKey> {
  return replaceKey(checkFile(file), checkId(id), options, Date.now())
}

/**
 * Removes a key and its entry from the file, as if it had never been made. A key that still works is rejected from then on.
 * Revoke a key that was handed out instead: then the file still says whose it was.
 *
 * @param file The path of the file.
 * @param id The id of the key, as {@link createKey} and {@link listKeys} tell it.
 * @returns What the file said of the key, with its status until then.
 * @throws KeyFileError `no_such_key` if there is none, and as {@link createKey} does.
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
  return dropKey(checkFile(file), checkId(id), Date.now())
}

/**
 * Removes the keys that were revoked or ended some time ago, with their entries. `revoked: true` tells no time: such a key is
 * removed whatever `older` is. A file without such keys is not written.
 *
 * @param file The path of the file.
 * @param options How long ago, and whether only to list the keys.
 * @returns The keys that are removed, in the order of the file.
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
  return dropStopped(checkFile(file), options, Date.now())
}

function checkId(id: unknown): string {
  if (typeof id === 'string') return id
  throw invalidOption('id', id, 'the id of a key')
}

function checkFile(file: unknown): string {
  if (typeof file === 'string' && file !== '') return file
  throw invalidOption('file', file, 'the path of a file')
}
