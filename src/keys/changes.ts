import { boolean } from '../core/config/kinds.ts'
import { invalidSecret, readOptions } from '../core/config/option-checks.ts'
import { KeyFileError } from './error.ts'
import { editKeyFile } from './file/edit.ts'
import { appendEntry, dropEntries, setField } from './file/entries.ts'
import { readKeyFile } from './file/read.ts'
import { stopOfKey, toRecord } from './keyring.ts'
import { parseDurationOrZero, parseNewKey } from './new-key.ts'
import { generateKey, hashKey, visiblePrefix } from './secret.ts'
import { formatTimestamp, roundDown } from './times.ts'
import type { NewEntry } from './file/entries.ts'
import type { CreatedKey, KeyRecord, NewKey, StoredKey } from './record.ts'

/** Makes a key and writes its hash into the file. */
export async function addKey(file: string, wanted: NewKey, now: number): Promise<CreatedKey> {
  const purpose = parseNewKey(wanted, now)
  const { key, ...secret } = await generateSecret()
  return editKeyFile(file, 'create', ({ document, keys }) => {
    const stored = appendEntry(document, keys, { ...purpose, ...secret })
    return { ...toRecord(stored, now), key }
  })
}

/** Makes a key, and the fields by which the file recognises it. */
export async function generateSecret(): Promise<
  Pick<NewEntry, 'prefix' | 'sha256'> & Pick<CreatedKey, 'key'>
> {
  const key = generateKey()
  return { key, prefix: visiblePrefix(key), sha256: await hashKey(key) }
}

/** One field by which a key can be found. */
export type KeyReference = Pick<StoredKey, 'id'> | Pick<StoredKey, 'sha256'>

/** @throws AuthConfigError */
export async function parseReference(value: unknown): Promise<KeyReference> {
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

/** Marks a key as revoked. A key that is revoked already keeps its time. */
export async function markRevoked(
  file: string,
  reference: KeyReference,
  now: number,
): Promise<KeyRecord> {
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const key = findKey(file, keys, reference)
    if (key.revoked !== undefined) return toRecord(key, now)
    const revoked = formatTimestamp(roundDown(now))
    setField(document, key.id, 'revoked', revoked)
    return toRecord({ ...key, revoked }, now)
  })
}

/** Removes the entry of a key. Returns the key as it was. */
export async function dropKey(file: string, id: string, now: number): Promise<KeyRecord> {
  return editKeyFile(file, 'change', ({ document, keys }) => {
    const key = findKey(file, keys, { id })
    dropEntries(document, [id])
    return toRecord(key, now)
  })
}

/** Removes all keys that were revoked or expired long enough ago, and returns them. */
export async function dropStopped(
  file: string,
  options: unknown,
  now: number,
): Promise<readonly KeyRecord[]> {
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
