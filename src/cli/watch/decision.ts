import { CAUSE_WITH_ID } from '../../keys/verifier.ts'
import type { DenialReason, DenyDetail } from '../../core/types.ts'
import type { KeyEndpointEvent } from '../../keys.ts'

/** A decision as watchers see it. It holds no token. Texts of clients are cut, as in the log. */
// A type, because an interface does not fit a log entry.
export type WatchedDecision = {
  readonly type: 'decision'
  readonly outcome: string
  readonly status: number
  /** The auth endpoint does not learn it. */
  readonly method?: string | undefined
  readonly path: string
  readonly principal?: string | undefined
  readonly keyId?: string | undefined
  /** Why a request was rejected or failed, in words. */
  readonly cause?: string | undefined
}

/** The facts of a decision of the gateway. */
export interface DecidedRequest {
  readonly outcome: string
  readonly status: number
  readonly method: string
  readonly path: string
  readonly principal?: string | undefined
  readonly reason?: string | undefined
  readonly detail?: string | undefined
  readonly rule?: number | undefined
  readonly cause?: string | undefined
  readonly shadow?: boolean | undefined
  readonly failure?: string | undefined
  readonly upstreamCause?: string | undefined
  /** Of an allow. A denial has it in its cause. */
  readonly keyId?: string | undefined
}

const REASONS: Readonly<Record<DenialReason, string>> = {
  missing_credentials: 'no token was sent',
  malformed_credentials: 'what was sent is not a token',
  denied: 'the token is not valid',
  forbidden: 'the caller may not do this',
  insufficient_scope: 'the token lacks a scope',
  rate_limited: 'the auth endpoint is asked too often',
  service_error: 'the auth endpoint failed',
  timeout: 'the auth endpoint did not answer in time',
  unreachable: 'the auth endpoint cannot be reached',
  invalid_response: 'the answer of the auth endpoint is not valid',
  circuit_open: 'the auth endpoint has failed, and is not asked for a moment',
  overloaded: 'too many checks are waiting',
  internal_error: 'the check failed by a bug',
  malformed_request: 'the target of the request is malformed',
  not_configured: 'nothing decides who gets access',
}

const DETAILS: Readonly<Record<DenyDetail, string>> = {
  too_long: 'the token is too long',
  malformed: 'the token is malformed',
  algorithm: 'the algorithm of the token is not allowed',
  type: 'the token is of another type',
  unknown_key: 'the key that signed the token is not known',
  signature: 'the signature of the token is wrong',
  issuer: 'the token is of another issuer',
  audience: 'the token is for another audience',
  expired: 'the token has expired',
  not_yet_valid: 'the token is not valid yet',
  missing_claim: 'the token lacks a claim',
  bound: 'the token is bound to another client',
  inactive: 'the issuer says that the token is not active',
  unknown_token: 'the service does not know the token',
  no_verifier: 'no verifier accepts tokens of this kind',
  tenant: 'the token is of another tenant',
  proof: 'the proof of the proxy is missing or wrong',
  address: 'the request comes from another address',
  revoked: 'the token was revoked',
  path: 'the token is not for this path',
  unknown: 'the token is not known',
}

/** Rejections in front of the guard. */
const IN_FRONT = {
  endpoint_unproven: 'the auth endpoint has not denied a random key yet',
  conflicting_forwarded_headers: 'Forwarded and X-Forwarded-For name different clients',
} as const

const WORDS = new Map<string, string>(Object.entries({ ...REASONS, ...IN_FRONT }))
const DETAIL_WORDS = new Map<string, string>(Object.entries(DETAILS))

/** Describes a decision of the gateway. */
export function describeRequest(request: DecidedRequest): WatchedDecision {
  const { outcome, status, method, path, principal, cause } = request
  const denied = cause?.startsWith(CAUSE_WITH_ID) ? cause.slice(CAUSE_WITH_ID.length) : undefined
  const keyId = request.keyId ?? denied
  const why = explain(denied === undefined ? request : { ...request, cause: undefined })
  return { type: 'decision', outcome, status, method, path, principal, keyId, cause: why }
}

function explain(request: DecidedRequest): string | undefined {
  const { reason, detail, rule, cause, shadow, failure, upstreamCause } = request
  if (failure !== undefined) return withCode(`the upstream failed: ${failure}`, upstreamCause)
  if (reason === undefined) return undefined
  const ruled = rule === undefined ? undefined : `rule ${rule} forbids it`
  const words = ruled ?? DETAIL_WORDS.get(detail ?? '') ?? WORDS.get(reason) ?? reason
  return `${shadow === true ? 'shadow mode lets it through: ' : ''}${withCode(words, cause)}`
}

function withCode(words: string, code: string | undefined): string {
  return code === undefined ? words : `${words} (${code})`
}

const ANSWERS = new Map([
  [500, 'the keys cannot be read'],
  [405, 'the question was not sent by POST'],
])

/** Describes an answer of the auth endpoint. */
export function describeAnswer(event: KeyEndpointEvent): WatchedDecision {
  const { status, path = '', principal, keyId, detail, cause } = event
  const outcome = status === 200 ? 'allow' : 'deny'
  const why = (): string => {
    if (cause !== undefined) return 'the header x-auth-secret is missing or wrong'
    if (detail !== undefined) return DETAILS[detail]
    return ANSWERS.get(status) ?? 'the question is malformed'
  }
  const described = { path, principal, keyId, cause: status === 200 ? undefined : why() }
  return { type: 'decision', outcome, status, ...described }
}
