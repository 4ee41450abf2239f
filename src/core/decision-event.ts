import type { Check } from './check.ts'
import type { Target } from './target.ts'
import type { Auth, DecisionEvent } from './types.ts'

/** A request that was decided about, and what happened on the way. */
interface Decided {
  readonly request: Request
  readonly setup: { readonly requestIdHeader: string | false }
  readonly startedAt: number
  readonly target?: Pick<Target, 'path'>
  readonly check?: Pick<Check, 'token' | 'cache' | 'attempts' | 'skipped' | 'endpointStatus'>
}

type Outcome = Pick<DecisionEvent, 'outcome' | 'reason' | 'status' | 'cause' | 'shadow'>

type Writable<Event> = { -readonly [Name in keyof Event]: Event[Name] }

const LONGEST_PATH = 256
const LONGEST_METHOD = 32
const LONGEST_PRINCIPAL = 256

/** Makes the event of a decision. Never throws, since a decision must not depend on its event. */
export function createDecisionEvent(
  { request, setup, startedAt, target, check }: Decided,
  outcome: Outcome,
  auth: Auth | undefined,
): DecisionEvent {
  const event: Writable<DecisionEvent> = {
    type: 'decision',
    ...outcome,
    path: target?.path.slice(0, LONGEST_PATH) ?? '',
    method: '',
    durationMs: performance.now() - startedAt,
    cache: check?.cache ?? 'off',
    attempts: check?.attempts ?? 0,
    ...(check?.skipped === undefined ? {} : { skipped: check.skipped }),
    ...(check?.endpointStatus === undefined ? {} : { endpointStatus: check.endpointStatus }),
  }
  try {
    addFacts(event, request, setup.requestIdHeader, auth, check?.token)
  } catch {
    // A program may have replaced the getters of the Request.
  }
  return event
}

/**
 * Adds the method, the principal and the request id. Spreading an object of them would add a third to a cache hit with an
 * observer. Leaves out a principal or request id that holds the token, since an endpoint or a client may send it there.
 */
function addFacts(
  event: Writable<DecisionEvent>,
  request: Request,
  requestIdHeader: string | false,
  auth: Auth | undefined,
  token: string | undefined,
): void {
  event.method = request.method.slice(0, LONGEST_METHOD)
  const principal = withoutToken(auth?.principal, token)
  if (principal !== undefined) event.principal = principal.slice(0, LONGEST_PRINCIPAL)
  const requestId = readRequestId(request, requestIdHeader, token)
  if (requestId !== undefined) event.requestId = requestId
}

/** The request id that the client sent, or `undefined` if it is not 1 to 128 visible ASCII characters or holds the token. */
export function readRequestId(
  { headers }: Request,
  header: string | false,
  token: string | undefined,
): string | undefined {
  const value = header === false ? null : headers.get(header)
  if (value === null || !/^[\x21-\x7e]{1,128}$/.test(value)) return undefined
  return withoutToken(value, token)
}

function withoutToken(text: string | undefined, token: string | undefined): string | undefined {
  return token !== undefined && text?.includes(token) === true ? undefined : text
}
