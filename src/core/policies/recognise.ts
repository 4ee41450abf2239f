import type { Check, Verifier } from '../request/check.ts'
import type { KnownTokens } from './known-tokens.ts'
import type { RecentOutage } from './outage.ts'
import type { CheckedVerdict } from '../endpoint/verdict.ts'

/** Marks the checks of known tokens before the endpoint is asked, and learns from what it answers. */
export function recognise(next: Verifier, tokens: KnownTokens, outage: RecentOutage): Verifier {
  const learn = async (
    check: Check,
    mark: ReturnType<KnownTokens['markOf']>,
    pending: CheckedVerdict | Promise<CheckedVerdict>,
  ): Promise<CheckedVerdict> => {
    try {
      const verdict = await pending
      outage.noteAnswer()
      if (verdict.outcome === 'allow') tokens.add(mark)
      // RFC 9110 §15.5.4: a 403 rejects this request of a token that is good for others.
      if (verdict.outcome === 'deny' && check.endpointStatus !== 403) tokens.delete(mark)
      return verdict
    } catch (error) {
      if (outage.isShownBy(error, check)) outage.note()
      throw error
    }
  }
  return (check) => {
    const mark = tokens.markOf(check.token)
    check.isKnown = tokens.has(mark)
    return learn(check, mark, next(check))
  }
}
