import { orAborted } from '../../core/async.ts'
import { createOutage, protect } from '../../core/asking/compose.ts'
import { Generations, KnownTokens } from '../../core/asking/known-tokens.ts'
import { Check } from '../../core/request/check.ts'
import { systemClock as clock } from '../../core/runtime.ts'
import { narrowQuestion } from '../adapt.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { Protection } from '../../core/asking/compose.ts'
import type { Context } from '../../core/request/question.ts'
import type { Question, VerifierRun } from '../../core/verifier.ts'

/** How asking one member ended. */
export interface Attempt {
  /** The member, or the one that it chose among others. */
  readonly label: string | undefined
  /** Whether it allowed the token lately. */
  readonly hasAllowed: boolean
  readonly verdict?: ParsedVerdict
  /** Why it gave no verdict, or why a member of its own gave none beside a denial. */
  readonly error?: unknown
}

/** Asks a member by the deadline, a time of the clock of the core. */
export type AskMember = (
  question: Question,
  deadline: number,
  signal: AbortSignal,
  run: VerifierRun,
) => Promise<Attempt>

/** Whether a token may be one of this member. Throws what its `accepts` throws. */
export function isOwn({ accepts }: CheckedVerifier, token: string): boolean {
  // Of the user: only `true` accepts.
  const isAccepted: unknown = accepts === undefined || accepts(token)
  return isAccepted === true
}

/** Makes the function that asks a member. A remote one has a limit, a circuit breaker and retries of its own. */
export function createMember(
  { decide, local, label }: CheckedVerifier,
  reads: Context,
  protection: Protection,
  isFinal: boolean,
): AskMember {
  const runs = new WeakMap<Check, VerifierRun>()
  // A denial of one question does not take back that the member gave the allow of another.
  const allowed = new KnownTokens(new Generations(clock))
  const known = new KnownTokens(new Generations(clock))
  // The guard that asked last reports the circuits, which all guards share.
  let lastRun: VerifierRun = {}
  const { ask } = protect(
    (check, _deadline, signal) => {
      check.attempts += 1
      return decide(check.question, signal, runs.get(check) ?? {})
    },
    local === true ? undefined : protection,
    {
      tokens: () => known,
      outage: createOutage(protection),
      isFinal,
      onState: (state, tokens) => {
        const of = label === undefined ? {} : { verifier: label }
        lastRun.report?.({ type: 'circuit', state, tokens, ...of })
      },
    },
  )
  return async (question, deadline, aborted, run) => {
    const check = new Check(narrowQuestion(question, reads), '', [], undefined, run.client)
    check.verifier = label
    const by = (chosen: string): void => {
      check.verifier = chosen
    }
    const answered = (status: number): void => {
      check.endpointStatus = status
      run.answered?.(status)
    }
    lastRun = run
    runs.set(check, { ...run, by, answered, timeLeftMs: () => deadline - clock.now() })
    const end = (ended: Pick<Attempt, 'verdict' | 'error'>): Attempt => ({
      label: check.verifier,
      hasAllowed: allowed.has(question.token),
      ...ended,
    })
    try {
      const verdict = await orAborted(Promise.resolve(ask(check, deadline)), aborted)
      if (verdict.outcome === 'allow') allowed.add(question.token)
      return end(verdict.outcome === 'deny' ? { verdict, error: verdict.error } : { verdict })
    } catch (error) {
      return end({ error: error ?? new TypeError('The verifier threw nothing') })
    }
  }
}
