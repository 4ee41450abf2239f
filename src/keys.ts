/**
 * API keys in a file or a database: a verifier of them, an auth endpoint over them, and functions that change them.
 *
 * @module with-auth/keys
 */
import { createKey, pruneKeys, removeKey } from './keys/edits/changes.ts'
import { postgresKeys } from './keys/database/postgres.ts'
import { sqliteKeys } from './keys/database/sqlite.ts'
import { exportKeys, importKeys } from './keys/edits/transfer.ts'
import { createEndpointHandler } from './keys/endpoint.ts'
import { KeyFileError, observed } from './keys/error.ts'
import { listKeys, reportKeys } from './keys/listing.ts'
import { parseEndpointOptions, parseKeysOptions, parseSource } from './keys/options.ts'
import { revokeKey, revokeKeys } from './keys/edits/revocation.ts'
import { rotateKey } from './keys/edits/rotation.ts'
import { observeUse } from './keys/usage/observer.ts'
import { createKeysVerifier, openKeySource } from './keys/verifier.ts'
import type { DefinedVerifier } from './core/verifier.ts'
import type { PostgresKeysOptions } from './keys/database/postgres.ts'
import type { SqliteKeysOptions } from './keys/database/sqlite.ts'
import type {
  Awaitable,
  ImportedKeys,
  KeyPlace,
  KeyStore,
  KeyUpdate,
} from './keys/database/store.ts'
import type { KeyFileErrorCode, KeyFileProblem } from './keys/error.ts'
import type {
  KeyEndpointEvent,
  KeyEndpointOptions,
  KeySource,
  KeysOptions,
} from './keys/options.ts'
import type {
  CreatedKey,
  KeyDenial,
  KeyPage,
  KeyRecord,
  NewKey,
  PruneOptions,
  RetiredKey,
  RotatedKey,
  RotateOptions,
  StoredKey,
} from './keys/record.ts'
import type { KeyAttention, KeyChecks, KeyReport, KeyReports } from './keys/usage/report.ts'
import type { KeyUse } from './keys/usage/use.ts'

export {
  createKey,
  exportKeys,
  importKeys,
  KeyFileError,
  listKeys,
  postgresKeys,
  pruneKeys,
  removeKey,
  reportKeys,
  revokeKey,
  revokeKeys,
  rotateKey,
  sqliteKeys,
}
export type {
  Awaitable,
  CreatedKey,
  ImportedKeys,
  KeyAttention,
  KeyChecks,
  KeyDenial,
  KeyEndpointEvent,
  KeyEndpointOptions,
  KeyFileErrorCode,
  KeyFileProblem,
  KeyPage,
  KeyPlace,
  KeyRecord,
  KeyReport,
  KeyReports,
  KeySource,
  KeysOptions,
  KeyStore,
  KeyUpdate,
  KeyUse,
  NewKey,
  PostgresKeysOptions,
  PruneOptions,
  RetiredKey,
  RotatedKey,
  RotateOptions,
  SqliteKeysOptions,
  StoredKey,
}

/**
 * Makes an auth endpoint from keys in a file or a database: a Fetch handler that answers the POST of `withAuth`, or of Llama Stack, at any path.
 * A key that is active and may use the path in question gets 200 with `principal`, `attributes` and, if it expires, `exp`. Every
 * other key gets the same 401. An invalid request gets 400, 405, 408 or 413.
 *
 * Each question checks whether the file has changed, or asks the store, so a change counts at once. While the file is missing or
 * broken, or the store fails or takes longer than one second, every question gets 500: the last good keys may lack a revocation.
 * Runtimes without files pass the text.
 *
 * @param source `{ file }` with a path, `{ text }` with the content of such a file, or `{ store }`.
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
  const { onError, onWarning, ...resolved } = parseEndpointOptions(options)
  const parsed = parseSource(source)
  const findKey = observed(openKeySource(parsed), onError)
  const notePassed = observeUse(parsed, onWarning)
  return createEndpointHandler({ findKey, notePassed, ...resolved })
}

/**
 * Makes a verifier of API keys in a file or a database, for a guard in this process. It needs no auth endpoint. The `detail` of a
 * denial is `revoked`, `expired`, `path`, `malformed` or `unknown`, and its `cause` has the id of the key.
 *
 * Each request checks whether the file has changed, and no decision is cached: a revoked key stops with the next request.
 * Decisions from a store are cached if the guard has a cache. While the file is missing or broken, or the store fails or takes
 * longer than one second, every request is rejected with the reason `service_error`: the last good keys may lack a revocation.
 * A `warning` says so once.
 *
 * @param options `{ file }` with a path, `{ text }` with the content of such a file, or `{ store }`.
 * @throws AuthConfigError for an invalid option. KeyFileError for keys that cannot be read, and for a file that is mounted alone:
 * a change would not reach it.
 *
 * @example
 * ```ts
 * import { getAuth, withAuth } from 'with-auth'
 * import { keys } from 'with-auth/keys'
 *
 * const handler = (request: Request) => new Response(`Hello ${getAuth(request).principal}`)
 *
 * export default { fetch: withAuth(handler, { verifier: keys({ file: 'keys.yaml' }) }) }
 * ```
 */
export function keys(options: KeysOptions): DefinedVerifier {
  return createKeysVerifier(parseKeysOptions(options))
}
