import { parse } from '../core/config/interpreter.ts'
import { invalidOption, readOptions } from '../core/config/option-checks.ts'
import { invalidText } from './edits/new-key.ts'
import { repositoryOf } from './edits/place.ts'
import { ID_FORM, isId, isPrincipal, PRINCIPAL_FORM } from './file/fields.ts'
import { toRecord } from './keyring.ts'
import { reportOf } from './usage/report.ts'
import type { KeyPlace } from './database/store.ts'
import type { KeyPage, KeyRecord } from './record.ts'
import type { KeyReports } from './usage/report.ts'

const LIMIT = { kind: 'integer', isRequired: true, min: 1, max: 1000 } as const

/**
 * Lists the keys of a file in its order, or a page of a store in the order of the bytes of the ids. Also lists revoked and expired
 * keys. The result holds neither a key nor a hash.
 *
 * @param page Which keys: by default all keys of a file, or the first 100 of a store. With `after` or `limit`, a file is listed as
 * a store is.
 * @throws KeyFileError for a file that cannot be read or parsed, and for a database that fails.
 *
 * @example
 * ```ts node
 * import { listKeys } from 'with-auth/keys'
 *
 * for (const { id, principal, status } of await listKeys('keys.yaml')) console.log(id, principal, status)
 * ```
 */
export async function listKeys(
  place: KeyPlace,
  page: Partial<KeyPage> = {},
): Promise<readonly KeyRecord[]> {
  const repository = repositoryOf(place)
  const wanted = parsePage(page)
  const found = await repository.read().list(wanted)
  const now = Date.now()
  return found.map((key) => toRecord(key, now))
}

/**
 * Lists keys as {@link listKeys} does, with how often each is used and what needs attention.
 *
 * @throws KeyFileError as {@link listKeys} does. If only the use of the keys cannot be read, `useError` of the result says why.
 *
 * @example
 * ```ts node
 * import { reportKeys } from 'with-auth/keys'
 *
 * const { keys } = await reportKeys('keys.yaml')
 * for (const { id, lastUsed, checks, attention } of keys) {
 *   console.log(id, lastUsed ?? 'never', checks?.last30Days, attention.join(', '))
 * }
 * ```
 */
export async function reportKeys(
  place: KeyPlace,
  page: Partial<KeyPage> = {},
): Promise<KeyReports> {
  const repository = repositoryOf(place)
  const wanted = parsePage(page)
  return reportOf(repository, await repository.read().list(wanted))
}

/** @throws AuthConfigError */
function parsePage(page: unknown): Partial<KeyPage> {
  const { after, limit, principal } = readOptions(page, ['after', 'limit', 'principal'], ['page'])
  if (after !== undefined && !isId(after)) throw invalidText(['page', 'after'], after, ID_FORM)
  if (principal !== undefined && !isPrincipal(principal)) {
    throw invalidOption(['page', 'principal'], principal, PRINCIPAL_FORM)
  }
  return {
    ...(after === undefined ? {} : { after }),
    ...(principal === undefined ? {} : { principal }),
    ...(limit === undefined ? {} : { limit: parse<number>(LIMIT, limit, ['page', 'limit']) }),
  }
}
