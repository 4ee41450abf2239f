import { AuthUnavailableError } from '../errors.ts'
import type { Check, TimedVerifier, Verifier } from '../check.ts'
import type { CheckedVerdict } from '../verdict.ts'

interface Clock {
  readonly signal: AbortSignal
  /** Rejects when the time is up and nothing was decided. */
  readonly expired: Promise<never>
  readonly stop: () => void
}

/** Bounds a whole check: after `timeoutMs` it aborts what is inside and throws `timeout`, whether or not that obeys. */
export function deadline(
  next: TimedVerifier,
  { timeoutMs }: { readonly timeoutMs: number },
  { now }: { readonly now: () => number },
): Verifier {
  return async (check) => {
    const budgetMs = check.budgetMs ?? timeoutMs
    check.expiresAt = now() + budgetMs
    const clock = startClock(budgetMs)
    try {
      return await Promise.race([ask(next, check, clock.signal), clock.expired])
    } finally {
      clock.stop()
    }
  }
}

async function ask(
  next: TimedVerifier,
  check: Check,
  signal: AbortSignal,
): Promise<CheckedVerdict> {
  try {
    return await next(check, signal)
  } catch (error) {
    // An answer whose body did not end is still that answer.
    const isAnswer = error instanceof AuthUnavailableError && error.status !== undefined
    throw signal.aborted && !isAnswer ? new AuthUnavailableError('timeout') : error
  }
}

// setTimeout and not AbortSignal.timeout(): that costs ten times as much on Node and cannot be cleared.
function startClock(timeoutMs: number): Clock {
  const controller = new AbortController()
  let timer: ReturnType<typeof setTimeout>
  const expired = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => {
      controller.abort()
      // One more turn, for a verdict that is complete but for a body that no longer matters.
      timer = setTimeout(() => reject(new AuthUnavailableError('timeout')), 0)
    }, timeoutMs)
  })
  return { signal: controller.signal, expired, stop: () => clearTimeout(timer) }
}
