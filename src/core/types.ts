/** Why the endpoint, or the verifier in its place, gave no verdict. */
export type UnavailableReason =
  | 'rate_limited'
  | 'service_error'
  | 'timeout'
  | 'unreachable'
  | 'invalid_response'
  | 'circuit_open'
  | 'overloaded'

/** Why a request was rejected. It is the `code` of the response body. */
export type DenialReason =
  | 'missing_credentials'
  | 'malformed_credentials'
  | 'denied'
  | 'forbidden'
  | 'insufficient_scope'
  | UnavailableReason
  | 'internal_error'
  | 'malformed_request'
  | 'not_configured'

/** Why a verifier denies, or what is wrong with a token: for the operator, as `detail` of the decision event, never for the client. */
export type DenyDetail =
  | 'too_long'
  | 'malformed'
  | 'algorithm'
  | 'type'
  | 'unknown_key'
  | 'signature'
  | 'issuer'
  | 'audience'
  | 'expired'
  | 'not_yet_valid'
  | 'missing_claim'
  | 'bound'
  | 'inactive'
  | 'unknown_token'
  | 'no_verifier'
  | 'tenant'
  | 'proof'
  | 'address'
  | 'revoked'
  | 'path'
  | 'unknown'

/** A rejection, as {@link AuthConfig.respond} gets it. */
export interface Denial {
  readonly reason: DenialReason
  /** The HTTP status of the response. */
  readonly status: number
  /** The text that the client reads. */
  readonly message: string
  /** How long the client should wait, in milliseconds. Only if a `Retry-After` is sent. */
  readonly retryAfterMs?: number
  /** All scopes that the guards of this request need. The challenge lists them. */
  readonly scopes?: readonly string[]
}

/** The identity of the caller. Frozen, with all that is in it. It has no prototype, so `String(auth)` throws. */
export interface Auth {
  /** The caller's name; absent if the endpoint names none. */
  readonly principal?: string
  /** Attributes of the caller, as the endpoint sent them. Has no prototype. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** The scopes of the token, if they are known. */
  readonly scopes?: readonly string[]
  /** The application that the token was issued to, if that is known. It never names a user. */
  readonly clientId?: string
  /** The organization that the caller belongs to. */
  readonly tenant?: string
  /** Further facts about the caller that the verifier was configured to pass on. */
  readonly claims?: Readonly<Record<string, unknown>>
  /** When the token ends, in milliseconds since 1970. */
  readonly expiresAt?: number
  /** Set if the decision had expired and the endpoint was unavailable. */
  readonly stale?: true
}

/** A caller who is known, and the request to permit. {@link AuthConfig.authorize} gets it. Frozen. */
export interface Access {
  readonly auth: Auth
  /** The canonical path. */
  readonly path: string
  /** The method as it was sent. */
  readonly method: string
  readonly request: Request
  /** Aborts when `timeoutMs` is over. */
  readonly signal: AbortSignal
}

/** One decision about one request. Holds no token, no query, and only the header that `requestIdHeader` names. */
export interface DecisionEvent {
  readonly type: 'decision'
  readonly outcome: 'allow' | 'deny' | 'public' | 'preflight'
  /** Why, if the outcome is `deny`. */
  readonly reason?: DenialReason
  /** Why a verifier denied, if it says so, or `too_long`. The client is not told. */
  readonly detail?: DenyDetail
  /** The rule of `routePolicy` that forbade the request, counted from 0. Absent if none did. */
  readonly rule?: number
  /** The verifier that decided, by its `label`. Absent with a plain `endpoint`. */
  readonly verifier?: string
  /** The status of the rejection. */
  readonly status?: number
  /** The canonical path, cut at 256 characters; `''` if the target has none, or if it holds, or may hold, the token. */
  readonly path: string
  /** The method as the client sent it, cut at 32 characters; `''` if it holds, or may hold, the token. */
  readonly method: string
  /** The caller of an allow, as the endpoint named it: any text, cut at 256 characters. Absent if it holds the token. */
  readonly principal?: string
  /** The value of the header {@link AuthConfig.requestIdHeader}. Absent if it holds, or may hold, the token. */
  readonly requestId?: string
  /** The trace that the request belongs to: that of its span, if `observe` of `with-auth/otel` makes one, else of a valid
   * `traceparent`. 32 hexadecimal digits. */
  readonly traceId?: string
  readonly durationMs: number
  /** `shared`: the call of another request answered. `remote`: another instance had asked. `skipped`: it was not cached. */
  readonly cache: 'hit' | 'miss' | 'stale' | 'shared' | 'remote' | 'skipped' | 'off'
  /** Why it was not cached. */
  readonly skipped?: SkipReason
  /** The status of the endpoint's response, if it was asked and responded. */
  readonly endpointStatus?: number
  /** How often the endpoint was asked. */
  readonly attempts: number
  /**
   * A code for why the endpoint is unavailable, such as `ECONNREFUSED`, `ENOTFOUND` or `CERT_HAS_EXPIRED`, from the error of
   * `fetch` or the `cause` of a verifier's `AuthUnavailableError`. Without a code, its `explanation`, or the `cause` of a
   * verifier's denial, such as `the claim "email" is missing`. With `internal_error` the class of the error, and what your code
   * returned, such as `TypeError: "verifier" returned no verdict: true`. Holds no secret.
   */
  readonly cause?: string
  /**
   * The error of a `verifier` or `fetch`, if the reason is `internal_error`, or `unreachable` because `fetch` rejected.
   * **It may hold a token**, so the property is not enumerable: `JSON.stringify(event)`, `{ ...event }` and
   * `console.log(event)` leave it out.
   */
  readonly error?: unknown
  /** Set in shadow mode: the handler was called whatever the outcome. */
  readonly shadow?: true
}

/**
 * Why a decision was not cached: the endpoint forbids it; its status says nothing lasting; the time to cache it is over or
 * zero; an invalidation or a newer decision came first; it does not fit.
 */
export type SkipReason = 'no_store' | 'status' | 'ttl' | 'outdated' | 'too_large'

/** A route check, such as `withAccess`, has rejected a request that the guard let through. */
export interface AccessEvent extends Pick<
  DecisionEvent,
  'status' | 'path' | 'method' | 'principal' | 'requestId' | 'traceId' | 'shadow'
> {
  readonly type: 'access'
  readonly outcome: 'deny'
  readonly reason: DenialReason
}

/** A circuit has opened, lets one check through as a probe, or has closed. */
export interface CircuitEvent {
  readonly type: 'circuit'
  readonly state: 'open' | 'half_open' | 'closed'
  /** `known`: it stops checks of tokens that the endpoint allowed in the last hour. `unknown`: of all other tokens. */
  readonly tokens: 'known' | 'unknown'
  /** The member of `firstOf` whose circuit it is, by its `label`. */
  readonly verifier?: string
}

/** A verifier has fetched the keys that tokens are signed with, or has failed to. */
export interface KeysEvent {
  readonly type: 'keys'
  readonly result: 'fetched' | 'failed'
  /** Why it failed. */
  readonly reason?: UnavailableReason
  /** The same code as in a {@link DecisionEvent}. */
  readonly cause?: string
  /** How old the keys are that it still has, in milliseconds. Absent without any. */
  readonly ageMs?: number
  /** The `label` of the verifier. */
  readonly verifier: string
}

/**
 * Something that the operator should know. A `warning` about an identity that was dropped names the field and the type that it
 * must have. It comes once for each field, and for at most 16 of them.
 */
export interface NoticeEvent {
  readonly type: 'warning' | 'config_error'
  readonly message: string
  /** The error of `respond` or of a config function. It may hold a secret, so it is not enumerable. */
  readonly error?: unknown
}

/**
 * Of the store. `live`: revocations by others arrive. `lost`: they do not, and decisions are used for `lostPushTtlMs` only.
 * `revocation_pending`: one is not taken yet. `revocation_settled`: all are, or what they end has expired. Once for each outage.
 */
export interface StoreEvent {
  readonly type: 'store'
  readonly state: 'live' | 'lost' | 'revocation_pending' | 'revocation_settled'
  /** Why, as a code, such as `ECONNREFUSED`. Holds no secret. */
  readonly cause?: string
}

/** The argument of {@link AuthConfig.onEvent}. */
export type AuthEvent =
  | DecisionEvent
  | AccessEvent
  | CircuitEvent
  | KeysEvent
  | StoreEvent
  | NoticeEvent
