import { createAuthenticator } from '../../core/authenticator.ts'
import type { DenialReason } from '../../core/types.ts'
import type { ProbeAnswer, ProbeOutcome } from './probe.ts'

/** What the wrapper makes of an outcome. */
export type WrapperView =
  | { readonly passes: true; readonly isNamed: boolean }
  | { readonly passes: false; readonly reason: DenialReason }

const REQUEST_URL = 'http://127.0.0.1/v1/models'

/** Asks the wrapper itself: the answer is played back to it in place of the endpoint's. */
export async function viewOfWrapper(outcome: ProbeOutcome): Promise<WrapperView> {
  if (outcome.kind === 'silence') return { passes: false, reason: outcome.reason }
  const authenticate = createAuthenticator({
    endpoint: 'http://127.0.0.1/',
    retry: false,
    fetch: async () => playBack(outcome),
    // The report shows the result, so the console stays silent.
    onEvent: () => undefined,
  })
  const headers = { authorization: 'Bearer played-back' }
  const result = await authenticate(new Request(REQUEST_URL, { headers }))
  if (!result.ok) return { passes: false, reason: result.reason }
  return { passes: true, isNamed: result.auth?.principal !== undefined }
}

function playBack({ status, headers, body }: ProbeAnswer) {
  return { status, headers, body: body === undefined ? null : new Response(body).body }
}
