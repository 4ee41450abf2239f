import { Check } from '../../core/request/check.ts'
import { createEndpoint } from '../../core/endpoint/endpoint.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import type { UnavailableReason } from '../../core/types.ts'
import type { ProbeAnswer, ProbeOutcome } from './probe.ts'

/** What the wrapper makes of an outcome. */
export type WrapperView =
  | { readonly passes: true; readonly isNamed: boolean }
  | { readonly passes: false; readonly reason: UnavailableReason | 'denied' }

/**
 * Plays the answer back to the code that asks endpoints. It makes no event, which could hold the good key: an endpoint may
 * repeat the key as the principal, and the check that is played back has another token.
 */
export async function viewOfWrapper(outcome: ProbeOutcome): Promise<WrapperView> {
  if (outcome.kind === 'silence') return { passes: false, reason: outcome.reason }
  const ask = createEndpoint({
    url: 'http://127.0.0.1/',
    headers: {},
    identity: 'optional',
    transport: async () => playBack(outcome),
    notify: () => undefined,
  })
  const request = { path: '/v1/models', headers: {}, params: {} }
  const check = new Check('played-back', '', () => ({ token: 'played-back', request }), [])
  try {
    const verdict = await ask(check, Infinity, new AbortController().signal)
    if (verdict.outcome === 'deny') return { passes: false, reason: 'denied' }
    return { passes: true, isNamed: verdict.auth.principal !== undefined }
  } catch (error) {
    if (error instanceof AuthUnavailableError) return { passes: false, reason: error.reason }
    throw error
  }
}

function playBack({ status, headers, body }: ProbeAnswer) {
  return { status, headers, body: body === undefined ? null : new Response(body).body }
}
