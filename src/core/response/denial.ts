import { ignore, isPromise } from '../async.ts'
import { reasonPhrase } from '../runtime.ts'
import { kindOf, warnOnce } from './events.ts'
import { isUnsearched } from './unsearched.ts'
import { nameSources } from '../request/credentials.ts'
import type { AuthConfig, CredentialsSource } from '../auth-config.ts'
import type { Failure } from './alarm.ts'
import type { Channel } from './events.ts'
import type { Why } from './unsearched.ts'
import type { Denial, DenialReason } from '../types.ts'

export type Denials = ReturnType<typeof createDenials>

/** A rejected request: the reason, and the response to send. */
export interface Rejection {
  /** `resource_metadata`: the request asked for the metadata of {@link AuthConfig.resource}, which the response holds. */
  readonly reason: DenialReason | 'resource_metadata'
  readonly response: Response
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause?: string
}

export interface DenialOptions {
  readonly realm: string
  /** Challenges name the URL of its metadata. */
  readonly resource?: false | { readonly metadataUrl: string }
  readonly unavailableStatus: 401 | 503
  /** Where the guard looks for a token, for the sentence of a 401. By default in `Authorization`. */
  readonly credentials?: readonly CredentialsSource[]
  readonly respond: AuthConfig['respond']
  /** Gets one warning if `respond` fails. */
  readonly notify: Channel['notify']
}

interface Row {
  readonly status: 400 | 401 | 403 | 500
  readonly message: string
  /** RFC 6750 §3.1: only if a token was sent and rejected. An outage must not make clients drop theirs. */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  /** The endpoint is unavailable: what is said where `unavailableStatus` applies. */
  readonly outage?: string
}

const BAD_HEADER = 'Missing or invalid Authorization header'
const FAILED = 'Authentication failed'
const SERVICE_ERROR = 'Authentication service error'
const UNAVAILABLE = 'Authentication service unavailable'
const TWO_TOKENS = 'The request has two different tokens'
const TOO_MANY = 'Too many authentication requests'

export const ROWS: Readonly<Record<DenialReason, Row>> = {
  missing_credentials: { status: 401, message: BAD_HEADER },
  malformed_credentials: { status: 401, message: BAD_HEADER, error: 'invalid_token' },
  denied: { status: 401, message: FAILED, error: 'invalid_token' },
  forbidden: { status: 403, message: 'Access denied' },
  insufficient_scope: { status: 403, message: 'Insufficient scope', error: 'insufficient_scope' },
  rate_limited: { status: 401, message: FAILED, outage: TOO_MANY },
  service_error: { status: 401, message: FAILED, outage: UNAVAILABLE },
  timeout: { status: 401, message: SERVICE_ERROR, outage: UNAVAILABLE },
  unreachable: { status: 401, message: SERVICE_ERROR, outage: UNAVAILABLE },
  invalid_response: { status: 401, message: SERVICE_ERROR, outage: UNAVAILABLE },
  circuit_open: { status: 401, message: SERVICE_ERROR, outage: UNAVAILABLE },
  overloaded: { status: 401, message: SERVICE_ERROR, outage: UNAVAILABLE },
  internal_error: { status: 401, message: SERVICE_ERROR },
  malformed_request: { status: 400, message: 'Malformed request target' },
  not_configured: { status: 500, message: 'Authentication is not configured' },
}

const CONFLICTING = { code: 'malformed_credentials', status: 401, message: TWO_TOKENS } as const

/** Whether this is a reason that exists; a verifier may have thrown any other text. */
export function isDenialReason(reason: string): reason is DenialReason {
  return Object.hasOwn(ROWS, reason)
}

/** Whether the server failed, and not the caller. */
export function isOutage(why: Why): boolean {
  const { reason } = why
  if (reason === undefined || isUnsearched(why)) return false
  const hasFailed = reason === 'internal_error' || reason === 'not_configured'
  return hasFailed || ROWS[reason].outage !== undefined
}

/** The facts of a denial beside its reason. */
export interface DenialFacts extends Pick<Failure, 'retryAfterMs' | 'detail' | 'isConflict'> {
  /** The scopes that the guards of the request need. */
  readonly scopes?: readonly string[] | undefined
}

/** Makes denials and their responses, as configured. Neither function throws, whatever `respond` does. */
export function createDenials(options: DenialOptions) {
  const { unavailableStatus, respond, notify } = options
  const rows = createRows(options.credentials)
  const challengeFor = createChallenges(options)
  const warn = warnOnce(notify)
  return {
    create: (reason: DenialReason, facts: DenialFacts = {}): Denial =>
      createDenial(reason, rows[reason], unavailableStatus, facts),
    respond: (denial: Denial, request: Request): Response => {
      const challenge = challengeFor(denial)
      const custom = respond && tryRespond(respond, warn, denial, request, challenge)
      return custom ?? createResponse(denial, challenge)
    },
  }
}

/** The contract has the sentences about `Authorization` alone. */
function createRows(sources: readonly CredentialsSource[] = ['bearer']): typeof ROWS {
  if (sources.every((source) => source === 'bearer')) return ROWS
  const source = nameSources(sources)
  return {
    ...ROWS,
    missing_credentials: { status: 401, message: `Missing ${source}` },
    malformed_credentials: { status: 401, message: `Invalid ${source}`, error: 'invalid_token' },
  }
}

function createChallenges({ realm, resource = false }: DenialOptions) {
  // RFC 9110 §5.6.4: a quoted-string escapes quotes and backslashes.
  const scheme = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"`
  const metadata = resource === false ? '' : `, resource_metadata="${resource.metadataUrl}"`
  return ({ reason, scopes = [] }: Denial): string => {
    const { error } = ROWS[reason]
    const why = error === undefined ? '' : `, error="${error}"`
    const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`
    return `${scheme}${why}${scope}${metadata}`
  }
}

function createDenial(
  reason: DenialReason,
  row: Row,
  unavailableStatus: 401 | 503,
  { retryAfterMs = 1000, scopes = [], detail, isConflict }: DenialFacts,
): Denial {
  const { status, message, outage }: Row = isConflict === true ? CONFLICTING : row
  const denial = { reason, status, message, ...(scopes.length === 0 ? {} : { scopes }) }
  const isKept = unavailableStatus === 401 && !isUnsearched({ reason, detail })
  if (outage === undefined || isKept) return Object.freeze(denial)
  const shown = { status: reason === 'rate_limited' ? 429 : 503, message: outage } as const
  return Object.freeze({ ...denial, ...shown, retryAfterMs: clampRetryAfter(retryAfterMs) })
}

function createResponse(denial: Denial, challenge: string): Response {
  const { status, message, reason, retryAfterMs } = denial
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  }
  if (isChallenged(status, denial)) headers['www-authenticate'] = challenge
  if (retryAfterMs !== undefined) headers['retry-after'] = String(retryAfterMs / 1000)
  const error = { message, type: errorType(status), code: reason }
  const init = { status, statusText: reasonPhrase(status), headers }
  return new Response(JSON.stringify({ error }), init)
}

/** RFC 9110 §15.5.2: every 401 carries a challenge. A 403 does if another token would help (RFC 6750 §3.1). */
function isChallenged(status: number, { reason }: Denial): boolean {
  return status === 401 || (status === 403 && reason === 'insufficient_scope')
}

/** The `error.type` of a response with this status. */
export function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 400) return 'invalid_request_error'
  if (status === 403) return 'permission_error'
  return status === 429 ? 'rate_limit_error' : 'api_error'
}

const INSTEAD =
  'the built-in response is sent instead. Return a new Response with a status from 300 on'

function tryRespond(
  respond: NonNullable<AuthConfig['respond']>,
  warn: ReturnType<typeof warnOnce>,
  denial: Denial,
  request: Request,
  challenge: string,
): Response | undefined {
  try {
    const response: unknown = respond(denial, request)
    // An async function returns a promise instead of a Response.
    ignore(response)
    const problem = problemOf(response)
    if (problem === undefined) return withChallenge(response as Response, denial, challenge)
    warn(`"respond" returned ${problem}: ${INSTEAD}`)
  } catch (error) {
    warn(`"respond" threw ${kindOf(error)}: ${INSTEAD}`, error)
  }
  return undefined
}

/** Why what `respond` returned cannot be sent, or `undefined` if it can. */
function problemOf(response: unknown): string | undefined {
  if (isPromise(response)) return 'a promise'
  if (!(response instanceof Response)) return 'no Response'
  if (response.status < 300) return `a Response with the status ${response.status}`
  const isUsed = response.bodyUsed || response.body?.locked === true
  return isUsed ? 'a Response whose body was used before' : undefined
}

function withChallenge(response: Response, denial: Denial, challenge: string): Response {
  const { status, statusText, headers: given } = response
  if (!isChallenged(status, denial) || given.has('www-authenticate')) {
    // `respond` may return the same Response without a body each time. A copy keeps its headers apart for each client.
    return response.body === null ? new Response(null, response) : response
  }
  const headers = new Headers(given)
  headers.set('www-authenticate', challenge)
  return new Response(response.body, { status, statusText, headers })
}

/** How long clients are told to wait: 1 to 30 whole seconds, in milliseconds. An endpoint must not send them away for a day. */
export function clampRetryAfter(retryAfterMs: number): number {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return Math.min(30, Math.max(1, Number.isNaN(seconds) ? 1 : seconds)) * 1000
}
