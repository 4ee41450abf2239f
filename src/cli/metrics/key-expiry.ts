import { listKeys } from '../../keys.ts'
import type { KeyPlace, KeyRecord } from '../../keys.ts'

const PAGE = 1000
// All keys are read, and a database may have many.
const FRESH_MS = 600_000

/**
 * Returns a function that says when the next key expires, in milliseconds since 1970, of those that work now and were not rotated:
 * the old key of a rotation is meant to end. It reads the keys when it is called, every ten minutes at most, and answers by what was
 * read before. `undefined` if no key expires.
 */
export function followKeyExpiry(place: KeyPlace): () => number | undefined {
  let ends: number | undefined
  let readAt = -Infinity
  const read = async (): Promise<void> => {
    ends = await findNextExpiry(place)
  }
  const next = (): number | undefined => {
    if (performance.now() - readAt < FRESH_MS) return ends
    readAt = performance.now()
    // The keys that cannot be read are reported where they decide.
    read().catch(() => undefined)
    return ends
  }
  next()
  return next
}

async function findNextExpiry(place: KeyPlace): Promise<number | undefined> {
  let earliest = Infinity
  let after: string | undefined
  do {
    const wanted = { limit: PAGE, ...(after === undefined ? {} : { after }) }
    // oxlint-disable-next-line no-await-in-loop -- each page starts after the one before
    const keys: readonly KeyRecord[] = await listKeys(place, wanted)
    earliest = Math.min(earliest, ...keys.map(expiryOf))
    after = keys.length < PAGE ? undefined : keys.at(-1)?.id
  } while (after !== undefined)
  return earliest === Infinity ? undefined : earliest
}

function expiryOf({ status, expires, successor }: KeyRecord): number {
  const isExpected = status === 'active' && successor === undefined && expires !== undefined
  return isExpected ? Date.parse(expires) : Infinity
}
