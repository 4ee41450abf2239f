import { admissionOf, requireScopes } from './admission.ts'
import { addFacts } from './decision-event.ts'
import { createDenials } from './denial.ts'
import { createConsole } from './events.ts'
import { judgeNeed } from './needs.ts'
import { parseTarget } from '../request/target.ts'
import type { AccessEvent, Auth, DenialReason, Need } from '../types.ts'
import type { Guard } from './admission.ts'
import type { Rejection } from './denial.ts'

const writeLine = createConsole()

// For a request that no guard saw, so that there is no config that could say how to answer.
const unguarded = createDenials({
  realm: 'api',
  unavailableStatus: 401,
  respond: undefined,
  notify: () => undefined,
})

/**
 * Checks what the caller of an admitted request may do. Returns `undefined` if it has what is needed, and in shadow mode.
 * A request that no guard admitted is rejected: its caller is unknown.
 */
export function checkNeed(request: Request, need: Need): Rejection | undefined {
  const entry = admissionOf(request)
  if (entry === undefined) return rejectUnguarded(request)
  const { admission, guards } = entry
  const guard = guards[guards.length - 1]
  // The guard has reported that it would have rejected this request, so that no check would have come.
  if (guard === undefined || admission.exemption === 'shadow') return undefined
  const { refusal, scopes } = judgeNeed(need, admission.auth, guard.config.scopeImplies)
  requireScopes(request, scopes)
  const reason = admission.auth === undefined ? 'missing_credentials' : refusal
  if (reason === undefined) return undefined
  return reject(request, guard, reason, admission.auth)
}

function rejectUnguarded(request: Request): Rejection {
  writeLine(
    'A request came to a check of what its caller may do, and no guard has admitted it: it is rejected. Put withAuth, or auth() of with-auth/hono, around the handler, and pass on the very Request that it was given',
  )
  const reason = 'not_configured'
  return { reason, response: unguarded.respond(unguarded.create(reason), request) }
}

function reject(
  request: Request,
  guard: Guard,
  reason: DenialReason,
  auth: Auth | undefined,
): Rejection | undefined {
  const denial = guard.denials.create(reason, { scopes: admissionOf(request)?.required })
  const isShadow = guard.config.mode === 'shadow'
  const event: AccessEvent = {
    type: 'access',
    outcome: 'deny',
    reason,
    status: denial.status,
    path: '',
    method: '',
    ...(isShadow && { shadow: true }),
  }
  const target = parseTarget(request.url)
  guard.report?.(addFacts(event, { request, setup: guard, auth, target }))
  return isShadow ? undefined : { reason, response: guard.denials.respond(denial, request) }
}
