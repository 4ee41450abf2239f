import { KeyFileError, noSuchKey } from '../error.ts'
import { isId } from '../file/fields.ts'
import { endedBy, stopOfKey } from '../keyring.ts'
import { generateId, isKeyLike } from '../secret.ts'
import type { KeyEditor, KeyReference, Rotation, RotationPlan, StoredKey } from '../record.ts'
import type { KeyStore, KeyUpdate } from './store.ts'

const NAME = 'the database'
const PAGE = 1000
const DEFAULT_LIMIT = 100
const MAX_PASSES = 10
const OUT_OF_ORDER = 'The key store does not list its keys in the order of their ids'

/** Changes the keys of a store. */
export function storeEditor(store: KeyStore): KeyEditor {
  return {
    name: NAME,
    find: async (sha256) => (await store.find(sha256)) ?? undefined,
    list: async (page) => {
      if (page.after !== undefined && isKeyLike(page.after)) throw noSuchKey(NAME, 'id')
      if (page.principal !== undefined && isKeyLike(page.principal)) {
        throw noSuchKey(NAME, 'principal')
      }
      return store.list({ limit: DEFAULT_LIMIT, ...page })
    },
    create: async (entry) => {
      const key = { id: generateId(), ...entry }
      await store.insert(key)
      return key
    },
    revoke: async (reference, revoked) => {
      // By its id, a key is revoked even if its row is invalid.
      const id = 'id' in reference ? requireRealId(reference.id) : (await find(store, reference)).id
      return requireRevoked(await store.update(id, { revoked }), id) ?? missing(reference)
    },
    revokeAll: (principal, revoked) => revokeAll(store, principal, revoked),
    remove: async (id) => {
      return (await store.remove(requireRealId(id))) ?? missing({ id })
    },
    prune: async (by, now, isDryRun) => {
      if (!isDryRun) return store.prune(by)
      const stopped: StoredKey[] = []
      for await (const page of pagesOf(store)) {
        stopped.push(...page.filter((key) => stopOfKey(key, now) <= by))
      }
      return stopped
    },
    rotate: (id, plan) => rotate(store, id, plan),
    undo: async ({ before, after }) => {
      const { expires = null, successor = null } = before
      await store.update(before.id, { expires, successor }, after)
      await store.remove(after.successor)
    },
  }
}

/** All keys of a store, or those of one principal, page by page. */
export async function* pagesOf(
  store: Pick<KeyStore, 'list'>,
  principal?: string,
): AsyncGenerator<readonly StoredKey[]> {
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

// A key in place of an id must not travel to the database, which may log it.
function requireRealId(id: string): string {
  return isId(id) && !isKeyLike(id) ? id : missing({ id })
}

async function find(store: KeyStore, wanted: KeyReference): Promise<StoredKey> {
  const found = await ('id' in wanted
    ? store.get(requireRealId(wanted.id))
    : store.find(wanted.sha256))
  if (!found) return missing(wanted)
  const isWanted = 'id' in wanted ? found.id === wanted.id : found.sha256 === wanted.sha256
  if (isWanted) return found
  throw new KeyFileError('malformed', 'The key store returned another key than the wanted one')
}

function requireRevoked(key: StoredKey | undefined, id: string): StoredKey | undefined {
  if (!key || (key.id === id && key.revoked !== undefined)) return key
  throw new KeyFileError('database', 'The key store did not revoke the key')
}

function missing(wanted: KeyReference): never {
  throw noSuchKey(NAME, 'id' in wanted ? 'id' : 'sha256')
}

// A rotation that is under way may add a key after the first pass. A rotation fails once its old key is revoked, so the first
// pass that finds every key revoked is the last one.
async function revokeAll(
  store: KeyStore,
  principal: string,
  revoked: string,
): Promise<readonly StoredKey[]> {
  if (isKeyLike(principal)) throw noSuchKey(NAME, 'principal')
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    // One statement needs no valid rows.
    await store.revokeAll?.(principal, revoked)
    const keys = await keysOf(store, principal)
    if (keys.length === 0) throw noSuchKey(NAME, 'principal')
    const working = keys.filter((key) => key.revoked === undefined)
    if (working.length === 0) return keys
    await revokeEach(store, working, revoked)
  }
  throw new KeyFileError('locked', 'This principal gets new keys all the time. Try again')
}

async function keysOf(store: KeyStore, principal: string): Promise<readonly StoredKey[]> {
  const keys: StoredKey[] = []
  try {
    for await (const page of pagesOf(store, principal)) keys.push(...page)
    return keys
  } catch (error) {
    if (!store.revokeAll || !(error instanceof KeyFileError)) throw error
    const message = `All keys of this principal are revoked, but: ${error.message}`
    throw new KeyFileError(error.code, message, [], { cause: error })
  }
}

/** Revokes the other keys before it reports the first failure. */
async function revokeEach(
  store: KeyStore,
  keys: readonly StoredKey[],
  revoked: string,
): Promise<void> {
  const failures: unknown[] = []
  for (const { id } of keys) {
    try {
      requireRevoked(await store.update(id, { revoked }), id)
    } catch (error) {
      failures.push(error)
    }
  }
  if (failures.length > 0) throw failures[0]
}

async function rotate(
  store: KeyStore,
  id: string,
  plan: (old: StoredKey) => RotationPlan,
): Promise<Rotation> {
  const before = await find(store, { id })
  const { entry, expires } = plan(before)
  const next = { id: generateId(), ...entry }
  // The new key comes first, so that one of both works at any time.
  await store.insert(next)
  try {
    await replace(store, before, { expires: expires ?? null, successor: next.id })
  } catch (error) {
    await removeQuietly(store, next.id)
    throw error
  }
  return { next, before, after: { ...endedBy(before, expires), successor: next.id } }
}

/** @throws KeyFileError `locked` if the key, or what it may do, is no longer as it was before. */
async function replace(store: KeyStore, before: StoredKey, changes: KeyUpdate): Promise<void> {
  const { id, expires = null, successor = null } = before
  const changed = await store.update(id, changes, before)
  if (changed && rightsOf(changed) === rightsOf(before)) return
  if (changed) await store.update(id, { expires, successor }, changed)
  throw new KeyFileError('locked', `The key ${id} was changed by another process. Try again`)
}

function rightsOf({ principal, tenant = '', attributes, paths = [] }: StoredKey): string {
  return JSON.stringify([principal, tenant, attributes, paths])
}

async function removeQuietly(store: KeyStore, id: string): Promise<void> {
  try {
    await store.remove(id)
  } catch {
    // The first error says more, and the new key is unknown to all.
  }
}
