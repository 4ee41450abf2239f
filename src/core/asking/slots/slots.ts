import { AuthUnavailableError } from '../../errors.ts'
import { isForbidden } from '../../endpoint/verdict.ts'
import { Flood } from './flood.ts'
import { Clients, nextOf, lastOf, noteDenial } from './turns.ts'
import type { ConcurrencyConfig } from '../../auth-config.ts'
import type { ParsedVerdict } from '../../endpoint/verdict.ts'
import type { Check } from '../../request/check.ts'
import type { Clock } from '../../runtime.ts'
import type { Client } from './turns.ts'

/** Permission for one call, until the call or its check ends. */
export interface Slot {
  readonly deadline: number
  /** Of a check that waited. */
  readonly client: Client
  readonly lane: Lane
}

/** A check that waits for a slot, as long as enough of its time is left for a call. */
interface Waiter {
  readonly client: Client
  readonly latestAt: number
  readonly start: () => void
  readonly giveUp: () => void
}

/** The checks of known tokens, or all others: the slots of their calls, and what waits for one, the oldest first. */
interface Lane {
  readonly taken: Set<Slot>
  readonly waiting: Set<Waiter>
}

// The slot of a call is kept until a moment after its deadline, when the call itself has ended.
const GRACE_MS = 250
// The client of all known tokens, and of each check that did not have to wait. Its address is not read.
const ANYBODY: Client = { debt: 0 }

/** The slots of the calls in flight: a lane for known tokens, and one for all others. */
export class Slots {
  readonly #limits: Required<ConcurrencyConfig>
  readonly #now: Clock['now']
  readonly #hasKnownTokens: () => boolean
  readonly #known: Lane = { taken: new Set(), waiting: new Set() }
  readonly #unknown: Lane = { taken: new Set(), waiting: new Set() }
  readonly #clients: Clients
  readonly #flood: Flood

  constructor(
    limits: Required<ConcurrencyConfig>,
    { now }: Pick<Clock, 'now'>,
    hasKnownTokens: () => boolean,
  ) {
    this.#limits = limits
    this.#now = now
    this.#hasKnownTokens = hasKnownTokens
    this.#clients = new Clients({ now })
    this.#flood = new Flood(limits.maxInFlight)
  }

  /** Takes a slot, if one is free for this check. */
  take(check: Check, deadline: number): Slot | undefined {
    const lane = this.#laneOf(check)
    if (!this.#isFree(lane)) this.#dropLost()
    this.#startWaiting()
    return this.#isFree(lane) ? take(lane, deadline) : undefined
  }

  /** Waits for a slot, for at most half of the time that is left: the other half is for the call. */
  wait(check: Check, deadline: number, signal: AbortSignal): Promise<Slot> {
    const lane = this.#laneOf(check)
    const client = lane === this.#known ? ANYBODY : this.#clients.at(check.readAddress?.())
    this.#makeRoom(client)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        lane.waiting.delete(waiter)
        clearTimeout(timer)
        signal.removeEventListener('abort', timeOut)
      }
      const rejectAs = (reason: 'timeout' | 'overloaded'): void => {
        leave()
        reject(new AuthUnavailableError(reason))
      }
      const timeOut = (): void => rejectAs('timeout')
      const giveUp = (): void => rejectAs('overloaded')
      const start = (): void => {
        leave()
        resolve(take(lane, deadline, client))
      }
      // Each check has a timer of its own, since on Workers one request cannot settle the promise of another.
      const patienceMs = (deadline - this.#now()) / 2
      const timer = setTimeout(giveUp, patienceMs)
      const waiter: Waiter = { client, latestAt: this.#now() + patienceMs, start, giveUp }
      lane.waiting.add(waiter)
      signal.addEventListener('abort', timeOut)
    })
  }

  /** Gives the slot of a call back that has ended. */
  give(slot: Slot): void {
    slot.lane.taken.delete(slot)
    this.#startWaiting()
  }

  /** Learns from a verdict how many unknown tokens may be asked about, and whose turn is later. */
  learn({ lane, client }: Slot, check: Check, verdict: ParsedVerdict): void {
    if (lane === this.#known || isForbidden(verdict, check)) return
    if (verdict.outcome === 'deny' && client !== ANYBODY) noteDenial(client)
    this.#flood.learn(verdict, this.#hasKnownTokens(), this.#now())
  }

  #laneOf({ isKnown }: Check): Lane {
    return isKnown ? this.#known : this.#unknown
  }

  #isFree(lane: Lane): boolean {
    const { maxInFlight } = this.#limits
    if (this.#known.taken.size + this.#unknown.taken.size >= maxInFlight) return false
    const most = this.#hasKnownTokens() ? this.#flood.width : maxInFlight
    return lane === this.#known || this.#unknown.taken.size + 1 <= most
  }

  #countWaiting(): number {
    return this.#known.waiting.size + this.#unknown.waiting.size
  }

  #startWaiting(): void {
    this.#startLane(this.#known)
    this.#startLane(this.#unknown)
  }

  #startLane(lane: Lane): void {
    while (this.#isFree(lane)) {
      const isCrowded = lane === this.#unknown && 2 * this.#countWaiting() > this.#limits.maxWaiting
      const waiter = nextOf(lane.waiting, isCrowded)
      if (waiter === undefined) return
      // A call without enough time would take the place of another one, and look like an outage.
      if (waiter.latestAt > this.#now()) waiter.start()
      else this.#dropLostOf(lane)
    }
  }

  /** Frees a place among the waiting checks. Without one that may give way, this check is rejected. */
  #makeRoom({ debt }: Client): void {
    if (this.#countWaiting() < this.#limits.maxWaiting) return
    const last = lastOf(this.#unknown.waiting)
    if (last === undefined || debt > last.client.debt) throw new AuthUnavailableError('overloaded')
    last.giveUp()
  }

  #dropLost(): void {
    this.#dropLostOf(this.#known)
    this.#dropLostOf(this.#unknown)
  }

  // On Workers a request can end with its promises and timers, before its call does or while it waits for one. Neither its
  // slot nor its place may stay taken.
  #dropLostOf({ taken, waiting }: Lane): void {
    const time = this.#now()
    for (const slot of taken) if (slot.deadline + GRACE_MS <= time) taken.delete(slot)
    for (const waiter of waiting) if (waiter.latestAt <= time) waiting.delete(waiter)
  }
}

function take(lane: Lane, deadline: number, client = ANYBODY): Slot {
  const slot = { deadline, client, lane }
  lane.taken.add(slot)
  return slot
}
