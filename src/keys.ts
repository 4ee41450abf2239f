/**
 * An auth endpoint over a file of API keys, and functions that change the file.
 *
 * @module with-auth/keys
 */
import { createKey, pruneKeys, removeKey, revokeKey } from './keys/changes.ts'
import { createEndpointHandler } from './keys/endpoint.ts'
import { KeyFileError } from './keys/error.ts'
import { readKeyFile } from './keys/file/read.ts'
import { openSource } from './keys/file/watch.ts'
import { toRecord } from './keys/keyring.ts'
import { parseEndpointOptions, parseSource, requireFile } from './keys/options.ts'
import { rotateKey } from './keys/rotation.ts'
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

export { createKey, KeyFileError, pruneKeys, removeKey, revokeKey, rotateKey }
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
  requireFile(file)
  const now = Date.now()
  return readKeyFile(file).keys.map((key) => toRecord(key, now))
}
