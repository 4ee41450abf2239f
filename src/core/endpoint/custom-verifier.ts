import { AuthUnavailableError } from '../errors.ts'
import { orAborted } from '../async.ts'
import { checkVerdict } from './verdict.ts'
import type { TimedVerifier } from '../request/check.ts'
import type { CustomVerifier } from '../auth-config.ts'

/** Asks a function of the user's, and trusts nothing of what it returns. */
export function createCustomVerifier(
  verifier: CustomVerifier,
  identity: 'optional' | 'required',
): TimedVerifier {
  return async (check, signal) => {
    check.attempts += 1
    const pending = Promise.resolve(verifier(check.question, signal))
    const verdict = checkVerdict(await orAborted(pending, signal), check.token)
    if (verdict.outcome === 'deny' || identity === 'optional') return verdict
    if (verdict.auth.principal === undefined) throw new AuthUnavailableError('invalid_response')
    return verdict
  }
}
