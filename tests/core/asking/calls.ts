import { Calls } from '../../../src/core/asking/call.ts'
import { KnownTokens } from '../../../src/core/asking/known-tokens.ts'
import { createFacts } from '../../../src/core/request/check.ts'
import { checkOf } from '../../support/checks.ts'
import type { CallRules } from '../../../src/core/asking/call.ts'
import type { CallStart } from '../../../src/core/asking/call-state.ts'
import type { Attempt, ParsedVerdict } from '../../../src/core/endpoint/verdict.ts'
import type { Check } from '../../../src/core/request/check.ts'

interface Surroundings {
  readonly now?: () => number
  readonly random?: () => number
  /** Which tokens are known, if not those that were allowed. */
  readonly isKnown?: (token: string) => boolean
  readonly isAnyKnown?: () => boolean
  readonly isFinal?: boolean
  /** It answers from memory, so no rule is for it. */
  readonly isLocal?: boolean
}

const NONE: CallRules = {
  retry: false,
  circuitBreaker: false,
  concurrency: { maxInFlight: 64, maxWaiting: 1024 },
}

/** Calls to a source of verdicts that answers as the test says, by some rules. */
export function callsTo(
  answer: (check: Check, attempt: Attempt) => ParsedVerdict | Promise<ParsedVerdict>,
  rules: Partial<CallRules> = {},
  { isKnown, isAnyKnown, isFinal = true, isLocal = false, ...given }: Surroundings = {},
) {
  const now = given.now ?? ((): number => performance.now())
  const random = given.random ?? ((): number => 0.5)
  const known = new KnownTokens()
  const circuits: string[] = []
  const tokens = {
    has: isKnown ?? ((token: string) => known.has(token, now())),
    isEmpty: isAnyKnown === undefined ? () => known.isEmpty(now()) : () => !isAnyKnown(),
    add: (token: string) => known.add(token, now()),
    forget: (token?: string) => known.forget(token),
  }
  const calls = new Calls({
    rules: isLocal ? undefined : { ...NONE, ...rules },
    memory: { tokens },
    onCircuit: (state, of) => circuits.push(`${of} ${state}`),
    clock: { now, random },
    isFinal,
  })
  /** Begins a call now, with so much time. */
  const run = (
    check = checkOf(),
    timeoutMs = 10_000,
    start: Partial<CallStart> = {},
  ): Promise<ParsedVerdict> => {
    const times = { now: now(), deadline: now() + timeoutMs }
    return calls.run({ check, facts: createFacts(), ...times, ...start }, async (...asked) =>
      answer(...asked),
    )
  }
  const refusalOf = (check = checkOf()) => calls.refusalOf(check, now())
  return {
    run,
    refusalOf,
    known,
    permitsStale: (error: unknown) => calls.permitsStale(error),
    circuits,
  }
}
