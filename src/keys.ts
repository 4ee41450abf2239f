/**
 * An auth endpoint over a file of API keys, and functions that change the file.
 *
 * @module with-auth/keys
 */
import { invalidOption } from './core/config/option-checks.ts'
import { addKey, dropKey, dropStopped, markRevoked, parseReference } from './keys/changes.ts'
import { createEndpointHandler } from './keys/endpoint.ts'
import { KeyFileError } from './keys/error.ts'
import { readKeyFile } from './keys/file/read.ts'
import { openSource } from './keys/file/watch.ts'
import { toRecord } from './keys/keyring.ts'
import { parseEndpointOptions, parseSource } from './keys/options.ts'
import { replaceKey } from './keys/rotation.ts'
import type { KeyFileErrorCode, KeyFileProblem } from './keys/error.ts'
import type { KeyEndpointOptions, KeySource } from './keys/options.ts'
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
 * Makes an auth endpoint from a file of keys: a Fetch handler that answers the POST of `withAuth`, or of Llama Stack, at any path.
 * A key that is active and may use the path in question gets 200 with `principal`, `attributes` and, if it expires, `exp`. Every
 * other key gets the same 401. An invalid request gets 400, 405, 408 or 413.
 *
 * Each question checks whether the file has changed, so a change counts at once. While the file is missing or broken, every
 * question gets 500: the last good keys may lack a revocation. Runtimes without files pass the text.
 *
 * @param source `{ file }` with a path, or `{ text }` with the content of such a file.
 * @param options How long answers may be cached, and who may ask.
 * @returns The handler. Its promise never rejects.
 * @throws AuthConfigError for an invalid option. KeyFileError for keys that cannot be read, and for a file that is mounted alone:
 * a change would not reach it.
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
  const { maxAgeSeconds, endpointSecret, onError } = parseEndpointOptions(options)
  const currentKeys = openSource(parseSource(source), onError)
  return createEndpointHandler({ currentKeys, maxAgeSeconds, endpointSecret })
}

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
  return addKey(requireFile(file), key, Date.now())
}

/**
 * Lists the keys of a file in its order, also revoked and expired ones. The result holds neither a key nor a hash.
 *
 * @throws KeyFileError for a file that cannot be read or parsed.
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
  return readKeyFile(requireFile(file)).keys.map((key) => toRecord(key, now))
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
  return markRevoked(requireFile(file), await parseReference(id), Date.now())
}

/**
 * Replaces a key by a new one with the same principal, attributes and paths. The new key works at once, and the old one until
 * `overlap` ends. Both are one change of the file, so one of the keys works at any time. A cached decision about the old key
 * lasts as long as after {@link revokeKey}.
 *
 * @param id The id of the old key.
 * @returns The new key, which cannot be shown again, the old key, and a function that undoes the rotation.
 * @throws KeyFileError `no_such_key`; `not_active` for a revoked or expired key; and as {@link createKey} does. AuthConfigError
 * also for a key that was rotated before, if the options state no end for the new one.
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
  return replaceKey(requireFile(file), requireId(id), options, Date.now())
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
  return dropKey(requireFile(file), requireId(id), Date.now())
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
  return dropStopped(requireFile(file), options, Date.now())
}

function requireId(id: unknown): string {
  if (typeof id === 'string') return id
  throw invalidOption(['id'], id, 'the id of a key')
}

function requireFile(file: unknown): string {
  if (typeof file === 'string' && file !== '') return file
  throw invalidOption(['file'], file, 'the path of a file')
}
