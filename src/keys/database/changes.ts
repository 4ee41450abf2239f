import { KeyFileError, noSuchKey } from '../error.ts'
import { endedBy, stopOfKey } from '../keyring.ts'
import { generateId } from '../secret.ts'
import type { KeyEditor, KeyReference, Rotation, RotationPlan, StoredKey } from '../record.ts'
import type { KeyStore } from './store.ts'

const NAME = 'the database'
const PAGE = 1000
const DEFAULT_LIMIT = 100
const MAX_PASSES = 10

/** Changes the keys of a store. */
export function storeEditor(store: KeyStore): KeyEditor {
  return {
    name: NAME,
    list: async (page) => store.list({ limit: DEFAULT_LIMIT, ...page }),
    create: async (entry) => {
      const key = { id: generateId(), ...entry }
      await store.insert(key)
      return key
    },
    revoke: async (reference, revoked) => {
      const { id } = await find(store, reference)
      return (await store.update(id, { revoked })) ?? missing(reference)
    },
    revokeAll: (principal, revoked) => revokeAll(store, principal, revoked),
    remove: async (id) => (await store.remove(id)) ?? missing({ id }),
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
    yield page
    const last = page.at(-1)?.id
    // A store that ignores `after` must not be asked for ever.
    if (last === undefined || page.length < PAGE || last <= after) return
    after = last
  }
}

async function find(store: KeyStore, wanted: KeyReference): Promise<StoredKey> {
  const found = await ('id' in wanted ? store.get(wanted.id) : store.find(wanted.sha256))
  return found ?? missing(wanted)
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
  for (let pass = 0; pass < MAX_PASSES; pass += 1) {
    const keys: StoredKey[] = []
    for await (const page of pagesOf(store, principal)) keys.push(...page)
    if (keys.length === 0) throw noSuchKey(NAME, 'principal')
    const working = keys.filter((key) => key.revoked === undefined)
    if (working.length === 0) return keys
    for (const { id } of working) await store.update(id, { revoked })
  }
  throw new KeyFileError('locked', 'This principal gets new keys all the time. Try again')
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
  const changes = { expires: expires ?? null, successor: next.id }
  const changed = await store.update(id, changes, before)
  if (changed !== undefined) {
    return { next, before, after: { ...endedBy(before, expires), successor: next.id } }
  }
  await store.remove(next.id)
  throw new KeyFileError('locked', `The key ${id} was changed by another process. Try again`)
}
