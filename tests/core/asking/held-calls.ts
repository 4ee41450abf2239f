import { AuthUnavailableError } from '../../../src/core/errors.ts'
import { SharedCalls } from '../../../src/core/asking/shared-calls.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import { UnderWay } from '../../../src/core/asking/under-way.ts'
import { KnownTokens } from '../../../src/core/asking/known-tokens.ts'
import { checkOf } from '../../support/checks.ts'
import type { CallStart } from '../../../src/core/asking/call-state.ts'
import type { AllowVerdict, ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'

export const TIMEOUT = 1000

/** A call that ends when the test says so. */
interface Call extends CallStart {
  readonly resolve: (verdict: ParsedVerdict) => void
  readonly reject: (error: unknown) => void
}

export const allow = (extra: Partial<AllowVerdict> = {}): AllowVerdict => ({
  outcome: 'allow',
  auth: { attributes: {} },
  ...extra,
})

/** Shared calls to an endpoint, on a clock. */
export function sharedCalls(
  run: (start: CallStart) => Promise<ParsedVerdict>,
  now = (): number => performance.now(),
) {
  const underWay = new UnderWay()
  const memory = {
    tokens: new KnownTokens(),
    calls: underWay,
    forget: () => underWay.outdate(),
  }
  const clock = { now, wallNow: () => Date.now() }
  const shared = new SharedCalls({ run, timeoutMs: TIMEOUT, clock, memory, partition: undefined })
  const ask = (check = checkOf(), facts = createFacts()) => shared.ask(check, facts, now())
  return { shared, underWay, ask }
}

/** Shared calls to an endpoint that answers when the test says so. */
export function heldCalls() {
  const calls: Call[] = []
  const {
    shared,
    underWay,
    ask: askShared,
  } = sharedCalls(
    (start) => new Promise((resolve, reject) => calls.push({ ...start, resolve, reject })),
  )
  /** The result of a check, or `pending`. */
  const ask = (token = 't', told = 'a', check = checkOf(token, told)) => {
    let ended: unknown = 'pending'
    const facts = createFacts()
    void askShared(check, facts).then(
      ({ outcome }) => (ended = outcome),
      (error: unknown) => (ended = error instanceof AuthUnavailableError ? error.reason : error),
    )
    return { check, facts, ended: () => ended }
  }
  const newest = (check: ReturnType<typeof checkOf>) => underWay.newest(check.key, shared)
  return { calls, ask, newest, forget: (token?: string) => underWay.outdate(token) }
}
