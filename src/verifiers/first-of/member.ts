import { orAborted } from '../../core/async.ts'
import { protect } from './protect.ts'
import { narrowQuestion } from '../adapt.ts'
import type { CheckedVerifier } from '../../core/endpoint/checked-verifier.ts'
import type { ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { CallRules } from '../../core/asking/call.ts'
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
  { verify, local, label }: CheckedVerifier,
  reads: Context,
  rules: CallRules,
  isFinal: boolean,
): AskMember {
  const { ask, hasAllowed } = protect(verify, local ? undefined : rules, { label, isFinal })
  return async (question, deadline, aborted, run) => {
    let decider = label
    const by = (chosen: string): void => {
      decider = chosen
    }
    const end = (ended: Pick<Attempt, 'verdict' | 'error'>): Attempt => ({
      label: decider,
      hasAllowed: hasAllowed(question.token),
      ...ended,
    })
    try {
      const asking = ask(narrowQuestion(question, reads), deadline, { ...run, by })
      const verdict = await orAborted(asking, aborted)
      return end({ verdict, error: verdict.error })
    } catch (error) {
      return end({ error: error ?? new TypeError('The verifier threw nothing') })
    }
  }
}
