import { misusedOption, readOptions } from '../core/config/option-checks.ts'
import { append, dropEntries, generateSecret, noSuchKey, setField } from './changes.ts'
import { editKeyFile } from './file/edit.ts'
import { KeyFileError } from './error.ts'
import { endOfKey, statusOf, toRecord } from './state.ts'
import { checkDurationOrZero, checkExpiry, invalidText, roundDown, YEAR_10000 } from './new-key.ts'
import { formatTimestamp, parseTimestamp } from './times.ts'
import type { KeyDocument } from './file/document.ts'
import type { RotatedKey, StoredKey } from './record.ts'

const KNOWN = ['overlap', 'expiresAt', 'expiresIn'] as const
const OVERLAP = '24h'

/** When the old key ends, and the new one, in milliseconds since 1970. */
interface Ends {
  readonly old: number
  /** `undefined` if the caller leaves it to the old key. */
  readonly next: number | undefined
}

/** Two entries of one file: the key that is new, and the one that it replaces, before and after. */
interface Replacement {
  readonly next: StoredKey
  readonly before: StoredKey
  readonly after: StoredKey
}

/** Writes down a new key in place of an old one, and when the old one ends, in one change of the file. */
export async function replaceKey(
  file: string,
  id: string,
  options: unknown,
  now: number,
): Promise<RotatedKey> {
  const ends = checkRotation(options, now)
  const { key, ...secret } = await generateSecret()
  const replacement = await editKeyFile(
    file,
    ({ document, keys }) => {
      const before = keys.find((one) => one.id === id)
      if (before === undefined) throw noSuchKey(file, { id })
      refuseEnded(before, file, now)
      refuseUnknownLifetime(before, ends)
      const next = append(document, keys, { ...purposeOf(before, ends.next, now), ...secret })
      const after = { ...endBy(before, ends.old), successor: next.id }
      if (after.expires !== before.expires) setField(document, id, 'expires', after.expires)
      setField(document, id, 'successor', after.successor)
      return { next, before, after }
    },
    { create: false, isAddition: true },
  )
  return {
    ...toRecord(replacement.next, now),
    key,
    replaces: toRecord(replacement.after, now),
    undo: async () => undo(file, replacement),
  }
}

function checkRotation(value: unknown, now: number): Ends {
  const { overlap = OVERLAP, ...expiry } = readOptions(value, KNOWN, 'options')
  const old = roundDown(now + checkDurationOrZero('options.overlap', overlap))
  if (old < YEAR_10000) return { old, next: checkExpiry('options', expiry, now) }
  throw invalidText('options.overlap', overlap, 'a duration that ends before the year 10000')
}

function refuseEnded(key: StoredKey, file: string, now: number): void {
  const status = statusOf(key, now)
  if (status === 'active') return
  const reason = `the key ${key.id} in ${file} is ${status}`
  throw new KeyFileError('not_active', `Cannot rotate: ${reason}. Make a new key instead`)
}

// The first rotation wrote another end over the one that the key was made with.
function refuseUnknownLifetime({ id, successor }: StoredKey, { next }: Ends): void {
  if (successor === undefined || next !== undefined) return
  const reason = `the key ${id} was replaced by ${successor} already, so the file does not tell how long another key shall last`
  throw misusedOption('options.expiresIn', `given, or \`options.expiresAt\`: ${reason}`)
}

function endBy(key: StoredKey, end: number): StoredKey {
  return endOfKey(key) <= end ? key : { ...key, expires: formatTimestamp(end) }
}

function purposeOf(
  old: StoredKey,
  end: number | undefined,
  now: number,
): Omit<StoredKey, 'id' | 'prefix' | 'sha256'> {
  const { principal, attributes, paths } = old
  const expires = end ?? endLike(old, now)
  return {
    principal,
    attributes,
    ...(paths === undefined ? {} : { paths }),
    created: formatTimestamp(roundDown(now)),
    ...(expires === undefined ? {} : { expires: formatTimestamp(expires) }),
  }
}

/** The new key lasts as long as the old one was made for. Where the file does not tell how long that is, both end at once. */
function endLike(old: StoredKey, now: number): number | undefined {
  const end = endOfKey(old)
  if (end === Infinity) return undefined
  const created = parseTimestamp(old.created ?? '') ?? end
  const life = end - created
  return life > 0 ? Math.min(roundDown(now + life), YEAR_10000 - 1000) : end
}

// Changes that others made since then stay.
async function undo(file: string, { next, before, after }: Replacement): Promise<void> {
  const restore = ({ document, keys }: KeyDocument): void => {
    dropEntries(document, [next.id])
    const old = keys.find(({ id }) => id === before.id)
    if (old?.successor !== next.id) return
    setField(document, before.id, 'successor', before.successor)
    if (old.expires === after.expires) setField(document, before.id, 'expires', before.expires)
  }
  await editKeyFile(file, restore, { create: false })
}
