import { createCheck, createFacts } from '../../src/core/request/check.ts'
import { verdictOf } from '../../src/core/asking/partition.ts'
import type { DecisionSource } from '../../src/core/asking/decision-source.ts'
import type { Attempt, ParsedVerdict } from '../../src/core/endpoint/verdict.ts'
import type { Check, CheckFacts } from '../../src/core/request/check.ts'

/** A check of one question. */
export function checkOf(token = 't', told = 'told'): Check {
  const request = { path: '/a', headers: {}, params: {} }
  return createCheck({ token, request }, told, [])
}

/** An attempt that a source of verdicts gets. */
export function attemptOf(attempt: Partial<Attempt> = {}): Attempt {
  const { signal } = new AbortController()
  return { deadline: Infinity, signal, facts: createFacts(), ...attempt }
}

/** Looks up a decision and asks on a miss, as the gate does. Throws a refusal. Fills the facts of an event. */
export function verifyWith(
  source: Pick<DecisionSource, 'lookUp' | 'ask'>,
): (check: Check, facts?: CheckFacts) => ParsedVerdict | Promise<ParsedVerdict> {
  return (check, facts = createFacts()) => {
    const cached = source.lookUp(check.token, check.told)
    if (cached !== undefined) {
      facts.cache = 'hit'
      return verdictOf(cached)
    }
    const asked = source.ask(check)
    if (asked.pending instanceof Error) throw asked.pending
    return asked.pending.finally(() => Object.assign(facts, asked.facts))
  }
}
