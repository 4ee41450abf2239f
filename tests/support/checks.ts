import { Check } from '../../src/core/request/check.ts'
import type { ComposedVerifier } from '../../src/core/asking/compose.ts'
import type { ParsedVerdict } from '../../src/core/endpoint/verdict.ts'

/** A check of one question with a distant deadline. */
export function checkOf(token = 't', told = 'told'): Check {
  const request = { path: '/a', headers: {}, params: {} }
  return new Check({ token, request }, told, [])
}

/** Looks up a decision and asks on a miss, as the gate does. Throws a refusal. */
export function verifyWith({
  lookUp,
  refusalOf,
  ask,
}: Pick<ComposedVerifier, 'lookUp' | 'ask'> & Partial<ComposedVerifier>): (
  check: Check,
) => ParsedVerdict | Promise<ParsedVerdict> {
  return (check) => {
    const cached = lookUp(check.token, check.told)
    if (cached === undefined) {
      const refusal = refusalOf?.(check)
      if (refusal !== undefined) throw refusal
      return ask(check)
    }
    check.cache = 'hit'
    const auth = cached.admission?.auth
    return auth === undefined ? { outcome: 'deny', isLasting: true } : { outcome: 'allow', auth }
  }
}
