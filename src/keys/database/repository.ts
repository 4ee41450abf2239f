import { KeyFileError, noSuchKey } from '../error.ts'
import { isId } from '../file/fields.ts'
import { isKeyLike } from '../secret.ts'
import { parseUse } from '../usage/use.ts'
import type { StoredKey } from '../record.ts'
import type { KeyRecords, KeyRepository } from '../repository.ts'
import type { KeyStore } from './store.ts'

const NAME = 'the database'
const PAGE = 1000
const DEFAULT_LIMIT = 100
const OUT_OF_ORDER = 'The key store does not list its keys in the order of their ids'

/** The keys of a store, which anyone may have written. */
export function storeRepository(store: KeyStore): KeyRepository {
  const keys = recordsOf(store)
  return {
    name: NAME,
    read: () => keys,
    readUse: async (ids) => (await store.readUse?.(ids))?.flatMap((use) => parseUse(use) ?? []),
    edit: async (_kind, work) => work(keys),
  }
}

function recordsOf(store: KeyStore): KeyRecords {
  const { revokeAll } = store
  return {
    find: async (sha256) => requireWanted(await store.find(sha256), { sha256 }),
    get: async (id) => (isSafe(id) ? requireWanted(await store.get(id), { id }) : undefined),
    insert: (key) => store.insert(key),
    update: async (id, changes, expected) => {
      const key = isSafe(id) ? await store.update(id, changes, expected) : undefined
      const isRevoked = key?.id === id && key.revoked !== undefined
      if (!key || changes.revoked === undefined || isRevoked) return key
      throw new KeyFileError('database', 'The key store did not revoke the key')
    },
    ...(revokeAll && {
      revokeAll: (principal: string, revoked: string) => {
        requirePrincipal(principal)
        return store.revokeAll?.(principal, revoked)
      },
    }),
    remove: async (id) => (isSafe(id) ? store.remove(id) : undefined),
    prune: (by) => store.prune(by),
    list: async (page) => {
      if (page.after !== undefined && isKeyLike(page.after)) throw noSuchKey(NAME, 'id')
      requirePrincipal(page.principal)
      return store.list({ limit: DEFAULT_LIMIT, ...page })
    },
    pages: (principal) => {
      requirePrincipal(principal)
      return pagesOf(store, principal)
    },
  }
}

/** All keys of a store, or those of one principal, page by page. */
async function* pagesOf(store: KeyStore, principal?: string): AsyncGenerator<readonly StoredKey[]> {
  const hers = principal === undefined ? {} : { principal }
  let after = ''
  for (;;) {
    const page = await store.list({ after, limit: PAGE, ...hers })
    if (page.length === 0) return
    // A store that lists keys in another order would skip some, or be asked for ever.
    const ids = [after, ...page.map(({ id }) => id)]
    const isInOrder = page.every(({ id }, index) => id > (ids[index] ?? ''))
    if (!isInOrder) throw new KeyFileError('database', OUT_OF_ORDER)
    after = ids.at(-1) ?? ''
    yield principal === undefined ? page : page.filter((key) => key.principal === principal)
  }
}

function requireWanted(
  key: StoredKey | undefined | null,
  wanted: Partial<StoredKey>,
): StoredKey | undefined {
  const { id = key?.id, sha256 = key?.sha256 } = wanted
  if (!key || (key.id === id && key.sha256 === sha256)) return key ?? undefined
  throw new KeyFileError('malformed', 'The key store returned another key than the wanted one')
}

// A key in place of an id or of a principal must not travel to the database, which may log it.
function isSafe(id: string): boolean {
  return isId(id) && !isKeyLike(id)
}

function requirePrincipal(principal: string | undefined): void {
  if (principal !== undefined && isKeyLike(principal)) throw noSuchKey(NAME, 'principal')
}
