import { isWorthRetrying } from './outage.ts'
import { createSlidingWindow } from './sliding-window.ts'
import { sleep } from '../async.ts'
import type { Check } from '../request/check.ts'
import type { TimedVerifier } from '../endpoint/verdict.ts'
import type { CheckedVerdict } from '../endpoint/verdict.ts'
import type { RetryConfig } from '../auth-config.ts'

export interface RetryContext {
  readonly now: () => number
  readonly random: () => number
}

const WINDOW_MS = 10_000
const MAX_RATIO = 0.1
// A quiet instance must be able to retry too: a keep-alive connection that the endpoint had closed is nobody's fault.
const ALWAYS_FREE = 10

/**
 * Asks again when the call gave no response at all, or a gateway's, with full jitter. At most a tenth of the checks of
 * the last 10 s is asked again, so that an outage is not made worse, and never past the deadline.
 */
export function retry(
  next: TimedVerifier,
  { attempts, minDelayMs, maxDelayMs }: Required<RetryConfig>,
  { now, random }: RetryContext,
): TimedVerifier {
  const checks = createSlidingWindow(WINDOW_MS)
  const retries = createSlidingWindow(WINDOW_MS)

  const delayBefore = (error: unknown, deadline: number): number | undefined => {
    if (!isWorthRetrying(error)) return undefined
    if (retries.total(now()) >= Math.max(ALWAYS_FREE, checks.total(now()) * MAX_RATIO)) {
      return undefined
    }
    const jittered = minDelayMs + random() * (maxDelayMs - minDelayMs)
    const delay = Math.max(error.retryAfterMs ?? 0, jittered)
    return now() + delay < deadline ? delay : undefined
  }

  const attempt = async (
    check: Check,
    deadline: number,
    signal: AbortSignal,
    left: number,
  ): Promise<CheckedVerdict> => {
    try {
      return await next(check, deadline, signal)
    } catch (error) {
      const delay = left > 0 ? delayBefore(error, deadline) : undefined
      if (delay === undefined) throw error
      retries.add(now())
      await sleep(delay, signal)
      if (signal.aborted) throw error
    }
    return attempt(check, deadline, signal, left - 1)
  }

  return (check, deadline, signal) => {
    checks.add(now())
    return attempt(check, deadline, signal, attempts)
  }
}
