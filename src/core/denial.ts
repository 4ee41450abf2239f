import { ignore } from './promises.ts'
import { clampRetryAfter } from './retry-after.ts'
import type { AuthConfig } from './auth-config.ts'
import type { Denial, DenialReason } from './types.ts'

/** How requests are refused, as configured. Neither function throws, whatever the user's hook does. */
export interface Denials {
  readonly describe: (reason: DenialReason, retryAfterMs?: number) => Denial
  readonly respond: (denial: Denial, request: Request) => Response
}

export interface DenialOptions {
  readonly realm: string
  readonly unavailableStatus: 401 | 503
  readonly respond: AuthConfig['respond']
}

interface Row {
  readonly status: 400 | 401 | 500
  readonly message: string
  /** RFC 6750 §3.1: only where credentials came and were refused; an outage must not make clients drop theirs. */
  readonly invalidToken?: true
  /** The endpoint's fault, so that `unavailableStatus` applies. */
  readonly outage?: true
}

const BAD_HEADER = 'Missing or invalid Authorization header'
const FAILED = 'Authentication failed'
const SERVICE_ERROR = 'Authentication service error'

const ROWS: Readonly<Record<DenialReason, Row>> = {
  missing_credentials: { status: 401, message: BAD_HEADER },
  malformed_credentials: { status: 401, message: BAD_HEADER, invalidToken: true },
  denied: { status: 401, message: FAILED, invalidToken: true },
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

/** Whether there is such a reason; a verifier may have thrown any other. */
export function isDenialReason(reason: string): reason is DenialReason {
  return Object.hasOwn(ROWS, reason)
}

/** Makes refusals as configured: status, challenge and body by reason, or the user's own response. */
export function createDenials({ realm, unavailableStatus, respond }: DenialOptions): Denials {
  // RFC 9110 §5.6.4: a quoted-string escapes quotes and backslashes.
  const challenge = `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"`
  const invalidToken = `${challenge}, error="invalid_token"`
  return {
    describe: (reason, retryAfterMs) => createDenial(reason, unavailableStatus, retryAfterMs),
    respond: (denial, request) => {
      const ownChallenge = ROWS[denial.reason].invalidToken === true ? invalidToken : challenge
      const custom = respond && tryRespond(respond, denial, request, ownChallenge)
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
  if (outage !== true || unavailableStatus === 401)
    return Object.freeze({ reason, status, message })
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
  return status === 429 ? 'rate_limit_error' : 'api_error'
}

function tryRespond(
  respond: NonNullable<AuthConfig['respond']>,
  denial: Denial,
  request: Request,
  challenge: string,
): Response | undefined {
  try {
    const response: unknown = respond(denial, request)
    // What an async function returns is no Response.
    ignore(response)
    if (!(response instanceof Response) || response.status < 300) return undefined
    if (response.bodyUsed || response.body?.locked === true) return undefined
    return withChallenge(response, challenge)
  } catch {
    return undefined
  }
}

function withChallenge(response: Response, challenge: string): Response {
  if (response.status !== 401 || response.headers.has('www-authenticate')) return own(response)
  const headers = new Headers(response.headers)
  headers.set('www-authenticate', challenge)
  return new Response(response.body, { status: 401, statusText: response.statusText, headers })
}

// Without a body the same one can be given again and again, and what is written to its headers would reach the next client.
function own(response: Response): Response {
  return response.body === null ? new Response(null, response) : response
}
