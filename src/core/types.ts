/** Why the endpoint, or whatever stands in for it, gave no verdict. */
export type UnavailableReason =
  | 'rate_limited'
  | 'service_error'
  | 'timeout'
  | 'unreachable'
  | 'invalid_response'
  | 'circuit_open'
  | 'overloaded'

/** Why a request was refused. It is the `code` of the response body. */
export type DenialReason =
  | 'missing_credentials'
  | 'malformed_credentials'
  | 'denied'
  | UnavailableReason
  | 'internal_error'
  | 'malformed_request'
  | 'not_configured'

/** One refusal, as {@link AuthConfig.respond} sees it. */
export interface Denial {
  readonly reason: DenialReason
  /** The HTTP status of the response. */
  readonly status: number
  /** The text that the client reads. */
  readonly message: string
  /** How long the client should wait, in milliseconds. Only where a `Retry-After` is sent. */
  readonly retryAfterMs?: number
}

/** Who the endpoint says the caller is. Frozen, all the way down. */
export interface Auth {
  /** The caller's name; absent when the endpoint names nobody. */
  readonly principal?: string
  /** What the endpoint says about the caller; empty when it says nothing. Has no prototype. */
  readonly attributes: Readonly<Record<string, readonly string[]>>
  /** Set when the verdict had expired and the endpoint could not be asked again. */
  readonly stale?: true
}

/** What the endpoint is asked: everything it is told, and nothing else. */
export interface Question {
  /** The caller's credentials, without the scheme. */
  readonly token: string
  readonly request: {
    /** The canonical path, or `''` when `context.path` is `false`. */
    readonly path: string
    /** Lower-case names; values as Fetch joins them. */
    readonly headers: Readonly<Record<string, string>>
    /** A string for a parameter that occurs once, a list for one that repeats. */
    readonly params: Readonly<Record<string, string | readonly string[]>>
    /** The method as it was sent. Only with `context.method`. */
    readonly method?: string
  }
}

/** The answer to a {@link Question}. No answer is not a verdict: throw `AuthUnavailableError`. */
export type Verdict =
  | {
      readonly outcome: 'allow'
      readonly principal?: string
      readonly attributes?: Readonly<Record<string, readonly string[]>>
      /** How long the verdict may be kept, in milliseconds; `0`: neither kept nor shared. */
      readonly maxAgeMs?: number
    }
  | {
      readonly outcome: 'deny'
      /** How long the verdict may be kept, in milliseconds; `0`: neither kept nor shared. */
      readonly maxAgeMs?: number
    }

/** One decision about one request. Holds no token, header or query. */
export interface DecisionEvent {
  readonly type: 'decision'
  readonly outcome: 'allow' | 'deny' | 'public' | 'preflight'
  /** Why, when the outcome is `deny`. */
  readonly reason?: DenialReason
  /** The status of the refusal. */
  readonly status?: number
  /** The canonical path, cut at 256 characters; `''` when the target has none. */
  readonly path: string
  readonly durationMs: number
  /**
   * What the cache did: `shared` means that another request's call answered, `skipped` that the verdict was not kept.
   */
  readonly cache: 'hit' | 'miss' | 'stale' | 'shared' | 'skipped' | 'off'
  /** Why it was not kept. */
  readonly skipped?: SkipReason
  /** The status that the endpoint answered, if it was asked and did. */
  readonly endpointStatus?: number
  /** How often the endpoint was asked. */
  readonly attempts: number
  /** Set in shadow mode: the handler was called whatever the outcome. */
  readonly shadow?: true
}

/**
 * Why a verdict was not kept: the endpoint forbids it; its status says nothing lasting; the time to keep it is over or
 * zero; it was overtaken by an invalidation or a newer answer; it does not fit.
 */
export type SkipReason = 'no_store' | 'status' | 'ttl' | 'outdated' | 'too_large'

/** A circuit has opened, lets one check through as a probe, or has closed. */
export interface CircuitEvent {
  readonly type: 'circuit'
  readonly state: 'open' | 'half_open' | 'closed'
  /** `known`: it stops checks of tokens that the endpoint allowed in the last hour. `unknown`: of all other tokens. */
  readonly tokens: 'known' | 'unknown'
}

/** Something that the operator should know. */
export interface NoticeEvent {
  readonly type: 'warning' | 'config_error'
  readonly message: string
}

/** What {@link AuthConfig.onEvent} is told. */
export type AuthEvent = DecisionEvent | CircuitEvent | NoticeEvent
