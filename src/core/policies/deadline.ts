import { AuthUnavailableError } from '../errors.ts'
import type { Check } from '../request/check.ts'
import type { TimedVerifier, Verifier } from '../endpoint/verdict.ts'
import type { CheckedVerdict } from '../endpoint/verdict.ts'

/** Bounds a whole check: after `timeoutMs` it aborts what is inside and throws `timeout`, whether or not that obeys. */
export function deadline(
  next: TimedVerifier,
  { timeoutMs }: { readonly timeoutMs: number },
  { now }: { readonly now: () => number },
): Verifier {
  return (check) => {
    const budgetMs = check.budgetMs ?? timeoutMs
    check.expiresAt = now() + budgetMs
    return new Promise((resolve, reject) => {
      const controller = new AbortController()
      // setTimeout and not AbortSignal.timeout(): that costs ten times as much on Node and cannot be cleared.
      let timer = setTimeout(() => {
        controller.abort()
        // One more turn, for a verdict that is complete but for a body that no longer matters.
        timer = setTimeout(() => reject(new AuthUnavailableError('timeout')), 0)
      }, budgetMs)
      const stop = (): void => clearTimeout(timer)
      void ask(next, check, controller.signal).then(resolve, reject).then(stop)
    })
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
