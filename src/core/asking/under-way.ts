import { orLost } from '../async.ts'
import { isUnavailable } from './outage.ts'
import type { CallStart } from './call.ts'
import type { Stamp } from '../seams.ts'
import type { ParsedVerdict } from '../endpoint/verdict.ts'
import type { Clock } from '../runtime.ts'

type CallResult = { readonly verdict: ParsedVerdict } | { readonly error: unknown }

/** A call to the endpoint that is under way. */
export class Call {
  readonly start: CallStart
  /** The guard that started it. Guards of a cache know each other's calls, and share only their own. */
  readonly by: object
  /** The time of day at which it began. */
  readonly wallNow: number
  /** With a store: what was known before anything was sent. */
  readonly stamp: Stamp | undefined
  /** Something newer is known, so its verdict must be neither stored nor shared. */
  isOutdated = false
  /** A call that began later has been answered, so its verdict must not be stored. */
  isSuperseded = false
  /** Checks join the call of their guard that began last. None joins the call of a check that asks alone. */
  isNewest: boolean
  /** The call for the same question that began before. */
  older: Call | undefined
  /** Settles with the call, but not always in another request: see `orLost`. */
  verdict: Promise<ParsedVerdict> | undefined
  result: CallResult | undefined

  constructor(
    start: CallStart,
    by: object,
    isShared: boolean,
    wallNow: number,
    stamp: Stamp | undefined,
  ) {
    this.start = start
    this.by = by
    this.isNewest = isShared
    this.wallNow = wallNow
    this.stamp = stamp
  }

  canBeJoined(now: number, { wallNow }: Pick<Clock, 'wallNow'>): boolean {
    if (this.isOutdated || this.start.deadline <= now) return false
    // A request that comes after a revocation must not take what was asked before it.
    return this.stamp === undefined || this.stamp.isGood(now, wallNow())
  }

  /** The verdict, or `undefined` if a follower must ask for itself: the call is lost, outdated, or ran out of its own time. */
  async verdictForFollower(): Promise<ParsedVerdict | undefined> {
    await orLost(this.verdict)
    const { result } = this
    if (result === undefined || this.isOutdated) return undefined
    if ('verdict' in result) return result.verdict
    if (isUnavailable(result.error, 'timeout')) return undefined
    throw result.error
  }
}

// The number of questions from which lost calls are looked for; then again at twice as many, so that looking costs almost
// nothing.
const MANY = 2048
// A call may still end a moment after its deadline.
const GRACE_MS = 1000

/** The calls under way. On Workers a call is lost with the request that started it, and never ends. */
export class UnderWay {
  // By question, the call that began last, since comparing all questions of one token with each other would be quadratic.
  readonly #last = new TransientMap<string, Call>()
  #sweepAt = MANY

  begin(call: Call): void {
    const { check, now } = call.start
    if (this.#last.size >= this.#sweepAt) {
      for (const [key] of this.#last.entries()) this.#dropLost(key, now)
      this.#sweepAt = Math.max(MANY, 2 * this.#last.size)
    }
    this.#dropLost(check.key, now)
    const newest = call.isNewest ? this.newest(check.key, call.by) : undefined
    if (newest !== undefined) newest.isNewest = false
    call.older = this.#last.get(check.key)
    this.#last.set(check.key, call)
  }

  end(call: Call): void {
    const { key } = call.start.check
    const last = this.#last.get(key)
    if (last === call) {
      if (call.older === undefined) this.#last.delete(key)
      else this.#last.set(key, call.older)
      return
    }
    const newer = find(last, ({ older }) => older === call)
    if (newer !== undefined) newer.older = call.older
  }

  /** The call for a question that this guard began last, if it has not ended. */
  newest(key: string, by: object): Call | undefined {
    return find(this.#last.get(key), (call) => call.isNewest && call.by === by)
  }

  /** Outdates all calls for a token, or all calls. */
  outdate(token?: string): void {
    for (const [, last] of this.#last.entries()) {
      if (token === undefined || last.start.check.token === token) outdateAll(last)
    }
  }

  /** Outdates the other calls for the same question. Returns whether there were any. */
  outdateOthers(call: Call): boolean {
    return outdateAll(this.#last.get(call.start.check.key), call)
  }

  /** Supersedes the calls for the same question that began before this one. A call that was dropped has no place in the order. */
  supersedeOlder(call: Call): void {
    if (call.isOutdated) return
    for (let { older } = call; older !== undefined; older = older.older) older.isSuperseded = true
  }

  // A dropped call can no longer be outdated, so its late verdict must not be used.
  #dropLost(key: string, now: number): void {
    for (let call = this.#last.get(key); call !== undefined; call = call.older) {
      if (call.start.deadline >= now - GRACE_MS) continue
      call.isOutdated = true
      this.end(call)
    }
  }
}

function find(last: Call | undefined, isFound: (call: Call) => boolean): Call | undefined {
  let call = last
  while (call !== undefined && !isFound(call)) call = call.older
  return call
}

function outdateAll(last: Call | undefined, except?: Call): boolean {
  let isAny = false
  for (let call = last; call !== undefined; call = call.older) {
    if (call === except) continue
    call.isOutdated = true
    isAny = true
  }
  return isAny
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
