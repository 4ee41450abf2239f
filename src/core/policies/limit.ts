import { AuthUnavailableError } from '../errors.ts'
import type { TimedVerifier } from '../check.ts'

export interface LimitOptions {
  readonly maxInFlight: number
  readonly maxWaiting: number
}

/** Permission for one call: until the call is over, or its check's deadline. */
interface Slot {
  readonly expiresAt: number
}

/** A check that waits for a slot, as long as enough of its time is left for a call. */
interface Waiter {
  readonly latestAt: number
  readonly enter: () => void
}

// The slot of a call is not given to another a moment before the call itself ends at its deadline.
const GRACE_MS = 250

/**
 * Bounds the calls in flight. What is over the bound waits, first come, first served, inside its own deadline; what is
 * over the bound of the waiting is refused at once as `overloaded`.
 */
export function limit(
  next: TimedVerifier,
  { maxInFlight, maxWaiting }: LimitOptions,
  { now }: { readonly now: () => number },
): TimedVerifier {
  const taken = new Set<Slot>()
  const waiting = new Set<Waiter>()

  // On Workers a request can end, and its promises and timers with it, before its call does or while it waits for one.
  // Neither its slot nor its place in the queue must be taken for ever.
  const dropLost = (): void => {
    const time = now()
    for (const slot of taken) if (slot.expiresAt + GRACE_MS <= time) taken.delete(slot)
    for (const waiter of waiting) if (waiter.latestAt <= time) waiting.delete(waiter)
  }
  const admit = (): void => {
    for (const waiter of waiting) {
      if (taken.size >= maxInFlight) return
      // A call that has no time left to end takes the place of one that has, and looks like an outage.
      if (waiter.latestAt > now()) waiter.enter()
      else waiting.delete(waiter)
    }
  }
  const take = (expiresAt: number): Slot => {
    const slot = { expiresAt }
    taken.add(slot)
    return slot
  }
  const wait = (expiresAt: number, signal: AbortSignal): Promise<Slot> =>
    new Promise((resolve, reject) => {
      const leave = (): void => {
        waiting.delete(waiter)
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
      const patienceMs = (expiresAt - now()) / 2
      const timer = setTimeout(giveUp, patienceMs)
      const waiter: Waiter = {
        latestAt: now() + patienceMs,
        enter: () => {
          leave()
          resolve(take(expiresAt))
        },
      }
      waiting.add(waiter)
      signal.addEventListener('abort', timeOut)
    })

  return async (check, signal) => {
    if (taken.size >= maxInFlight) dropLost()
    admit()
    if (taken.size >= maxInFlight && waiting.size >= maxWaiting) {
      throw new AuthUnavailableError('overloaded')
    }
    const slot =
      taken.size < maxInFlight ? take(check.expiresAt) : await wait(check.expiresAt, signal)
    try {
      return await next(check, signal)
    } finally {
      taken.delete(slot)
      admit()
    }
  }
}
