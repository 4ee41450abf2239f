import { copyOf } from '../core/runtime.ts'

/** An entry of a partition. The links are those of the shelf that it stands on. */
interface Entry {
  readonly token: string
  readonly told: string
  readonly bytes: number
  readonly owner: { evict(entry: Entry): void }
  /** Used since the hand passed it. */
  visited: boolean
  newer: Entry | undefined
  older: Entry | undefined
}

interface ValueEntry<Value> extends Entry {
  readonly value: Value
}

export interface ShelfBounds {
  readonly maxEntries: number
  readonly maxBytes: number
}

export interface OnDrop<Value> {
  /** A token has too many entries. */
  readonly crowded?: (token: string, dropped: Value) => void
  /** The shelf is full. */
  readonly evicted?: (dropped: Value) => void
}

// Two bytes for a character, and what an engine needs for the objects around them.
const ENTRY_BYTES = 256
const MAX_ENTRIES_PER_TOKEN = 64

/**
 * The entries of one kind in all partitions of a cache, from the newest entry to the oldest. If it is full it drops an entry that was not
 * used lately (SIEVE): a read only sets a flag, so a hit costs one look-up.
 */
export class Shelf {
  readonly #bounds: ShelfBounds
  #newest: Entry | undefined
  #oldest: Entry | undefined
  #hand: Entry | undefined
  #entries = 0
  #bytes = 0

  constructor(bounds: ShelfBounds) {
    this.#bounds = bounds
  }

  size(): { readonly entries: number; readonly bytes: number } {
    return { entries: this.#entries, bytes: this.#bytes }
  }

  fits(bytes: number): boolean {
    return bytes <= this.#bounds.maxBytes
  }

  /** Drops entries, until there is room for one of so many bytes. */
  makeRoom(bytes: number): void {
    const { maxEntries, maxBytes } = this.#bounds
    while (this.#entries >= maxEntries || this.#bytes + bytes > maxBytes) this.#evict()
  }

  add(entry: Entry): void {
    entry.older = this.#newest
    if (this.#newest !== undefined) this.#newest.newer = entry
    this.#newest = entry
    this.#oldest ??= entry
    this.#entries += 1
    this.#bytes += entry.bytes
  }

  remove(entry: Entry): void {
    const { newer, older } = entry
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
    candidate?.owner.evict(candidate)
  }
}

/**
 * The values of one partition, by the token and by what else the endpoint is told. The entries of one token are limited, so that a
 * caller with many questions drops only its own.
 */
export class Entries<Value> {
  readonly #shelf: Shelf
  // Almost every token has one entry, and then no map of its own.
  readonly #tokens = new Map<string, ValueEntry<Value> | Map<string, ValueEntry<Value>>>()
  readonly #onDrop: OnDrop<Value>
  #toldLast = ''

  /** @param onDrop Called when an entry goes to make room. */
  constructor(shelf: Shelf, onDrop: OnDrop<Value> = {}) {
    this.#shelf = shelf
    this.#onDrop = onDrop
  }

  get(token: string, told: string): Value | undefined {
    const entry = this.#find(token, told)
    if (entry === undefined) return undefined
    entry.visited = true
    return entry.value
  }

  /** Returns whether the value fits. */
  set(sharedToken: string, sharedTold: string, value: Value, valueBytes: number): boolean {
    const token = copyOf(sharedToken)
    // If the endpoint is told only the token, all entries have the same string.
    const told = this.#toldLast === sharedTold ? this.#toldLast : copyOf(sharedTold)
    this.delete(token, told)
    const bytes = ENTRY_BYTES + 2 * (token.length + told.length) + valueBytes
    if (!this.#shelf.fits(bytes)) return false
    this.#toldLast = told
    this.#makeRoomForToken(token)
    this.#shelf.makeRoom(bytes)
    const links = { visited: false, newer: undefined, older: undefined }
    this.#add({ token, told, value, bytes, owner: this, ...links })
    return true
  }

  delete(token: string, told: string): void {
    const entry = this.#find(token, told)
    if (entry !== undefined) this.remove(entry)
  }

  /** Drops all entries of a token, or everything. */
  forget(token?: string): void {
    for (const found of token === undefined
      ? [...this.#tokens.values()]
      : [this.#tokens.get(token)]) {
      if (found instanceof Map) found.forEach((entry) => this.remove(entry))
      else if (found !== undefined) this.remove(found)
    }
  }

  remove(entry: Entry): void {
    const { token, told } = entry
    const found = this.#tokens.get(token)
    if (found instanceof Map) found.delete(told)
    if (!(found instanceof Map) || found.size === 0) this.#tokens.delete(token)
    this.#shelf.remove(entry)
  }

  /** Called by the shelf. */
  evict({ token, told }: Entry): void {
    const entry = this.#find(token, told)
    if (entry === undefined) return
    this.remove(entry)
    this.#onDrop.evicted?.(entry.value)
  }

  #find(token: string, told: string): ValueEntry<Value> | undefined {
    const found = this.#tokens.get(token)
    if (found instanceof Map) return found.get(told)
    return found?.told === told ? found : undefined
  }

  #add(entry: ValueEntry<Value>): void {
    const { token, told } = entry
    const found = this.#tokens.get(token)
    if (found instanceof Map) found.set(told, entry)
    else if (found === undefined) this.#tokens.set(token, entry)
    else this.#tokens.set(token, new Map([found, entry].map((one) => [one.told, one])))
    this.#shelf.add(entry)
  }

  #makeRoomForToken(token: string): void {
    const found = this.#tokens.get(token)
    if (!(found instanceof Map) || found.size < MAX_ENTRIES_PER_TOKEN) return
    const [first] = found.values()
    if (first === undefined) return
    this.remove(first)
    this.#onDrop.crowded?.(token, first.value)
  }
}
