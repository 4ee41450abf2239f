import { AuthUnavailableError } from '../../errors.ts'
import { isForbidden } from '../../endpoint/verdict.ts'
import { SlidingWindow } from '../sliding-window.ts'
import { Clients, nextOf, lastOf, noteDenial } from './turns.ts'
import type { ConcurrencyConfig } from '../../auth-config.ts'
import type { ParsedVerdict, TimedAsk } from '../../endpoint/verdict.ts'
import type { Check } from '../../request/check.ts'
import type { Clock } from '../../runtime.ts'
import type { Client } from './turns.ts'

/** Permission for one call, until the call or its check ends. */
interface Slot {
  readonly deadline: number
  /** Of a check that waited. */
  readonly client: Client
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
// As soon as any token is known. Otherwise unknown tokens could hold all slots of a slow endpoint.
const RESERVED_PART = 1 / 4
// More denials of unknown tokens are a flood. Its calls would take the processor from cached decisions.
const MOST_DENIALS_PER_SECOND = 400
// A flood leaves so much to unknown tokens, and at least four places.
const NARROWEST_PART = 1 / 16
const NARROWEST = 4
// The client of all known tokens, and of each check that did not have to wait. Its address is not read.
const ANYBODY: Client = { debt: 0 }
// So slowly that the flood does not come back at once.
const WIDENED_BY_DENIAL = 1 / 16

/**
 * Limits the calls in flight. A check over the limit waits within its own deadline. Known tokens go before all others, in
 * turn. Unknown tokens take turns by client. If more than half of the places are taken, the newest of them goes first, since the
 * oldest has the least time left. If all are taken, a new check takes the place of an unknown one, of the client that owes most,
 * that has waited longest: a flood displaces itself. Without such a check it is rejected as `overloaded`.
 *
 * While more than 400 unknown tokens are denied in a second, each verdict takes a slot from their lane, down to a sixteenth of all
 * and to four. Later each allow gives one back, and so do sixteen denials.
 *
 * @param isFinal Whether a denial rejects the request. Another verifier may be asked next.
 */
export function limit(
  next: TimedAsk,
  { maxInFlight, maxWaiting }: Required<ConcurrencyConfig>,
  { now }: Pick<Clock, 'now'>,
  hasKnownTokens: () => boolean,
  isFinal = true,
): TimedAsk {
  const known: Lane = { taken: new Set(), waiting: new Set() }
  const unknown: Lane = { taken: new Set(), waiting: new Set() }
  const lanes = [known, unknown]
  const widest = maxInFlight - Math.floor(maxInFlight * RESERVED_PART)
  const narrowest = Math.min(widest, Math.max(NARROWEST, Math.floor(maxInFlight * NARROWEST_PART)))
  const denials = new SlidingWindow(1000)
  const clients = new Clients({ now })
  let width = widest

  const countWaiting = (): number => known.waiting.size + unknown.waiting.size
  const hasSlotFor = (lane: Lane): boolean => {
    if (known.taken.size + unknown.taken.size >= maxInFlight) return false
    return lane === known || unknown.taken.size + 1 <= (hasKnownTokens() ? width : maxInFlight)
  }
  // On Workers a request can end with its promises and timers, before its call does or while it waits for one. Neither its
  // slot nor its place may stay taken.
  const dropLost = ({ taken, waiting }: Lane): void => {
    const time = now()
    for (const slot of taken) if (slot.deadline + GRACE_MS <= time) taken.delete(slot)
    for (const waiter of waiting) if (waiter.latestAt <= time) waiting.delete(waiter)
  }
  const startWaiting = (lane: Lane): void => {
    while (hasSlotFor(lane)) {
      const isCrowded = lane === unknown && 2 * countWaiting() > maxWaiting
      const waiter = nextOf(lane.waiting, isCrowded)
      if (waiter === undefined) return
      // A call without enough time would take the place of another one, and look like an outage.
      if (waiter.latestAt > now()) waiter.start()
      else dropLost(lane)
    }
  }
  const makeRoom = ({ debt }: Client): void => {
    if (countWaiting() < maxWaiting) return
    const last = lastOf(unknown.waiting)
    if (last === undefined || debt > last.client.debt) throw new AuthUnavailableError('overloaded')
    last.giveUp()
  }
  const take = ({ taken }: Lane, deadline: number, client = ANYBODY): Slot => {
    const slot = { deadline, client }
    taken.add(slot)
    return slot
  }
  const wait = (
    lane: Lane,
    { readAddress }: Check,
    deadline: number,
    signal: AbortSignal,
  ): Promise<Slot> => {
    const client = lane === known ? ANYBODY : clients.at(readAddress?.())
    makeRoom(client)
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
      // Half of the time is for the call. Each check has a timer of its own, since on Workers one request cannot settle the
      // promise of another.
      const patienceMs = (deadline - now()) / 2
      const timer = setTimeout(giveUp, patienceMs)
      const waiter: Waiter = { client, latestAt: now() + patienceMs, start, giveUp }
      lane.waiting.add(waiter)
      signal.addEventListener('abort', timeOut)
    })
  }
  const learn = (lane: Lane, { client }: Slot, check: Check, verdict: ParsedVerdict): void => {
    if (lane === known || !isFinal || isForbidden(verdict, check)) return
    if (verdict.outcome === 'deny') {
      denials.add(now())
      if (client !== ANYBODY) noteDenial(client)
    }
    const isFlood = hasKnownTokens() && denials.total(now()) > MOST_DENIALS_PER_SECOND
    const calm = verdict.outcome === 'allow' ? 1 : WIDENED_BY_DENIAL
    width = Math.min(widest, Math.max(narrowest, width + (isFlood ? -1 : calm)))
  }
  const takeNow = (lane: Lane, deadline: number): Slot | undefined => {
    if (!hasSlotFor(lane)) lanes.forEach(dropLost)
    lanes.forEach(startWaiting)
    return hasSlotFor(lane) ? take(lane, deadline) : undefined
  }

  return async (check, deadline, signal) => {
    const lane = check.isKnown ? known : unknown
    const free = takeNow(lane, deadline)
    if (free === undefined) check.waitedSince ??= now()
    const slot = free ?? (await wait(lane, check, deadline, signal))
    try {
      const verdict = await next(check, deadline, signal)
      learn(lane, slot, check, verdict)
      return verdict
    } finally {
      lane.taken.delete(slot)
      lanes.forEach(startWaiting)
    }
  }
}
