import { misusedOption, readOptions } from '../../core/config/option-checks.ts'
import { generateSecret } from './changes.ts'
import { KeyFileError, noSuchKey } from '../error.ts'
import { endOfKey, statusOf, toRecord, toRetired } from '../keyring.ts'
import { invalidText, parseDurationOrZero, parseExpiry, toPurpose } from './new-key.ts'
import { requireId } from '../options.ts'
import { repositoryOf } from './place.ts'
import { formatTimestamp, parseTimestamp, roundDown, YEAR_10000 } from '../times.ts'
import type { KeyPlace, KeyUpdate } from '../database/store.ts'
import type { RotatedKey, RotateOptions, StoredKey } from '../record.ts'
import type { KeyRecords } from '../repository.ts'

const KNOWN = ['overlap', 'expiresAt', 'expiresIn'] as const
const OVERLAP = '24h'

/** A rotation that was done: the new key, and the old one before and after it. */
interface Rotation {
  readonly next: StoredKey
  readonly before: StoredKey
  readonly after: StoredKey
}

/** When the old key and the new key end, in milliseconds since 1970. */
interface Ends {
  readonly old: number
  /** `undefined` if the options do not state it. */
  readonly next: number | undefined
}

/**
 * Replaces a key by a new one with the same principal, tenant, attributes and paths. The new key works at once, and the old one until
 * `overlap` ends. In a file, both are one change. One of the keys works at any time. A cached decision about the old key
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
  place: KeyPlace,
  id: string,
  options: RotateOptions = {},
): Promise<RotatedKey> {
  const repository = repositoryOf(place)
  requireId(id)
  const now = Date.now()
  const ends = parseRotation(options, now)
  const { key, ...secret } = await generateSecret()
  const rotation = await repository.edit('extend', async (keys) => {
    const before = await keys.get(id)
    if (!before) throw noSuchKey(repository.name, 'id')
    requireActive(before, repository.name, now)
    requireLifetime(before, ends)
    const next = { ...secret, ...toPurpose(before, ends.next ?? endLike(before, now), now) }
    return replace(keys, before, next, earlierEnd(before, ends.old))
  })
  const replaces = toRetired(rotation.after, now)
  const undo = (): Promise<void> => repository.edit('change', (keys) => restore(keys, rotation))
  return { ...toRecord(rotation.next, now), key, replaces, undo }
}

/** Adds the new key first, so that one of both works at any time. */
async function replace(
  keys: KeyRecords,
  before: StoredKey,
  next: StoredKey,
  expires: string | undefined,
): Promise<Rotation> {
  await keys.insert(next)
  try {
    const changes = { expires: expires ?? null, successor: next.id }
    return { before, next, after: await updateUnchanged(keys, before, changes) }
  } catch (error) {
    // The first error says more, and the new key is unknown to all.
    await Promise.resolve(keys.remove(next.id)).catch(() => undefined)
    throw error
  }
}

/** @throws KeyFileError `locked` if the key, or what it may do, is no longer as it was before. */
async function updateUnchanged(
  keys: KeyRecords,
  before: StoredKey,
  changes: KeyUpdate,
): Promise<StoredKey> {
  const { id, expires = null, successor = null } = before
  const changed = await keys.update(id, changes, before)
  if (changed && rightsOf(changed) === rightsOf(before)) return changed
  if (changed) await keys.update(id, { expires, successor }, changed)
  throw new KeyFileError('locked', `The key ${id} was changed by another process. Try again`)
}

function rightsOf({ sha256, principal, tenant = '', attributes, paths = [] }: StoredKey): string {
  return JSON.stringify([sha256, principal, tenant, attributes, paths])
}

/** Undoes a rotation. Later changes of others stay. */
async function restore(keys: KeyRecords, { before, next, after }: Rotation): Promise<void> {
  const { id, expires = null, successor = null } = before
  const old = await keys.get(id)
  if (old?.successor === next.id) {
    const end = endOfKey(old) === endOfKey(after) ? { expires } : {}
    await keys.update(id, { successor, ...end }, old)
  }
  await keys.remove(next.id)
}

function parseRotation(value: unknown, now: number): Ends {
  const { overlap = OVERLAP, ...expiry } = readOptions(value, KNOWN, ['options'])
  const old = roundDown(now + parseDurationOrZero(['options', 'overlap'], overlap))
  if (old < YEAR_10000) return { old, next: parseExpiry('options', expiry, now) }
  throw invalidText(['options', 'overlap'], overlap, 'a duration that ends before the year 10000')
}

function requireActive(key: StoredKey, place: string, now: number): void {
  const status = statusOf(key, now)
  if (status === 'active') return
  const reason = `the key ${key.id} in ${place} is ${status}`
  throw new KeyFileError('not_active', `Cannot rotate: ${reason}. Create a new key instead`)
}

// The first rotation replaced the end that the key was made with.
function requireLifetime({ id, successor }: StoredKey, { next }: Ends): void {
  if (successor === undefined || next !== undefined) return
  const reason = `${successor} replaced the key ${id} already, so its lifetime is no longer known`
  throw misusedOption(['options', 'expiresIn'], `given, or \`options.expiresAt\`: ${reason}`)
}

function earlierEnd(key: StoredKey, end: number): string | undefined {
  return endOfKey(key) <= end ? key.expires : formatTimestamp(end)
}

/** Gives the new key the lifetime of the old one. Both end at once if the file does not state the lifetime. */
function endLike(old: StoredKey, now: number): number | undefined {
  const end = endOfKey(old)
  if (end === Infinity) return undefined
  const created = parseTimestamp(old.created ?? '') ?? end
  const life = end - created
  return life > 0 ? Math.min(roundDown(now + life), YEAR_10000 - 1000) : end
}
