import { Slots } from './slots.ts'
import type { ConcurrencyConfig } from '../../auth-config.ts'
import type { TimedAsk } from '../../endpoint/verdict.ts'
import type { Clock } from '../../runtime.ts'

/**
 * Limits the calls in flight. A check over the limit waits within its own deadline. Known tokens go before all others, in
 * turn. Unknown tokens take turns by client. If more than half of the places are taken, the newest of them goes first, since the
 * oldest has the least time left. If all are taken, a new check takes the place of an unknown one, of the client that owes most,
 * that has waited longest: a flood displaces itself. Without such a check it is rejected as `overloaded`.
 *
 * @param isFinal Whether a denial rejects the request. Another verifier may be asked next.
 */
export function limit(
  next: TimedAsk,
  limits: Required<ConcurrencyConfig>,
  clock: Pick<Clock, 'now'>,
  hasKnownTokens: () => boolean,
  isFinal = true,
): TimedAsk {
  const slots = new Slots(limits, clock, hasKnownTokens)
  return async (check, deadline, signal) => {
    const free = slots.take(check, deadline)
    if (free === undefined) check.waitedSince ??= clock.now()
    const slot = free ?? (await slots.wait(check, deadline, signal))
    try {
      const verdict = await next(check, deadline, signal)
      if (isFinal) slots.learn(slot, check, verdict)
      return verdict
    } finally {
      slots.give(slot)
    }
  }
}
