import { orAborted } from '../core/async.ts'
import { emptyRecord } from '../core/runtime.ts'
import type { Verify } from '../core/endpoint/checked-verifier.ts'
import type { ParsedVerdict } from '../core/endpoint/verdict.ts'
import type { Context } from '../core/request/question.ts'
import type { AskVerifier, Question, Verdict } from '../core/verifier.ts'

/** The parts of a question that a verifier reads. It must not decide by others, and no service must be told of them. */
export function narrowQuestion({ token, request }: Question, context: Context): Question {
  const { path, headers, params, method, clientAddress } = request
  return {
    token,
    request: {
      path: context.path ? path : '',
      headers: context.headers === 'all' ? headers : pickHeaders(headers, context.headers),
      params: context.params === 'none' ? emptyRecord() : params,
      ...(context.method && method !== undefined ? { method } : {}),
      ...(context.clientAddress && clientAddress !== undefined ? { clientAddress } : {}),
    },
  }
}

/** Makes the `ask` of a verifier whose verdicts are checked already. It ends with the signal, as a guard ends at its deadline. */
export function askBy(verify: Verify): AskVerifier {
  return async (question, signal, run = {}) =>
    toVerdict(await orAborted(verify(question, signal, run), signal))
}

function toVerdict(verdict: ParsedVerdict): Verdict {
  if (verdict.outcome === 'allow') {
    const { auth, maxAgeMs, mustRevalidate } = verdict
    const { stale: _stale, ...identity } = auth
    return { outcome: 'allow', ...identity, maxAgeMs, mustRevalidate }
  }
  const { isLasting, maxAgeMs, explanation: cause, ...denial } = verdict
  return { ...denial, cause, maxAgeMs: isLasting ? maxAgeMs : 0 }
}

function pickHeaders(
  headers: Question['request']['headers'],
  names: readonly string[],
): Question['request']['headers'] {
  const picked = emptyRecord<string>()
  for (const name of names) {
    const value = headers[name]
    if (value !== undefined) picked[name] = value
  }
  return picked
}
