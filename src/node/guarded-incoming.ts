import { admissionOf, rememberAdmission } from '../core/response/admission.ts'
import { guardedRequest, rememberGuarded } from '../needs/guarded-request.ts'
import { checkNeed, rejectUnguarded } from '../needs/route-check.ts'
import { toHeaderOnlyRequest } from './header-only-request.ts'
import type { AuthenticationResult, Authenticator } from '../core/authenticator.ts'
import type { Rejection } from '../core/response/denial.ts'
import type { Need } from '../needs/need.ts'
import type { NodeRequest } from './header-only-request.ts'

/**
 * Decides about a request of Node, and keeps the admission for route checks. As on a Request that several guards see, an admission of
 * an earlier guard stays beside it: a guard in shadow mode must not take its place.
 *
 * @param sent What the client has sent, if the framework has changed it.
 */
export async function guardIncoming(
  authenticate: Authenticator<readonly [NodeRequest]>,
  incoming: NodeRequest,
  sent: NodeRequest = incoming,
): Promise<AuthenticationResult> {
  const request = toHeaderOnlyRequest(sent)
  const earlier = guardedRequest(incoming)
  const entry = earlier && admissionOf(earlier)
  if (entry !== undefined) rememberAdmission(request, entry.admission, entry.guards)
  const result = await authenticate(request, incoming)
  if (!result.ok) return result
  rememberGuarded(incoming, request)
  return { ok: true, auth: admissionOf(request)?.admission.auth }
}

const ADVICE =
  'Put auth() of with-auth/express or with-auth/fastify before access(), and leave the request of Node in its place'

/** Checks what the caller of a request of Node may do. */
export function checkIncoming(incoming: object, need: Need): Rejection | undefined {
  const request = guardedRequest(incoming)
  return request === undefined ? rejectUnguarded(ADVICE) : checkNeed(request, need)
}
