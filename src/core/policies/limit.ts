import { AuthUnavailableError } from '../errors.ts'
import type { TimedVerifier } from '../endpoint/verdict.ts'
import type { ConcurrencyConfig } from '../auth-config.ts'

export interface LimitContext {
  readonly now: () => number
  /** Whether any token is known. */
  readonly hasKnown: () => boolean
}

/** Permission for one call: until the call is over, or its check's deadline. */
interface Slot {
  readonly deadline: number
}

/** A check that waits for a slot, as long as enough of its time is left for a call. */
interface Waiter {
  readonly latestAt: number
  readonly enter: () => void
  readonly giveUp: () => void
}

// The slot of a call is not given to another a moment before the call itself ends at its deadline.
const GRACE_MS = 250
// Kept as soon as any token is known. Otherwise unknown tokens could hold all slots of a slow endpoint.
const RESERVED_PART = 1 / 4

/** The checks of known tokens, or all others: their calls, and what waits for one, the oldest first. */
interface Lane {
  readonly taken: Set<Slot>
  readonly waiting: Waiter[]
}

/**
 * Bounds the calls in flight. A check over the bound waits inside its own deadline. Known tokens take turns and go before
 * all others. Unknown tokens take turns too. If more than half of the places are taken, their newest goes first, since the
 * oldest has the least time left. A check that finds no place takes that of the unknown one that has waited longest, or is
 * rejected as `overloaded` if there is none: a flood displaces itself.
 */
export function limit(
  next: TimedVerifier,
  { maxInFlight, maxWaiting }: Required<ConcurrencyConfig>,
  { now, hasKnown }: LimitContext,
): TimedVerifier {
  const known: Lane = { taken: new Set(), waiting: [] }
  const unknown: Lane = { taken: new Set(), waiting: [] }
  const lanes = [known, unknown]
  const reserved = Math.floor(maxInFlight * RESERVED_PART)

  const hasSlotFor = (lane: Lane): boolean => {
    if (known.taken.size + unknown.taken.size >= maxInFlight) return false
    return lane === known || unknown.taken.size < maxInFlight - (hasKnown() ? reserved : 0)
  }
  const isCrowded = (lane: Lane): boolean =>
    lane === unknown && 2 * (known.waiting.length + unknown.waiting.length) > maxWaiting
  // On Workers a request can end, and its promises and timers with it, before its call does or while it waits for one.
  // Neither its slot nor its place in the queue must be taken for ever.
  const dropLost = ({ taken, waiting }: Lane): void => {
    const time = now()
    for (const slot of taken) if (slot.deadline + GRACE_MS <= time) taken.delete(slot)
    for (const lost of waiting.filter(({ latestAt }) => latestAt <= time)) remove(waiting, lost)
  }
  const admit = (lane: Lane): void => {
    while (hasSlotFor(lane)) {
      const waiter = isCrowded(lane) ? lane.waiting.pop() : lane.waiting.shift()
      if (waiter === undefined) return
      // A call that has no time left to end takes the place of one that has, and looks like an outage.
      if (waiter.latestAt > now()) waiter.enter()
    }
  }
  const makeRoom = (): void => {
    if (known.waiting.length + unknown.waiting.length < maxWaiting) return
    const [oldest] = unknown.waiting
    if (oldest === undefined) throw new AuthUnavailableError('overloaded')
    oldest.giveUp()
  }
  const take = ({ taken }: Lane, deadline: number): Slot => {
    const slot = { deadline }
    taken.add(slot)
    return slot
  }
  const wait = (lane: Lane, deadline: number, signal: AbortSignal): Promise<Slot> => {
    makeRoom()
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        remove(lane.waiting, waiter)
        clearTimeout(timer)
        signal.removeEventListener('abort', timeOut)
      }
      const timeOut = (): void => {
        leave()
        reject(new AuthUnavailableError('timeout'))
      }
      const giveUp = (): void => {
        leave()
        reject(new AuthUnavailableError('overloaded'))
      }
      // Half of the time is for the call. A timer of one's own, since on Workers nobody can speak for another request.
      const patienceMs = (deadline - now()) / 2
      const timer = setTimeout(giveUp, patienceMs)
      const waiter: Waiter = {
        latestAt: now() + patienceMs,
        enter: () => {
          leave()
          resolve(take(lane, deadline))
        },
        giveUp,
      }
      lane.waiting.push(waiter)
      signal.addEventListener('abort', timeOut)
    })
  }
  const takeNow = (lane: Lane, deadline: number): Slot | undefined => {
    if (!hasSlotFor(lane)) lanes.forEach(dropLost)
    lanes.forEach(admit)
    return hasSlotFor(lane) ? take(lane, deadline) : undefined
  }

  return async (check, deadline, signal) => {
    const lane = check.isKnown ? known : unknown
    const free = takeNow(lane, deadline)
    if (free === undefined) check.waitedSince ??= now()
    const slot = free ?? (await wait(lane, deadline, signal))
    try {
      return await next(check, deadline, signal)
    } finally {
      lane.taken.delete(slot)
      lanes.forEach(admit)
    }
  }
}

function remove(waiting: Waiter[], waiter: Waiter): void {
  const index = waiting.indexOf(waiter)
  if (index !== -1) waiting.splice(index, 1)
}
