import { kindOf } from '../redaction.ts'
import type { Failure } from './failure.ts'
import { ignore, isPromise } from '../async.ts'
import { reasonPhrase } from '../runtime.ts'
import { warnOnce } from './events.ts'
import { nameSources } from '../request/credentials.ts'
import type { AuthConfig, CredentialsSource } from '../auth-config.ts'
import type { Channel } from './events.ts'
import type { Denial, DenialReason } from '../types.ts'

/** A rejected request: the reason, and the response to send. */
export interface Rejection {
  /** `resource_metadata`: the request asked for the metadata of {@link AuthConfig.resource}, which the response holds. */
  readonly reason: DenialReason | 'resource_metadata'
  readonly response: Response
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause?: string
}

interface DenialOptions {
  readonly realm?: string
  /** Challenges name the URL of its metadata. */
  readonly resource?: false | { readonly metadataUrl: string }
  readonly unavailableStatus?: 401 | 503
  /** Where the guard looks for a token, for the sentence of a 401. By default in `Authorization`. */
  readonly credentials?: readonly CredentialsSource[]
  readonly respond?: AuthConfig['respond']
  /** Gets one warning if `respond` fails. */
  readonly notify?: Channel['notify']
}

interface Row {
  readonly status: 400 | 401 | 403 | 500
  readonly message: string
  /** RFC 6750 §3.1: only if a token was sent and rejected. An outage must not make clients drop theirs. */
  readonly error?: 'invalid_token' | 'insufficient_scope'
  /** The endpoint is unavailable: what is said where `unavailableStatus` applies. */
  readonly outage?: string
}

const INSTEAD =
  'the built-in response is sent instead. Return a new Response with a status from 300 on'
const BAD_HEADER = 'Missing or invalid Authorization header'
const FAILED = 'Authentication failed'
const SERVICE_ERROR = 'Authentication service error'
const UNAVAILABLE = 'Authentication service unavailable'

export const ROWS: Readonly<Record<DenialReason, Row>> = {
  missing_credentials: { status: 401, message: BAD_HEADER },
  malformed_credentials: { status: 401, message: BAD_HEADER, error: 'invalid_token' },
  denied: { status: 401, message: FAILED, error: 'invalid_token' },
  forbidden: { status: 403, message: 'Access denied' },
  insufficient_scope: { status: 403, message: 'Insufficient scope', error: 'insufficient_scope' },
  rate_limited: { status: 401, message: FAILED, outage: 'Too many authentication requests' },
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

const CONFLICTING: Row = { status: 401, message: 'The request has two different tokens' }

/**
 * Whether the key of a token was not searched for: tokens with made-up keys had used up the fetches. That is neither a denial
 * nor an outage, so it is 503 whatever `unavailableStatus` says.
 */
export function isUnsearched(reason: string | undefined, detail: string | undefined): boolean {
  return reason === 'overloaded' && detail === 'unknown_key'
}

type DenialFacts = Pick<Failure, 'retryAfterMs' | 'detail' | 'isConflict'>

/** A denial, and what its responses share. Each has headers of its own: middleware and @hono/node-server write into them. */
interface Template {
  readonly denial: Denial
  readonly challenge: string
  readonly body: string
  readonly init: Omit<ResponseInit, 'headers'> & { headers: Record<string, string> }
}

/** Makes denials and their responses, as configured. Neither method throws, whatever `respond` does. */
export class Denials {
  readonly #options: DenialOptions
  readonly #rows: typeof ROWS
  readonly #warn: ReturnType<typeof warnOnce>
  /** By reason: those that say nothing about their request. */
  readonly #usual = new Map<DenialReason, Template>()

  constructor(options: DenialOptions = {}) {
    this.#options = options
    this.#rows = createRows(options.credentials)
    this.#warn = warnOnce(options.notify)
  }

  /** `scopes` are those that the guards of the request need. */
  create(reason: DenialReason, facts: DenialFacts = {}, scopes?: readonly string[]): Template {
    const { detail, isConflict } = facts
    const needed = scopes?.length === 0 ? undefined : scopes
    const isUsual = needed === undefined && isConflict !== true && !isUnsearched(reason, detail)
    const usual = isUsual ? this.#usual.get(reason) : undefined
    if (usual !== undefined) return usual
    const row = isConflict === true ? CONFLICTING : this.#rows[reason]
    const denial = createDenial(reason, row, facts, needed, this.#options)
    const template = createTemplate(denial, createChallenge(denial, this.#options))
    if (isUsual && denial.retryAfterMs === undefined) this.#usual.set(reason, template)
    return template
  }

  respond(template: Template, request: Request): Response {
    const init = { ...template.init, headers: { ...template.init.headers } }
    return this.#ask(template, request) ?? new Response(template.body, init)
  }

  #ask({ denial, challenge }: Template, request: Request): Response | undefined {
    const { respond } = this.#options
    if (respond === undefined) return undefined
    try {
      const response: unknown = respond(denial, request)
      // An async function returns a promise instead of a Response.
      ignore(response)
      const problem = problemOf(response)
      if (problem === undefined) return withChallenge(response as Response, denial, challenge)
      this.#warn(`"respond" returned ${problem}: ${INSTEAD}`)
    } catch (error) {
      this.#warn(`"respond" threw ${kindOf(error)}: ${INSTEAD}`, error)
    }
    return undefined
  }
}

/** The contract has the sentences about `Authorization` alone. */
function createRows(sources: readonly CredentialsSource[] = ['bearer']): typeof ROWS {
  if (sources.every((source) => source === 'bearer')) return ROWS
  const source = nameSources(sources)
  return {
    ...ROWS,
    missing_credentials: { status: 401, message: `Missing ${source}` },
    malformed_credentials: { status: 401, message: `Invalid ${source}` },
  }
}

function createDenial(
  reason: DenialReason,
  { status, message, outage }: Row,
  { retryAfterMs = 1000, detail }: DenialFacts,
  scopes: readonly string[] | undefined,
  { unavailableStatus }: DenialOptions,
): Denial {
  const denial = { reason, status, message, ...(scopes && { scopes }) }
  const isShown = unavailableStatus === 503 || isUnsearched(reason, detail)
  if (outage === undefined || !isShown) return Object.freeze(denial)
  const shown = { status: reason === 'rate_limited' ? 429 : 503, message: outage } as const
  return Object.freeze({ ...denial, ...shown, retryAfterMs: clampRetryAfter(retryAfterMs) })
}

function createTemplate(denial: Denial, challenge: string): Template {
  const { status, message, reason, retryAfterMs } = denial
  const headers = {
    'content-type': 'application/json',
    'cache-control': 'no-store',
    ...(isChallenged(denial) && { 'www-authenticate': challenge }),
    ...(retryAfterMs !== undefined && { 'retry-after': String(retryAfterMs / 1000) }),
  }
  const body = JSON.stringify({ error: { message, type: errorType(status), code: reason } })
  return { denial, challenge, body, init: { status, statusText: reasonPhrase(status), headers } }
}

function createChallenge({ reason, scopes = [] }: Denial, options: DenialOptions): string {
  const { realm = 'api', resource = false } = options
  const { error } = ROWS[reason]
  const why = error === undefined ? '' : `, error="${error}"`
  const scope = scopes.length === 0 ? '' : `, scope="${scopes.join(' ')}"`
  const metadata = resource === false ? '' : `, resource_metadata="${resource.metadataUrl}"`
  // RFC 9110 §5.6.4: a quoted-string escapes quotes and backslashes.
  return `Bearer realm="${realm.replace(/["\\]/g, '\\$&')}"${why}${scope}${metadata}`
}

/** RFC 9110 §15.5.2: every 401 carries a challenge. A 403 does if another token would help (RFC 6750 §3.1). */
function isChallenged({ status, reason }: Pick<Denial, 'status' | 'reason'>): boolean {
  return status === 401 || (status === 403 && reason === 'insufficient_scope')
}

/** The `error.type` of a response with this status. */
export function errorType(status: number): string {
  if (status === 401) return 'authentication_error'
  if (status === 400) return 'invalid_request_error'
  if (status === 403) return 'permission_error'
  return status === 429 ? 'rate_limit_error' : 'api_error'
}

/** Why what `respond` returned cannot be sent. */
function problemOf(response: unknown): string | undefined {
  if (isPromise(response)) return 'a promise'
  if (!(response instanceof Response)) return 'no Response'
  if (response.status < 300) return `a Response with the status ${response.status}`
  const isUsed = response.bodyUsed || response.body?.locked === true
  return isUsed ? 'a Response whose body was used before' : undefined
}

function withChallenge(response: Response, denial: Denial, challenge: string): Response {
  const { status, statusText, headers: given } = response
  if (!isChallenged({ ...denial, status }) || given.has('www-authenticate')) {
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
