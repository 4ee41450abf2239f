import { sleep } from '../async.ts'
import { isWorthRetrying } from './outage.ts'
import { SlidingWindow } from './sliding-window.ts'
import type { RetryConfig } from '../auth-config.ts'
import type { ParsedVerdict, TimedAsk } from '../endpoint/verdict.ts'
import type { Check } from '../request/check.ts'
import type { Clock } from '../runtime.ts'

const MIN_DELAY_MS = 50
const MAX_DELAY_MS = 250
const WINDOW_MS = 10_000
const MAX_RATIO = 0.1
// A quiet instance must be able to retry too: the endpoint may have closed a keep-alive connection.
const ALWAYS_FREE = 10

/** Asks again after no response or a gateway's, before the deadline. At most a tenth of the checks of 10 s are retries. */
export function retry(
  next: TimedAsk,
  { attempts }: Required<RetryConfig>,
  { now, random }: Pick<Clock, 'now' | 'random'>,
): TimedAsk {
  const checks = new SlidingWindow(WINDOW_MS)
  const retries = new SlidingWindow(WINDOW_MS)

  const delayBefore = (error: unknown, deadline: number): number | undefined => {
    if (!isWorthRetrying(error)) return undefined
    const most = Math.max(ALWAYS_FREE, checks.total(now()) * MAX_RATIO)
    if (retries.total(now()) >= most) return undefined
    const jitteredMs = MIN_DELAY_MS + random() * (MAX_DELAY_MS - MIN_DELAY_MS)
    const delayMs = Math.max(error.retryAfterMs ?? 0, jitteredMs)
    return now() + delayMs < deadline ? delayMs : undefined
  }

  const attempt = async (
    check: Check,
    deadline: number,
    signal: AbortSignal,
    left: number,
  ): Promise<ParsedVerdict> => {
    try {
      return await next(check, deadline, signal)
    } catch (error) {
      const delayMs = left > 0 ? delayBefore(error, deadline) : undefined
      if (delayMs === undefined) throw error
      retries.add(now())
      await sleep(delayMs, signal)
      if (signal.aborted) throw error
    }
    return attempt(check, deadline, signal, left - 1)
  }

  return (check, deadline, signal) => {
    checks.add(now())
    return attempt(check, deadline, signal, attempts)
  }
}
