import type { Check } from '../request/check.ts'

/** A call to the endpoint for a check. */
export interface Call {
  readonly check: Check
  readonly deadline: number
  /** Something newer is known, so its verdict must be neither cached nor shared. */
  isOutdated: boolean
  /** The guard that started it. Guards of a cache know each other's calls, and share only their own. */
  readonly by?: object
}

interface SameQuestion<Of> {
  readonly calls: Set<Of>
  /** The call that began last, by whoever started it. */
  readonly newest: Map<object | undefined, Of>
}

// The number of questions from which lost calls are looked for; then again at twice as many, so that looking costs almost
// nothing.
const MANY = 2048
// A call may still end a moment after its deadline.
const GRACE_MS = 1000

/** The calls under way. On Workers a call is lost with the request that started it, and never ends. */
export class UnderWay<Of extends Call> {
  // By key, since comparing all questions of one token with each other would be quadratic. A set is in the order in which its
  // calls began.
  readonly #byKey = new TransientMap<string, SameQuestion<Of>>()
  #sweepAt = MANY

  begin(call: Of, now: number): void {
    if (this.#byKey.size >= this.#sweepAt) {
      for (const [, { calls }] of this.#byKey.entries()) this.#dropLost(calls, now)
      this.#sweepAt = Math.max(MANY, 2 * this.#byKey.size)
    }
    const { key } = call.check
    const same = this.#byKey.get(key) ?? { calls: new Set(), newest: new Map() }
    this.#dropLost(same.calls, now)
    same.calls.add(call)
    same.newest.set(call.by, call)
    this.#byKey.set(key, same)
  }

  end(call: Of): void {
    const { key } = call.check
    const same = this.#byKey.get(key)
    if (same?.calls.delete(call) !== true) return
    if (same.newest.get(call.by) === call) same.newest.delete(call.by)
    if (same.calls.size === 0) this.#byKey.delete(key)
  }

  /** The call for a question that this one began last, if it has not ended. */
  newest(key: string, by: object): Of | undefined {
    return this.#byKey.get(key)?.newest.get(by)
  }

  /** Outdates all calls for a token, or all calls. */
  outdate(token?: string): void {
    for (const [, { calls }] of this.#byKey.entries()) {
      for (const call of calls)
        call.isOutdated ||= token === undefined || call.check.token === token
    }
  }

  /** Outdates the calls for a question, but not `except`. Returns whether there were any. */
  outdateOthers(key: string, except?: Of): boolean {
    const others = [...(this.#byKey.get(key)?.calls ?? [])].filter((call) => call !== except)
    for (const other of others) other.isOutdated = true
    return others.length > 0
  }

  /** Outdates the calls for the same question that began before this one. */
  outdateOlder(call: Of): void {
    // The older calls of an outdated call are outdated already. A dropped call is not in the set, so it has no place in the order.
    if (call.isOutdated) return
    for (const other of this.#byKey.get(call.check.key)?.calls ?? []) {
      if (other === call) return
      other.isOutdated = true
    }
  }

  // A dropped call can no longer be outdated, so its late verdict must not be used.
  #dropLost(calls: Iterable<Of>, now: number): void {
    for (const call of calls) {
      if (call.deadline >= now - GRACE_MS) return
      call.isOutdated = true
      this.end(call)
    }
  }
}

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
