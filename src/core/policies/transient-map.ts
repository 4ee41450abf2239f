// Often enough that little memory is held back, and rarely enough that copying costs almost nothing.
const RENEW_AFTER = 256

/**
 * A Map for entries that come and go. In V8 a table that a Map has outgrown refers to the next one. So once it is old, only a
 * full garbage collection frees it and all entries that came after it. A new Map refers to no old table.
 */
export class TransientMap<Key, Value> {
  #map = new Map<Key, Value>()
  #added = 0

  get size(): number {
    return this.#map.size
  }

  get(key: Key): Value | undefined {
    return this.#map.get(key)
  }

  set(key: Key, value: Value): void {
    this.#added += 1
    if (this.#added > RENEW_AFTER + this.#map.size) this.#renew()
    this.#map.set(key, value)
  }

  delete(key: Key): void {
    this.#map.delete(key)
  }

  entries(): IterableIterator<[Key, Value]> {
    return this.#map.entries()
  }

  #renew(): void {
    this.#map = new Map(this.#map)
    this.#added = 0
  }
}
