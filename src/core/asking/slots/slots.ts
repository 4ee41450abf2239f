import { AuthUnavailableError } from '../../errors.ts'
import { Flood } from './flood.ts'
import { Clients, DENIAL, lastOf, nextOf } from './turns.ts'
import type { ConcurrencyConfig } from '../../auth-config.ts'
import type { ParsedVerdict } from '../../endpoint/verdict.ts'
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

/** A call that wants a slot. */
interface Candidate {
  readonly isKnown: boolean
  readonly deadline: number
}

/**
 * Limits the calls in flight: a lane for known tokens, and one for all others. A check over the limit waits within its own deadline.
 * Known tokens go before all others, in turn. Unknown tokens take turns by client. If more than half of the places are taken, the
 * newest of them goes first, since the oldest has the least time left. If all are taken, a new check takes the place of an unknown
 * one, of the client that owes most, that has waited longest: a flood displaces itself. Without such a check it is rejected as
 * `overloaded`.
 */
export class Slots {
  readonly #limits: Required<ConcurrencyConfig>
  readonly #known: Lane = { taken: new Set(), waiting: new Set() }
  readonly #unknown: Lane = { taken: new Set(), waiting: new Set() }
  readonly #clients = new Clients()
  readonly #flood: Flood

  /** @param isAnyKnown Whether there is a known token, so that others must leave slots free. */
  constructor(limits: Required<ConcurrencyConfig>, isAnyKnown: (now: number) => boolean) {
    this.#limits = limits
    this.#flood = new Flood(limits.maxInFlight, isAnyKnown)
  }

  /** Takes a slot, if one is free for this call. */
  take({ isKnown, deadline }: Candidate, now: number): Slot | undefined {
    const lane = this.#laneOf(isKnown)
    if (this.#countWaiting() > 0 || !this.#isFree(lane, now)) this.#dropLost(now)
    this.#startWaiting(now)
    return this.#isFree(lane, now) ? take(lane, deadline) : undefined
  }

  /**
   * Waits for a slot, for at most half of the time that is left: the other half is for the call. Throws `overloaded` at once if no
   * more may wait.
   *
   * @param readAddress Returns the address of the client. Called only here, and may throw.
   */
  wait(
    { isKnown, deadline }: Candidate,
    readAddress: (() => string | undefined) | undefined,
    now: number,
  ): Promise<Slot> {
    const lane = this.#laneOf(isKnown)
    const client = isKnown ? ANYBODY : this.#clients.at(readAddress?.(), now)
    this.#makeRoom(client)
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        lane.waiting.delete(waiter)
        clearTimeout(timer)
      }
      const giveUp = (): void => {
        leave()
        reject(new AuthUnavailableError('overloaded'))
      }
      const start = (): void => {
        leave()
        resolve(take(lane, deadline, client))
      }
      // Each check has a timer of its own, since on Workers one request cannot settle the promise of another.
      const patienceMs = (deadline - now) / 2
      const timer = setTimeout(giveUp, patienceMs)
      const waiter: Waiter = { client, latestAt: now + patienceMs, start, giveUp }
      lane.waiting.add(waiter)
    })
  }

  /** Gives the slot of a call back that has ended. */
  give(slot: Slot, now: number): void {
    slot.lane.taken.delete(slot)
    this.#startWaiting(now)
  }

  /** Learns from a verdict how many unknown tokens may be asked about, and whose turn is later. */
  learn({ lane, client }: Slot, verdict: ParsedVerdict, now: number): void {
    if (lane === this.#known) return
    if (verdict.outcome === 'deny' && client !== ANYBODY) client.debt += DENIAL
    this.#flood.learn(verdict, now)
  }

  #laneOf(isKnown: boolean): Lane {
    return isKnown ? this.#known : this.#unknown
  }

  #isFree(lane: Lane, now: number): boolean {
    const unknown = this.#unknown.taken.size
    if (this.#known.taken.size + unknown >= this.#limits.maxInFlight) return false
    return lane === this.#known || this.#flood.permits(unknown + 1, now)
  }

  #countWaiting(): number {
    return this.#known.waiting.size + this.#unknown.waiting.size
  }

  #startWaiting(now: number): void {
    if (this.#countWaiting() === 0) return
    this.#startLane(this.#known, now)
    this.#startLane(this.#unknown, now)
  }

  #startLane(lane: Lane, now: number): void {
    while (this.#isFree(lane, now)) {
      const isCrowded = lane === this.#unknown && 2 * this.#countWaiting() > this.#limits.maxWaiting
      const waiter = nextOf(lane.waiting, isCrowded)
      if (waiter === undefined) return
      // A call without enough time would take the place of another one, and look like an outage.
      if (waiter.latestAt > now) waiter.start()
      else dropLost(lane, now)
    }
  }

  /** Frees a place among the waiting checks. Without one that may give way, this check is rejected. */
  #makeRoom({ debt }: Client): void {
    if (this.#countWaiting() < this.#limits.maxWaiting) return
    const last = lastOf(this.#unknown.waiting)
    if (last === undefined || debt > last.client.debt) throw new AuthUnavailableError('overloaded')
    last.giveUp()
  }

  #dropLost(now: number): void {
    dropLost(this.#known, now)
    dropLost(this.#unknown, now)
  }
}

// On Workers a request can end with its promises and timers, before its call does or while it waits for one. Neither its
// slot nor its place may stay taken.
function dropLost({ taken, waiting }: Lane, now: number): void {
  for (const slot of taken) if (slot.deadline + GRACE_MS <= now) taken.delete(slot)
  for (const waiter of waiting) if (waiter.latestAt <= now) waiting.delete(waiter)
}

function take(lane: Lane, deadline: number, client = ANYBODY): Slot {
  const slot = { deadline, client, lane }
  lane.taken.add(slot)
  return slot
}
