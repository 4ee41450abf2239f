/** One kept verdict. The links are the store's. */
export interface StoredEntry<Value> {
  readonly token: string
  readonly told: string
  readonly value: Value
  readonly bytes: number
  /** Used since the hand passed it. */
  visited: boolean
  newer: StoredEntry<Value> | undefined
  older: StoredEntry<Value> | undefined
}

export interface StoreOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntriesPerToken: number
}

/** Keeps values by token and by what else the endpoint was told, within its bounds. */
export interface VerdictStore<Value> {
  readonly get: (token: string, told: string) => Value | undefined
  /** Returns whether there was room. */
  readonly set: (token: string, told: string, value: Value, valueBytes: number) => boolean
  readonly delete: (token: string, told: string) => void
  /** Drops all of a token, or everything. */
  readonly forget: (token?: string) => void
  readonly size: () => { readonly entries: number; readonly bytes: number }
}

// Two bytes a character, and what an engine spends on the objects around them.
const ENTRY_BYTES = 256

/**
 * Makes a store that drops what was not used lately (SIEVE): a read only sets a flag, so a hit costs one look-up. A token
 * is bounded too, so that one caller with many questions pushes out nobody else.
 */
export function createVerdictStore<Value>({
  maxEntries,
  maxBytes,
  maxEntriesPerToken,
}: StoreOptions): VerdictStore<Value> {
  type Entry = StoredEntry<Value>
  // Nearly always a token has one entry, and then no map of its own.
  const tokens = new Map<string, Entry | Map<string, Entry>>()
  let newest: Entry | undefined
  let oldest: Entry | undefined
  let hand: Entry | undefined
  let entries = 0
  let bytes = 0

  const find = (token: string, told: string): Entry | undefined => {
    const found = tokens.get(token)
    if (found instanceof Map) return found.get(told)
    return found?.told === told ? found : undefined
  }
  const index = (entry: Entry): void => {
    const found = tokens.get(entry.token)
    if (found === undefined) tokens.set(entry.token, entry)
    else if (found instanceof Map) found.set(entry.told, entry)
    else
      tokens.set(
        entry.token,
        new Map([
          [found.told, found],
          [entry.told, entry],
        ]),
      )
  }
  const unindex = ({ token, told }: Entry): void => {
    const found = tokens.get(token)
    if (found instanceof Map) found.delete(told)
    if (!(found instanceof Map) || found.size === 0) tokens.delete(token)
  }
  const link = (entry: Entry): void => {
    entry.older = newest
    if (newest !== undefined) newest.newer = entry
    newest = entry
    oldest ??= entry
  }
  const unlink = (entry: Entry): void => {
    if (entry.newer === undefined) newest = entry.older
    else entry.newer.older = entry.older
    if (entry.older === undefined) oldest = entry.newer
    else entry.older.newer = entry.newer
    if (hand === entry) hand = entry.newer
  }
  const remove = (entry: Entry | undefined): void => {
    if (entry === undefined) return
    unindex(entry)
    unlink(entry)
    entries -= 1
    bytes -= entry.bytes
  }
  const evict = (): void => {
    let candidate = hand ?? oldest
    while (candidate?.visited === true) {
      candidate.visited = false
      candidate = candidate.newer ?? oldest
    }
    hand = candidate?.newer
    remove(candidate)
  }
  const hasRoomFor = (size: number): boolean => entries < maxEntries && bytes + size <= maxBytes
  const makeRoomForToken = (token: string): void => {
    const found = tokens.get(token)
    if (!(found instanceof Map) || found.size < maxEntriesPerToken) return
    const [first] = found.values()
    remove(first)
  }

  return {
    get: (token, told) => {
      const entry = find(token, told)
      if (entry === undefined) return undefined
      entry.visited = true
      return entry.value
    },
    set: (sharedToken, sharedTold, value, valueBytes) => {
      const token = copyOf(sharedToken)
      // Where no more is told than the token, all entries have the same string.
      const told = newest?.told === sharedTold ? newest.told : copyOf(sharedTold)
      remove(find(token, told))
      const size = ENTRY_BYTES + 2 * (token.length + told.length) + valueBytes
      if (size > maxBytes) return false
      makeRoomForToken(token)
      while (!hasRoomFor(size)) evict()
      const entry: Entry = {
        token,
        told,
        value,
        bytes: size,
        visited: false,
        newer: undefined,
        older: undefined,
      }
      index(entry)
      link(entry)
      entries += 1
      bytes += size
      return true
    },
    delete: (token, told) => remove(find(token, told)),
    forget: (token) => {
      for (const found of token === undefined ? [...tokens.values()] : [tokens.get(token)]) {
        if (found instanceof Map) found.forEach(remove)
        else remove(found)
      }
    },
    size: () => ({ entries, bytes }),
  }
}

// A string that was cut out of another, or put together, keeps what it is made of in memory: a token of 20 characters
// the whole header that it came in.
function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
