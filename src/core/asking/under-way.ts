import { orLost } from '../async.ts'
import { isUnavailable } from './outage.ts'
import type { CallStart } from './call-state.ts'
import type { Stamp } from '../seams.ts'
import type { ParsedVerdict } from '../endpoint/verdict.ts'
import type { Clock } from '../runtime.ts'

/** A pending call to the endpoint. Checks may join it, unless it was started for one alone. */
export class PendingCall {
  readonly start: CallStart
  /** The guard that started it. Guards of a cache know each other's calls, and share only their own. */
  readonly by: object
  /** The time of day at which it began. */
  readonly wallNow: number
  /** With a store: what was known before anything was sent. */
  readonly stamp: Stamp | undefined
  /** Checks join the call of their guard that began last. None joins the call of a check that asks alone. */
  isNewest: boolean
  /** Something newer is known, so its verdict must be neither stored nor shared. */
  isOutdated = false
  /** A call that began later has been answered, so its verdict must not be stored. */
  isSuperseded = false
  /** Settles with the call, but not always in another request: see `orLost`. */
  verdict: Promise<ParsedVerdict> | undefined
  result: { readonly verdict: ParsedVerdict } | { readonly error: unknown } | undefined

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

// A call may still end a moment after its deadline.
const GRACE_MS = 1000
// Often enough that little memory is held back, and rarely enough that copying costs almost nothing.
const RENEW_AFTER = 256

/** The calls under way. On Workers a call is lost with the request that started it, and never ends. */
export class UnderWay {
  // By question, in the order in which they began: comparing all questions of one token with each other would be quadratic. In V8 a
  // table that a Map has outgrown refers to the next one, so once it is old, only a full garbage collection frees it and all that
  // came after it. So the Map is replaced now and then, without the calls that are lost.
  #byKey = new Map<string, PendingCall[]>()
  #untilRenewal = RENEW_AFTER

  begin(call: PendingCall): void {
    const { check, now } = call.start
    if (this.#untilRenewal === 0) this.#renew(now)
    this.#untilRenewal -= 1
    const calls = withoutLost(this.#byKey.get(check.key), now)
    const newest = call.isNewest ? this.newest(check.key, call.by) : undefined
    if (newest !== undefined) newest.isNewest = false
    calls.push(call)
    this.#byKey.set(check.key, calls)
  }

  end(call: PendingCall): void {
    const { key } = call.start.check
    const calls = this.#byKey.get(key) ?? []
    const index = calls.indexOf(call)
    if (index >= 0) calls.splice(index, 1)
    if (calls.length === 0) this.#byKey.delete(key)
  }

  /** The call for a question that this guard began last, if it has not ended. */
  newest(key: string, by: object): PendingCall | undefined {
    return this.#byKey.get(key)?.find((call) => call.isNewest && call.by === by)
  }

  /** Outdates all calls for a token, or all calls. */
  outdate(token?: string): void {
    for (const calls of this.#byKey.values()) {
      if (token === undefined || calls[0]?.start.check.token === token) outdateAll(calls)
    }
  }

  /** Outdates the other calls for the same question. Returns whether there were any. */
  outdateOthers(call: PendingCall): boolean {
    const others = this.#callsLike(call).filter((other) => other !== call)
    outdateAll(others)
    return others.length > 0
  }

  /** Supersedes the calls for the same question that began before this one. A call that was dropped has no place in the order. */
  supersedeOlder(call: PendingCall): void {
    if (call.isOutdated) return
    const calls = this.#callsLike(call)
    for (const older of calls.slice(0, Math.max(0, calls.indexOf(call)))) older.isSuperseded = true
  }

  #callsLike({ start }: PendingCall): readonly PendingCall[] {
    return this.#byKey.get(start.check.key) ?? []
  }

  #renew(now: number): void {
    const kept = new Map<string, PendingCall[]>()
    for (const [key, calls] of this.#byKey) {
      const left = withoutLost(calls, now)
      if (left.length > 0) kept.set(key, left)
    }
    this.#byKey = kept
    this.#untilRenewal = RENEW_AFTER + kept.size
  }
}

/** The calls without the lost ones before the first that is not. To look at all of them for each would be quadratic. */
function withoutLost(calls: PendingCall[] = [], now: number): PendingCall[] {
  const first = calls.findIndex(({ start }) => start.deadline >= now - GRACE_MS)
  if (first === 0) return calls
  const count = first === -1 ? calls.length : first
  // A dropped call can no longer be outdated, so its late verdict must not be used.
  outdateAll(calls.slice(0, count))
  return calls.slice(count)
}

function outdateAll(calls: readonly PendingCall[]): void {
  for (const call of calls) call.isOutdated = true
}
