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
  const waiting = new Set<() => void>()

  // On Workers a request can end, and its promises with it, before its call does. Its slot must not be taken for ever.
  const dropLost = (): void => {
    const time = now()
    for (const slot of taken) if (slot.expiresAt <= time) taken.delete(slot)
  }
  const admit = (): void => {
    for (const enter of waiting) {
      if (taken.size >= maxInFlight) return
      enter()
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
        waiting.delete(enter)
        reject(new AuthUnavailableError('timeout'))
      }
      const enter = (): void => {
        waiting.delete(enter)
        signal.removeEventListener('abort', leave)
        resolve(take(expiresAt))
      }
      waiting.add(enter)
      signal.addEventListener('abort', leave)
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
