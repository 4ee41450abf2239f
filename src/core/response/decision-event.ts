import { shownText } from '../redaction.ts'
import { readTraceId } from '../request/trace-context.ts'
import { isShadow } from './admission.ts'
import type { PresentedToken } from '../redaction.ts'
import type { CheckFacts } from '../request/check.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { Target } from '../request/target.ts'
import type { CheckSpan } from '../seams.ts'
import type { Auth, DecisionEvent } from '../types.ts'
import type { Guards } from './admission.ts'
import type { RequestReader } from './events.ts'
import type { Failure } from './failure.ts'

const LONGEST_METHOD = 32
// RFC 9110 §9.3 and RFC 5789. Almost every request has one of these, and none of them is a secret.
const METHODS = new Set('GET HEAD POST PUT DELETE CONNECT OPTIONS TRACE PATCH'.split(' '))

/** The facts about the decision of one request, when it is made. */
export interface DecisionFacts {
  readonly request: Request
  readonly setup: RequestReader & { readonly guards?: Guards | undefined }
  readonly startedAt: number
  target?: Target | undefined
  token?: string
  /** The decision came from the cache, so there is no check. */
  hit?: { readonly verifier: string | undefined }
  /** On a cache miss. */
  facts?: CheckFacts
  span?: CheckSpan | undefined
  /** The caller, once the endpoint has allowed it. */
  auth?: Auth | undefined
  /** All guards that the request came through: each may have read another token. */
  readonly others?: readonly RequestReader[]
}

type Writable<Event> = { -readonly [Name in keyof Event]: Event[Name] }

/** Makes the event of a decision. Never throws, since a decision must not depend on its event. */
export function createDecisionEvent(
  progress: DecisionFacts,
  outcome: DecisionEvent['outcome'],
  rejection?: { readonly failure: Failure; readonly status: number },
): DecisionEvent {
  const { startedAt, facts, setup } = progress
  const event: Writable<DecisionEvent> = {
    type: 'decision',
    outcome,
    ...(rejection && whyRejected(rejection.failure, rejection.status)),
    ...(setup.guards && isShadow(setup.guards) && { shadow: true }),
    path: '',
    method: '',
    durationMs: performance.now() - startedAt,
    cache: facts?.cache ?? (progress.hit === undefined ? 'off' : 'hit'),
    attempts: facts?.attempts ?? 0,
    ...(facts?.skipped === undefined ? {} : { skipped: facts.skipped }),
    ...(facts?.endpointStatus === undefined ? {} : { endpointStatus: facts.endpointStatus }),
  }
  const asked = progress.hit ?? facts
  const verifier = asked && (asked.verifier ?? setup.config.verifier?.label)
  if (verifier !== undefined) event.verifier = verifier
  return addFacts(event, progress)
}

function whyRejected(
  { reason, explanation, cause = explanation, detail, rule }: Failure,
  status: number,
): Partial<DecisionEvent> {
  return {
    reason,
    status,
    ...(cause !== undefined && { cause }),
    ...(detail !== undefined && { detail }),
    ...(rule !== undefined && { rule }),
  }
}

/** The facts about a request that events show. */
type RequestFacts = Pick<DecisionEvent, 'path' | 'method' | 'principal' | 'requestId' | 'traceId'>

/**
 * Adds the path, the method, the principal and the ids of request and trace, without those that hold the token: an endpoint or a
 * client may send it there. Never throws. Spreading an object of them would add a third to the cost of a cache hit with an observer.
 */
export function addFacts<Event extends RequestFacts>(
  event: Writable<Event>,
  progress: Pick<
    DecisionFacts,
    'request' | 'setup' | 'others' | 'target' | 'token' | 'span' | 'auth'
  >,
  told?: string,
): Event {
  const { request, setup, others, target, token, span, auth } = progress
  const facts: Writable<RequestFacts> = event
  try {
    const tokens =
      others === undefined
        ? [hiddenToken(request, setup, token)]
        : others.map((other) => hiddenToken(request, other))
    facts.path = shownText(target?.path ?? '', tokens) ?? ''
    facts.method = shownMethod(told ?? request.method, tokens)
    const principal = auth?.principal && shownText(auth.principal, tokens)
    if (principal !== undefined) facts.principal = principal
    const requestId = shownRequestId(request, setup.config.requestIdHeader, tokens)
    if (requestId !== undefined) facts.requestId = requestId
    const trace = span?.traceId ?? readTraceId(request.headers)
    const traceId = trace && shownText(trace, tokens)
    if (traceId !== undefined) facts.traceId = traceId
  } catch {
    // A program may have replaced the getters of the Request. A fact that may hold its token stays out.
  }
  return event
}

/** The method of a request, cut at 32 characters. Empty if it may hold one of the tokens. */
function shownMethod(method: string, tokens: readonly PresentedToken[]): string {
  if (METHODS.has(method)) return method
  return shownText(method, tokens, LONGEST_METHOD) ?? ''
}

/** The request id of the client: 1 to 128 visible ASCII characters that cannot hold a token. Otherwise `undefined`. */
function shownRequestId(
  { headers }: Request,
  header: string | false,
  tokens: readonly PresentedToken[],
): string | undefined {
  const value = header === false ? null : headers.get(header)
  if (value === null || !/^[\x21-\x7e]{1,128}$/.test(value)) return undefined
  return shownText(value, tokens)
}

/** The token that must not be shown. A name is not a secret. */
function hiddenToken(
  request: Request,
  { config, readCredentials }: RequestReader,
  token?: string,
): PresentedToken {
  if (config.namesCaller === true) return undefined
  return token ?? presentedToken(request, readCredentials)
}

// Without a token it is what `Authorization` has behind another scheme, since a client may have sent a valid token as `Basic`.
function presentedToken({ headers }: Request, readCredentials: CredentialsReader): PresentedToken {
  const read = readCredentials(headers)
  if (typeof read === 'string') return read
  if (read.reason === 'malformed_credentials') return null
  const field = headers.get('authorization')?.trim() ?? ''
  if (field === '') return undefined
  return /^(?:\S+\s+)?([^\s,="]+=*)$/.exec(field)?.[1] ?? null
}
