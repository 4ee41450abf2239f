import { isOutage } from '../outage.ts'
import type { Check, Verifier } from '../check.ts'
import type { KnownTokens } from '../known-tokens.ts'
import type { RecentOutage } from '../outage.ts'
import type { CheckedVerdict } from '../verdict.ts'

/** Marks the checks of known tokens before the endpoint is asked, and learns from what it answers. */
export function recognise(next: Verifier, tokens: KnownTokens, outage: RecentOutage): Verifier {
  const learn = async (
    check: Check,
    mark: ReturnType<KnownTokens['markOf']>,
    pending: CheckedVerdict | Promise<CheckedVerdict>,
  ): Promise<CheckedVerdict> => {
    try {
      const verdict = await pending
      if (verdict.outcome === 'allow') tokens.add(mark)
      if (verdict.outcome === 'deny') tokens.delete(mark)
      return verdict
    } catch (error) {
      // A check that ran out of time while it waited says nothing about the endpoint.
      if (check.attempts > 0 && isOutage(error)) outage.note()
      throw error
    }
  }
  return (check) => {
    const mark = tokens.markOf(check.token)
    check.isKnown = tokens.has(mark)
    return learn(check, mark, next(check))
  }
}
