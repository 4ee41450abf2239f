import { AuthUnavailableError } from '../../src/core/errors.ts'
import { SharedCalls } from '../../src/core/asking/shared-calls.ts'
import { UnderWay } from '../../src/core/asking/under-way.ts'
import { checkOf } from './checks.ts'
import type { AllowVerdict, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'
import type { SharedCall } from '../../src/core/asking/shared-calls.ts'
import type { Check } from '../../src/core/request/check.ts'

export const TIMEOUT = 1000

/** A call that ends when the test says so. */
interface Call {
  readonly check: Check
  readonly deadline: number
  readonly resolve: (verdict: ParsedVerdict) => void
  readonly reject: (error: unknown) => void
}

export const allow = (extra: Partial<AllowVerdict> = {}): AllowVerdict => ({
  outcome: 'allow',
  auth: { attributes: {} },
  ...extra,
})

/** Shared calls to an endpoint that answers when the test says so. */
export function heldCalls() {
  const calls: Call[] = []
  const underWay = new UnderWay<SharedCall>()
  const shared = new SharedCalls(
    (check, deadline) =>
      new Promise((resolve, reject) => calls.push({ check, deadline, resolve, reject })),
    { timeoutMs: TIMEOUT },
    { now: () => performance.now(), wallNow: () => Date.now() },
    () => underWay,
  )
  /** The result of a check, or `pending`. */
  const ask = (token = 't', told = 'a', check = checkOf(token, told)) => {
    let ended: unknown = 'pending'
    void shared.ask(check, performance.now() + TIMEOUT).then(
      ({ outcome }) => (ended = outcome),
      (error: unknown) => (ended = error instanceof AuthUnavailableError ? error.reason : error),
    )
    return { check, ended: () => ended }
  }
  return { calls, ask, forget: (token?: string) => underWay.outdate(token) }
}
