import { Calls } from '../../core/asking/call.ts'
import { KnownTokens } from '../../core/asking/known-tokens.ts'
import { createCheck, createFacts } from '../../core/request/check.ts'
import { systemClock as clock } from '../../core/runtime.ts'
import type { CallRules } from '../../core/asking/call.ts'
import type { Verify } from '../../core/endpoint/checked-verifier.ts'
import type { Ask, ParsedVerdict } from '../../core/endpoint/verdict.ts'
import type { Question, VerifierRun } from '../../core/verifier.ts'

/** One verifier of several, with the rules of a guard around it. */
export interface ProtectedVerifier {
  /** Asks by a deadline, a time of the clock of the core. */
  readonly ask: (question: Question, deadline: number, run: VerifierRun) => Promise<ParsedVerdict>
  /** Whether it allowed a token lately. */
  readonly hasAllowed: (token: string) => boolean
}

/**
 * Gives one verifier of several a deadline, a limit, a circuit breaker and retries of its own.
 *
 * @param rules `undefined` for a verifier that answers from memory: then only the deadline is enforced.
 * @param isFinal Whether a denial rejects the request. Another verifier may be asked next.
 */
export function protect(
  verify: Verify,
  rules: CallRules | undefined,
  { label, isFinal }: { readonly label: string | undefined; readonly isFinal: boolean },
): ProtectedVerifier {
  const known = new KnownTokens()
  // A denial of one question does not take back that the verifier gave the allow of another.
  const allowed = new KnownTokens()
  // The guard that asked last reports the circuits, which all guards share.
  let lastRun: VerifierRun = {}
  const calls = new Calls({
    rules,
    memory: { tokens: known },
    onCircuit: (state, tokens) => {
      try {
        lastRun.report?.({ type: 'circuit', state, tokens, ...(label && { verifier: label }) })
      } catch {
        // The function belongs to a caller who asks the verifier without a guard.
      }
    },
    clock,
    isFinal,
  })
  return {
    ask: async (question, deadline, run) => {
      lastRun = run
      const now = clock.now()
      const check = createCheck(question, '', [], undefined, run.client)
      const start = { check, facts: createFacts(), deadline, now }
      const timeLeftMs = (): number => deadline - clock.now()
      const ask: Ask = (_check, { signal, facts }) => {
        const answered = (status: number): void => {
          facts.endpointStatus = status
          run.answered?.(status)
        }
        return verify(check.question, signal, { ...run, answered, timeLeftMs })
      }
      const verdict = await calls.run(start, ask)
      if (verdict.outcome === 'allow') allowed.add(question.token, clock.now())
      return verdict
    },
    hasAllowed: (token) => allowed.has(token, clock.now()),
  }
}
