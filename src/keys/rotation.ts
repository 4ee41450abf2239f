import { misusedOption, readOptions } from '../core/config/option-checks.ts'
import { editorOf, generateSecret } from './changes.ts'
import { KeyFileError } from './error.ts'
import { endOfKey, statusOf, toRecord, toRetired } from './keyring.ts'
import { invalidText, parseDurationOrZero, parseExpiry, toPurpose } from './new-key.ts'
import { requireId } from './options.ts'
import { formatTimestamp, parseTimestamp, roundDown, YEAR_10000 } from './times.ts'
import type { KeyPlace } from './database/store.ts'
import type { RotatedKey, RotateOptions, StoredKey } from './record.ts'

const KNOWN = ['overlap', 'expiresAt', 'expiresIn'] as const
const OVERLAP = '24h'

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
  const editor = editorOf(place)
  requireId(id)
  const now = Date.now()
  const ends = parseRotation(options, now)
  const { key, ...secret } = await generateSecret()
  const rotation = await editor.rotate(id, (old) => {
    requireActive(old, editor.name, now)
    requireLifetime(old, ends)
    const purpose = toPurpose(old, ends.next ?? endLike(old, now), now)
    return { entry: { ...purpose, ...secret }, expires: earlierEnd(old, ends.old) }
  })
  const replaces = toRetired(rotation.after, now)
  const undo = (): Promise<void> => editor.undo(rotation)
  return { ...toRecord(rotation.next, now), key, replaces, undo }
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
