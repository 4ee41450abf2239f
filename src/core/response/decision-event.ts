import type { Check } from '../request/check.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { Target } from '../request/target.ts'
import type { Auth, DecisionEvent } from '../types.ts'

/** How far the decision about one request has come. */
export interface Progress {
  readonly request: Request
  readonly setup: {
    readonly config: {
      readonly requestIdHeader: string | false
      readonly traits?: { readonly namesCaller: boolean } | undefined
    }
    readonly readCredentials: CredentialsReader
    /** The label of the verifier. */
    readonly label?: string | undefined
  }
  readonly startedAt: number
  target?: Target | undefined
  token?: string
  /** The decision came from the cache, so there is no check. */
  hit?: { readonly verifier: string | undefined }
  /** On a cache miss. */
  check?: Check
  /** The caller, once the endpoint has allowed it. */
  auth?: Auth | undefined
  /** All guards that the request came through: each may have read another token. */
  readonly others?: readonly Progress['setup'][]
}

/** The decision, as its event shows it. */
export type Decided = Pick<
  DecisionEvent,
  'outcome' | 'reason' | 'status' | 'cause' | 'detail' | 'rule' | 'shadow'
>

/** The token that events must not show: `undefined` if a request has none, `null` if its credentials cannot be read. */
export type PresentedToken = string | undefined | null

type Writable<Event> = { -readonly [Name in keyof Event]: Event[Name] }

const LONGEST_PATH = 256
const LONGEST_METHOD = 32
const LONGEST_PRINCIPAL = 256
const ALONE: NonNullable<Progress['others']> = []

/** Makes the event of a decision. Never throws, since a decision must not depend on its event. */
export function createDecisionEvent(progress: Progress, decision: Decided): DecisionEvent {
  const { startedAt, check } = progress
  const event: Writable<DecisionEvent> = {
    type: 'decision',
    ...decision,
    path: '',
    method: '',
    durationMs: performance.now() - startedAt,
    cache: check?.cache ?? (progress.hit === undefined ? 'off' : 'hit'),
    attempts: check?.attempts ?? 0,
    ...(check?.skipped === undefined ? {} : { skipped: check.skipped }),
    ...(check?.endpointStatus === undefined ? {} : { endpointStatus: check.endpointStatus }),
  }
  const asked = progress.hit ?? check
  const verifier = asked && (asked.verifier ?? progress.setup.label)
  if (verifier !== undefined) event.verifier = verifier
  return addFacts(event, progress)
}

/** The facts about a request that events show. */
type RequestFacts = Pick<DecisionEvent, 'path' | 'method' | 'principal' | 'requestId'>

/**
 * Adds the path, the method, the principal and the request id, without those that hold the token: an endpoint or a client may
 * send it there. Spreading an object of them would add a third to the cost of a cache hit with an observer.
 */
export function addFacts<Event extends RequestFacts>(
  event: Writable<Event>,
  progress: Pick<Progress, 'request' | 'setup' | 'others' | 'target' | 'token' | 'auth'>,
): Event {
  const { request, setup, auth, target } = progress
  const facts: Writable<RequestFacts> = event
  try {
    const token = hiddenToken(progress)
    facts.path = shownPath(target?.path ?? '', token)
    facts.method = request.method.slice(0, LONGEST_METHOD)
    const principal = withoutToken(auth?.principal, token)
    if (principal !== undefined) facts.principal = principal.slice(0, LONGEST_PRINCIPAL)
    const requestId = readRequestId(request, setup.config.requestIdHeader, token)
    if (requestId !== undefined) facts.requestId = requestId
    for (const other of progress.others ?? ALONE) hideToken(facts, progress, other)
  } catch {
    // A program may have replaced the getters of the Request.
    facts.path = shownPath(target?.path ?? '', undefined)
  }
  return event
}

/** Takes out what holds the token of another guard. */
function hideToken(
  facts: Writable<RequestFacts>,
  { request, auth, target }: Pick<Progress, 'request' | 'target' | 'auth'>,
  setup: Progress['setup'],
): void {
  const token = hiddenToken({ request, setup })
  if (shownPath(target?.path ?? '', token) === '') facts.path = ''
  if (withoutToken(auth?.principal, token) === undefined) delete facts.principal
  if (withoutToken(facts.requestId, token) === undefined) delete facts.requestId
}

/** The token that events must not show. A name is not a secret. */
function hiddenToken({
  request,
  setup,
  token,
}: Pick<Progress, 'request' | 'setup' | 'token'>): PresentedToken {
  if (setup.config.traits?.namesCaller === true) return undefined
  return token ?? presentedToken(request, setup.readCredentials)
}

/**
 * The token that a request presents, for events about requests that are not checked. Without a token it is what
 * `Authorization` has behind another scheme, since a client may have sent a valid token as `Basic`.
 */
export function presentedToken(
  { headers }: Request,
  readCredentials: CredentialsReader,
): PresentedToken {
  const read = readCredentials(headers)
  if (typeof read === 'string') return read
  if (read.reason === 'malformed_credentials') return null
  const field = headers.get('authorization')?.trim() ?? ''
  if (field === '') return undefined
  return /^(?:\S+\s+)?([^\s,="]+=*)$/.exec(field)?.[1] ?? null
}

/** The path as events show it: cut, and empty if it holds, or may hold, the token. */
export function shownPath(path: string, token: PresentedToken): string {
  if (token === null) return ''
  return withoutToken(path, token)?.slice(0, LONGEST_PATH) ?? ''
}

/** The request id of the client: 1 to 128 visible ASCII characters that cannot hold the token. Otherwise `undefined`. */
export function readRequestId(
  { headers }: Request,
  header: string | false,
  token: PresentedToken,
): string | undefined {
  const value = header === false || token === null ? null : headers.get(header)
  if (value === null || !/^[\x21-\x7e]{1,128}$/.test(value)) return undefined
  return withoutToken(value, token)
}

/** A text of a client or an endpoint, or `undefined` if it holds the token. */
export function withoutToken(text: string | undefined, token: PresentedToken): string | undefined {
  return typeof token === 'string' && text?.includes(token) === true ? undefined : text
}
