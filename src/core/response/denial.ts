import { ignore, isPromise } from '../async.ts'
import { kindOf } from './events.ts'
import type { AuthConfig } from '../auth-config.ts'
import type { Channel } from './events.ts'
import type { Denial, DenialReason } from '../types.ts'

export type Denials = ReturnType<typeof createDenials>

export interface DenialOptions {
  readonly realm: string
  readonly unavailableStatus: 401 | 503
  readonly respond: AuthConfig['respond']
  /** Gets one warning if `respond` fails. */
  readonly notify: Channel['notify']
}

interface Row {
  readonly status: 400 | 401 | 403 | 500
  readonly message: string
  /** RFC 6750 §3.1: only if a token was sent and rejected. An outage must not make clients drop theirs. */
  readonly invalidToken?: true
  /** The endpoint is unavailable, so that `unavailableStatus` applies. */
  readonly outage?: true
}

const BAD_HEADER = 'Missing or invalid Authorization header'
const FAILED = 'Authentication failed'
const SERVICE_ERROR = 'Authentication service error'

const ROWS: Readonly<Record<DenialReason, Row>> = {
  missing_credentials: { status: 401, message: BAD_HEADER },
  malformed_credentials: { status: 401, message: BAD_HEADER, invalidToken: true },
  denied: { status: 401, message: FAILED, invalidToken: true },
  forbidden: { status: 403, message: 'Access denied' },
  rate_limited: { status: 401, message: FAILED, outage: true },
  service_error: { status: 401, message: FAILED, outage: true },
  timeout: { status: 401, message: SERVICE_ERROR, outage: true },
  unreachable: { status: 401, message: SERVICE_ERROR, outage: true },
  invalid_response: { status: 401, message: SERVICE_ERROR, outage: true },
  circuit_open: { status: 401, message: SERVICE_ERROR, outage: true },
  overloaded: { status: 401, message: SERVICE_ERROR, outage: true },
  internal_error: { status: 401, message: SERVICE_ERROR },
  malformed_request: { status: 400, message: 'Malformed request target' },
  not_configured: { status: 500, message: 'Authentication is not configured' },
}

/** Whether this is a reason that exists; a verifier may have thrown any other text. */
export function isDenialReason(reason: string): reason is DenialReason {
  return Object.hasOwn(ROWS, reason)
}

/** Makes denials and their responses, as configured. Neither function throws, whatever `respond` does. */
export function createDenials({ realm, unavailableStatus, respond, notify }: DenialOptions) {
  // RFC 9110 §5.6.4: a quoted-string escapes quotes and backslashes.
  const challenge = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"`
  const invalidToken = `${challenge}, error="invalid_token"`
  const warn = warnOnce(notify)
  return {
    create: (reason: DenialReason, retryAfterMs?: number): Denial =>
      createDenial(reason, unavailableStatus, retryAfterMs),
    respond: (denial: Denial, request: Request): Response => {
      const ownChallenge = ROWS[denial.reason].invalidToken === true ? invalidToken : challenge
      const custom = respond && tryRespond(respond, warn, denial, request, ownChallenge)
      return custom ?? createResponse(denial, ownChallenge)
    },
  }
}

function createDenial(
  reason: DenialReason,
  unavailableStatus: 401 | 503,
  retryAfterMs = 1000,
): Denial {
  const { status, message, outage } = ROWS[reason]
  if (outage !== true || unavailableStatus === 401) {
    return Object.freeze({ reason, status, message })
  }
  return Object.freeze({
    reason,
    status: reason === 'rate_limited' ? 429 : 503,
    message,
    retryAfterMs: clampRetryAfter(retryAfterMs),
  })
}

function createResponse(denial: Denial, challenge: string): Response {
  const { status, message, reason, retryAfterMs } = denial
  const headers: Record<string, string> = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
  }
  // RFC 9110 §15.5.2: every 401 carries a challenge.
  if (status === 401) headers['www-authenticate'] = challenge
  if (retryAfterMs !== undefined) headers['retry-after'] = String(retryAfterMs / 1000)
  const error = { message, type: errorType(status), code: reason }
  return new Response(JSON.stringify({ error }), { status, headers })
}

function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 400) return 'invalid_request_error'
  if (status === 403) return 'permission_error'
  return status === 429 ? 'rate_limit_error' : 'api_error'
}

function tryRespond(
  respond: NonNullable<AuthConfig['respond']>,
  warn: Warn,
  denial: Denial,
  request: Request,
  challenge: string,
): Response | undefined {
  try {
    const response: unknown = respond(denial, request)
    // An async function returns a promise instead of a Response.
    ignore(response)
    const problem = problemOf(response)
    if (problem === undefined) return withChallenge(response as Response, challenge)
    warn(`"respond" returned ${problem}`)
  } catch (error) {
    warn(`"respond" threw ${kindOf(error)}`, error)
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

type Warn = (problem: string, error?: unknown) => void

/** Warns once: a hook that fails does so for each request. */
function warnOnce(notify: Channel['notify']): Warn {
  let isWarned = false
  return (problem, error) => {
    if (isWarned) return
    isWarned = true
    const message = `${problem}: the built-in response is sent instead. Return a new Response with a status from 300 on`
    notify({ type: 'warning', message }, error)
  }
}

function withChallenge(response: Response, challenge: string): Response {
  if (response.status !== 401 || response.headers.has('www-authenticate')) {
    // `respond` may return the same Response without a body each time. A copy keeps its headers apart for each client.
    return response.body === null ? new Response(null, response) : response
  }
  const headers = new Headers(response.headers)
  headers.set('www-authenticate', challenge)
  return new Response(response.body, { status: 401, statusText: response.statusText, headers })
}

/** How long clients are told to wait: 1 to 30 whole seconds, in milliseconds. An endpoint must not send them away for a day. */
export function clampRetryAfter(retryAfterMs: number): number {
  const seconds = Math.ceil(retryAfterMs / 1000)
  return Math.min(30, Math.max(1, Number.isNaN(seconds) ? 1 : seconds)) * 1000
}
