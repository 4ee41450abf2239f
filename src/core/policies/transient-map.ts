// Often enough that little is held back, and seldom enough that copying costs next to nothing.
const RENEW_AFTER = 256

/**
 * A Map for what comes and goes. In V8 a table that a Map has outgrown refers to the next: one that has become old, and
 * with it all that was in it and in those after it, is freed by nothing but a full collection. A new Map refers to none.
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
