import { noSuchKey } from '../error.ts'
import { endedBy, stopOfKey } from '../keyring.ts'
import { editKeyFile } from './edit.ts'
import { appendEntry, dropEntries, setField } from './entries.ts'
import { readKeyFile, requireFiles } from './read.ts'
import type { KeyEditor, KeyPage, KeyReference, StoredKey } from '../record.ts'
import type { KeyDocument } from './document.ts'

/** Changes the keys of a file. Each change is one replacement of the file. */
export function fileEditor(file: string): KeyEditor {
  requireFiles(file)
  const find = (keys: readonly StoredKey[], wanted: KeyReference): StoredKey => {
    const found = keys.find((key) =>
      'id' in wanted ? key.id === wanted.id : key.sha256 === wanted.sha256,
    )
    if (found === undefined) throw noSuchKey(file, 'id' in wanted ? 'id' : 'sha256')
    return found
  }
  return {
    name: file,
    find: async (sha256) => readKeyFile(file).keys.find((key) => key.sha256 === sha256),
    list: async (page) => pageOf(readKeyFile(file).keys, page),
    create: (entry) =>
      editKeyFile(file, 'create', ({ document, keys }) => appendEntry(document, keys, entry)),
    revoke: (reference, revoked) =>
      editKeyFile(file, 'change', (current) =>
        revokeIn(current, find(current.keys, reference), revoked),
      ),
    revokeAll: (principal, revoked) =>
      editKeyFile(file, 'change', (current) => {
        const keys = current.keys.filter((key) => key.principal === principal)
        if (keys.length === 0) throw noSuchKey(file, 'principal')
        return keys.map((key) => revokeIn(current, key, revoked))
      }),
    remove: (id) =>
      editKeyFile(file, 'change', ({ document, keys }) => {
        const key = find(keys, { id })
        dropEntries(document, [id])
        return key
      }),
    prune: (by, now, isDryRun) => prune(file, (key) => stopOfKey(key, now) <= by, isDryRun),
    rotate: (id, plan) =>
      editKeyFile(file, 'extend', ({ document, keys }) => {
        const before = find(keys, { id })
        const { entry, expires } = plan(before)
        const next = appendEntry(document, keys, entry)
        if (expires !== before.expires) setField(document, id, 'expires', expires)
        setField(document, id, 'successor', next.id)
        return { next, before, after: { ...endedBy(before, expires), successor: next.id } }
      }),
    undo: ({ before, after }) =>
      editKeyFile(file, 'change', ({ document, keys }) => {
        dropEntries(document, [after.successor])
        const old = keys.find(({ id }) => id === before.id)
        if (old?.successor !== after.successor) return
        setField(document, before.id, 'successor', before.successor)
        if (old.expires === after.expires) {
          setField(document, before.id, 'expires', before.expires)
        }
      }),
  }
}

function revokeIn({ document }: KeyDocument, key: StoredKey, revoked: string): StoredKey {
  if (key.revoked !== undefined) return key
  setField(document, key.id, 'revoked', revoked)
  return { ...key, revoked }
}

async function prune(
  file: string,
  isStopped: (key: StoredKey) => boolean,
  isDryRun: boolean,
): Promise<readonly StoredKey[]> {
  const stopped = readKeyFile(file).keys.filter(isStopped)
  if (isDryRun || stopped.length === 0) return stopped
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const dropped = keys.filter(isStopped)
    const ids = dropped.map(({ id }) => id)
    dropEntries(document, ids)
    return dropped
  })
}

/** The keys in the order of the file, or a page of them in the order of their ids. */
function pageOf(
  keys: readonly StoredKey[],
  { after, limit, principal }: Partial<KeyPage>,
): readonly StoredKey[] {
  const wanted = keys.filter((key) => principal === undefined || key.principal === principal)
  if (after === undefined && limit === undefined) return wanted
  // oxlint-disable-next-line unicorn/no-array-sort -- toSorted() is not in ES2022
  wanted.sort((one, other) => (one.id < other.id ? -1 : 1))
  return wanted.filter(({ id }) => id > (after ?? '')).slice(0, limit)
}
