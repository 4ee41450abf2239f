/** An entry of the store. The links are the store's. */
interface Entry<Value> {
  readonly token: string
  readonly told: string
  readonly value: Value
  readonly bytes: number
  /** Used since the hand passed it. */
  visited: boolean
  newer: Entry<Value> | undefined
  older: Entry<Value> | undefined
}

export interface StoreOptions {
  readonly maxEntries: number
  readonly maxBytes: number
  readonly maxEntriesPerToken: number
}

// Two bytes for a character, and what an engine needs for the objects around them.
const ENTRY_BYTES = 256

/**
 * Stores values by the token and by what else the endpoint is told. If it is full it drops an entry that was not used lately
 * (SIEVE): a read only sets a flag, so a hit costs one look-up. The entries of one token are limited too, so that a caller
 * with many questions drops only its own.
 */
export class VerdictStore<Value> {
  readonly #options: StoreOptions
  // Almost every token has one entry, and then no map of its own.
  readonly #tokens = new Map<string, Entry<Value> | Map<string, Entry<Value>>>()
  #newest: Entry<Value> | undefined
  #oldest: Entry<Value> | undefined
  #hand: Entry<Value> | undefined
  #entries = 0
  #bytes = 0

  constructor(options: StoreOptions) {
    this.#options = options
  }

  get(token: string, told: string): Value | undefined {
    const entry = this.#find(token, told)
    if (entry === undefined) return undefined
    entry.visited = true
    return entry.value
  }

  /** Returns whether the value fits. */
  set(sharedToken: string, sharedTold: string, value: Value, valueBytes: number): boolean {
    const { maxEntries, maxBytes } = this.#options
    const token = copyOf(sharedToken)
    // If the endpoint is told only the token, all entries have the same string.
    const told = this.#newest?.told === sharedTold ? this.#newest.told : copyOf(sharedTold)
    this.delete(token, told)
    const bytes = ENTRY_BYTES + 2 * (token.length + told.length) + valueBytes
    if (bytes > maxBytes) return false
    this.#makeRoomForToken(token)
    while (this.#entries >= maxEntries || this.#bytes + bytes > maxBytes) this.#evict()
    this.#add({ token, told, value, bytes, visited: false, newer: undefined, older: undefined })
    return true
  }

  delete(token: string, told: string): void {
    this.#remove(this.#find(token, told))
  }

  /** Drops all entries of a token, or everything. */
  forget(token?: string): void {
    for (const found of token === undefined
      ? [...this.#tokens.values()]
      : [this.#tokens.get(token)]) {
      if (found instanceof Map) found.forEach((entry) => this.#remove(entry))
      else this.#remove(found)
    }
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  #find(token: string, told: string): Entry<Value> | undefined {
    const found = this.#tokens.get(token)
    if (found instanceof Map) return found.get(told)
    return found?.told === told ? found : undefined
  }

  #add(entry: Entry<Value>): void {
    const { token, told } = entry
    const found = this.#tokens.get(token)
    if (found instanceof Map) found.set(told, entry)
    else if (found === undefined) this.#tokens.set(token, entry)
    else this.#tokens.set(token, new Map([found, entry].map((one) => [one.told, one])))
    entry.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = entry
    this.#newest = entry
    this.#oldest ??= entry
    this.#entries += 1
    this.#bytes += entry.bytes
  }

  #remove(entry: Entry<Value> | undefined): void {
    if (entry === undefined) return
    const { token, told, newer, older } = entry
    const found = this.#tokens.get(token)
    if (found instanceof Map) found.delete(told)
    if (!(found instanceof Map) || found.size === 0) this.#tokens.delete(token)
    if (newer === undefined) this.#newest = older
    else newer.older = older
    if (older === undefined) this.#oldest = newer
    else older.newer = newer
    if (this.#hand === entry) this.#hand = newer
    this.#entries -= 1
    this.#bytes -= entry.bytes
  }

  #evict(): void {
    let candidate = this.#hand ?? this.#oldest
    while (candidate?.visited === true) {
      candidate.visited = false
      candidate = candidate.newer ?? this.#oldest
    }
    this.#hand = candidate?.newer
    this.#remove(candidate)
  }

  #makeRoomForToken(token: string): void {
    const found = this.#tokens.get(token)
    if (!(found instanceof Map) || found.size < this.#options.maxEntriesPerToken) return
    const [first] = found.values()
    this.#remove(first)
  }
}

/**
 * A string of its own. One that was cut out of another one keeps the whole of it in memory: a token of 20 characters the header
 * that it came in.
 */
export function copyOf(text: string): string {
  return JSON.parse(JSON.stringify(text)) as string
}
