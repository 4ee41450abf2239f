import { admissionOf, requireScopes, union } from '../core/response/admission.ts'
import { addFacts } from '../core/response/decision-event.ts'
import { Denials } from '../core/response/denial.ts'
import { createChannel, createConsole } from '../core/response/events.ts'
import { judgeNeed } from './judge.ts'
import { parseTarget } from '../core/request/target.ts'
import { property } from '../core/runtime.ts'
import type { AccessEvent, Denial } from '../core/types.ts'
import type { Need } from './need.ts'
import type { Entry } from '../core/response/admission.ts'
import type { Rejection } from '../core/response/denial.ts'

// For a request that no guard saw, so that there is no config that could say how to answer.
const channel = createChannel(undefined, createConsole())
const unguarded = new Denials()

/**
 * Checks what the caller of an admitted request may do. Returns `undefined` if it has what is needed, and in shadow mode.
 * A request that no guard admitted is rejected: its caller is unknown.
 */
export function checkNeed(request: Request, need: Need): Rejection | undefined {
  const entry = admissionOf(request)
  if (entry === undefined) return rejectUnguarded(isOfNode(request) ? NODE_ADVICE : FETCH_ADVICE)
  const { admission, guards } = entry
  const guard = guards.deciding
  const isShadow = guard.config.mode === 'shadow'
  // The guard has reported that it would have rejected this request, so that no check would have come.
  if (isShadow && admission.exemption === 'shadow') return undefined
  const { refusal, scopes } = judgeNeed(need, admission.auth, guard.config.scopeImplies)
  const reason = admission.auth === undefined ? 'missing_credentials' : refusal
  if (reason === undefined) {
    requireScopes(request, scopes)
    return undefined
  }
  // Not kept: a program may go on after a check that failed, as `some()` of Hono does. Then nothing needs these scopes.
  const template = guard.denials.create(reason, {}, union(guards.required, scopes))
  reportRejection(request, entry, template.denial)
  return isShadow ? undefined : { reason, response: guard.denials.respond(template, request) }
}

const FETCH_ADVICE =
  'Put withAuth, or auth() of with-auth/hono, around the handler, and pass on the very Request that it was given'
const NODE_ADVICE =
  'It is no Request of Fetch: in Express and Fastify use access() of with-auth/express and with-auth/fastify in place of checkAccess and withAccess'

/** @param advice What to do, for the console. */
export function rejectUnguarded(advice: string): Rejection {
  channel.writeLine(
    `A request came to a check of what its caller may do, and no guard has admitted it: it is rejected. ${advice}`,
  )
  const reason = 'not_configured'
  const { body, init } = unguarded.create(reason)
  return { reason, response: new Response(body, init) }
}

function isOfNode(request: unknown): boolean {
  try {
    const headers = property(request, 'headers')
    return headers !== undefined && property(headers, 'get') === undefined
  } catch {
    // From Node 24 on a proxy of a Request has no headers that can be read.
    return false
  }
}

function reportRejection(
  request: Request,
  { admission, guards }: Entry,
  { reason, status }: Denial,
): void {
  const guard = guards.deciding
  if (guard.report === undefined) return
  const event: AccessEvent = {
    type: 'access',
    outcome: 'deny',
    reason,
    status,
    path: '',
    method: '',
    ...(guard.config.mode === 'shadow' && { shadow: true }),
  }
  const target = parseTarget(request.url)
  const { auth } = admission
  guard.report(addFacts(event, { request, setup: guard, others: guards.all, auth, target }))
}
