import type { AuthEvent, Denial, Question, Verdict } from './types.ts'

/** Answers questions in place of an endpoint. The signal aborts when the time is up. */
export type CustomVerifier = (question: Question, signal: AbortSignal) => Verdict | Promise<Verdict>

/** Where the credentials are read from. */
export type CredentialsSource =
  | 'bearer'
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly webSocketProtocol: string }

/** A path that needs no credentials: for GET and HEAD, or for the methods named. */
export type PublicPath = string | { readonly path: string; readonly methods?: readonly string[] }

/** The part of `RequestInit` that every runtime takes. */
export interface TransportInit {
  readonly method: 'POST'
  readonly headers: Record<string, string>
  readonly body: string
  readonly redirect: 'manual'
  readonly signal: AbortSignal
}

/** The part of `Response` that is read. */
export interface TransportResponse {
  readonly status: number
  readonly headers: { get(name: string): string | null }
  readonly body: ReadableStream<Uint8Array> | AsyncIterable<Uint8Array> | null
  /** `true` refuses the response, since a redirect must not be followed. */
  readonly redirected?: boolean
}

/** Makes one POST. Rejects when no response came; never follows a redirect. */
export type Transport = (url: string, init: TransportInit) => Promise<TransportResponse>

/** What the endpoint is told. Tell it less and one verdict answers more requests. */
export interface ContextConfig {
  /**
   * `'all'`: what the client sent, less `cookie` and `proxy-authorization`. A list: those, whatever they are.
   * @default 'all'
   */
  readonly headers?: 'all' | readonly string[]
  /**
   * `'values'`: a string, or a list for a parameter that repeats. `'lists'`: always a list. `'none'`: nothing.
   * @default 'values'
   */
  readonly params?: 'values' | 'lists' | 'none'
  /**
   * `false` tells `''`.
   * @default true
   */
  readonly path?: boolean
  /**
   * `true` adds `request.method`.
   * @default false
   */
  readonly method?: boolean
}

/** When the endpoint is asked again, within `timeoutMs` and for at most a tenth of the checks of the last 10 s. */
export interface RetryConfig {
  /**
   * How often more. 0 to 5.
   * @default 1
   */
  readonly attempts?: number
  /**
   * The least wait before, 0 to 60,000 milliseconds; the real one is random between the two.
   * @default 50
   */
  readonly minDelayMs?: number
  /**
   * The longest wait before, at most 60,000 milliseconds.
   * @default 250
   */
  readonly maxDelayMs?: number
}

/**
 * When the endpoint is not asked any more for a while. It counts no answer, 502, 503 and 504 only. Tokens that the endpoint
 * allowed in the last hour have a circuit of their own, which checks of other tokens cannot open.
 */
export interface CircuitBreakerConfig {
  /**
   * How many checks of the window it takes. 1 to 10,000.
   * @default 10
   */
  readonly minChecks?: number
  /**
   * Which part of them must have failed. Above 0, at most 1.
   * @default 0.5
   */
  readonly failureRatio?: number
  /**
   * The window, 1,000 to 600,000 milliseconds.
   * @default 10000
   */
  readonly windowMs?: number
  /**
   * How long nobody is asked before one check probes, 100 to 600,000 milliseconds.
   * @default 5000
   */
  readonly openMs?: number
}

/**
 * How many checks may be under way. Tokens that the endpoint allowed in the last hour go before all others, so that a flood
 * of random tokens does not reject callers that are known.
 */
export interface ConcurrencyConfig {
  /**
   * Checks at the endpoint at once. 1 to 10,000. As soon as a token is known, a quarter of them, rounded down, is for known
   * tokens.
   * @default 64
   */
  readonly maxInFlight?: number
  /**
   * Checks that wait for at most half of `timeoutMs`: a call needs the rest. Known tokens go first. Tokens take turns, but
   * if more than half of the places are taken, the newest unknown token is next. When all places are taken, the unknown token that has waited longest is
   * rejected as `overloaded`. 0 to 100,000.
   * @default 1024
   */
  readonly maxWaiting?: number
}

/** How long verdicts are kept, and how many. The endpoint may shorten this with `Cache-Control`, never lengthen it. */
export interface CacheConfig {
  /**
   * How long an allow is kept, from when the endpoint was asked, at most 3,600,000 milliseconds. A revoked token works
   * for as long, or for `timeoutMs` where that is longer.
   * @default 30000
   */
  readonly allowTtlMs?: number
  /**
   * How long a denial (401 or 403) is kept, at most 30,000 milliseconds.
   * @default 5000
   */
  readonly denyTtlMs?: number
  /**
   * For how long an expired allow may still serve while the endpoint does not answer, at most 300,000 milliseconds. For a
   * check that is `overloaded` only if the endpoint failed within the last `circuitBreaker.windowMs`.
   * @default 0
   */
  readonly staleIfErrorMs?: number
  /**
   * How many allows are kept, and as many denials; at most 64 of a token. 1 to 1,000,000.
   * @default 10000
   */
  readonly maxEntries?: number
  /**
   * The most bytes that all of them may take, as estimated from their texts and lists. 65,536 to 1,073,741,824.
   * @default 33554432
   */
  readonly maxBytes?: number
}

/** What `withAuth`, `createAuthenticator` and `auth` are configured with. Durations are in milliseconds. */
export interface AuthConfig {
  /**
   * The URL that is asked, as text or as a `URL`. https, or http on a loopback address; no userinfo, no fragment.
   * @default AUTH_ENDPOINT of the Workers `env` argument, else of `process.env`
   */
  readonly endpoint?: string | URL
  /** Permits http to a host that is not loopback: the token then travels in clear. */
  readonly allowInsecureHttp?: boolean
  /**
   * Headers added to the validation request, such as a shared secret. Their values are never shown. A name that is there
   * twice, in two cases, is an error.
   */
  readonly endpointHeaders?: Readonly<Record<string, string>>
  /** Answers in place of the endpoint. */
  readonly verifier?: CustomVerifier
  /** What the endpoint is told. */
  readonly context?: ContextConfig
  /**
   * Where the credentials come from. Of a list exactly one source must be present in a request.
   * @default 'bearer'
   */
  readonly credentials?: CredentialsSource | readonly CredentialsSource[]
  /**
   * `'token68'`: RFC 9110 §11.2. `'visible-ascii'`: any visible ASCII but the comma, which joins repeated headers.
   * @default 'token68'
   */
  readonly tokenFormat?: 'token68' | 'visible-ascii'
  /**
   * `'required'` refuses a 200 whose body names no principal.
   * @default 'optional'
   */
  readonly identity?: 'optional' | 'required'
  /**
   * How long a whole check may take: waiting, connecting, headers, body and retries. 1 to 60,000 milliseconds.
   * @default 5000
   */
  readonly timeoutMs?: number
  /**
   * Asking again when there was no response at all, or a 502, 503 or 504.
   * @default { attempts: 1, minDelayMs: 50, maxDelayMs: 250 }
   */
  readonly retry?: false | RetryConfig
  /**
   * Not asking an endpoint that does not answer.
   * @default { minChecks: 10, failureRatio: 0.5, windowMs: 10000, openMs: 5000 }
   */
  readonly circuitBreaker?: false | CircuitBreakerConfig
  /**
   * How many checks may be under way at once, and how many may wait for their turn; the surplus is rejected at once.
   * Tokens that the endpoint allowed in the last hour go first.
   * @default { maxInFlight: 64, maxWaiting: 1024 }
   */
  readonly concurrency?: ConcurrencyConfig
  /**
   * Keeping verdicts. Only with `context.headers` as a list, since what the endpoint is told is the key.
   * @default false
   */
  readonly cache?: false | CacheConfig
  /**
   * The status of a refusal that is the endpoint's fault. `503` adds `Retry-After`, and clients keep their token.
   * @default 401
   */
  readonly unavailableStatus?: 401 | 503
  /**
   * Paths that need no credentials: exact, or `/prefix/*` for what is below `/prefix/`. For GET and HEAD, unless
   * methods are named.
   * @default []
   */
  readonly public?: readonly PublicPath[]
  /**
   * `'allow'` calls the handler for a CORS preflight without credentials (Fetch standard, CORS protocol).
   * @default 'deny'
   */
  readonly preflight?: 'deny' | 'allow'
  /**
   * `'shadow'` decides and reports, but calls the handler whatever was decided.
   * @default 'enforce'
   */
  readonly mode?: 'enforce' | 'shadow'
  /**
   * The realm of the challenge, in printable ASCII (RFC 9110 §11.5).
   * @default 'api'
   */
  readonly realm?: string
  /**
   * The request header whose value is the `requestId` of decision events, such as `'x-request-id'`. A value that is not 1 to
   * 128 visible ASCII characters, or that holds, or may hold, the token, is left out. The header must not hold credentials.
   * @default false
   */
  readonly requestIdHeader?: string | false
  /**
   * Is told what happens. Never awaited. An error that it throws changes no decision; its class is written to the console.
   * Without `onEvent` the console gets a line, at most once a minute for each cause, while the endpoint or the connection to it
   * fails.
   */
  readonly onEvent?: (event: AuthEvent) => void
  /**
   * Builds the response of a refusal. If it throws, or returns a promise, a 2xx or a `Response` that was used before, the
   * built-in response is sent, and `onEvent`, or else the console, gets one warning.
   */
  readonly respond?: (denial: Denial, request: Request) => Response
  /**
   * Sends each POST to the auth endpoint. It must not follow redirects. On Node `nodeTransport()` of `with-auth/node` returns
   * a faster one.
   * @default globalThis.fetch, looked up at each call
   */
  readonly fetch?: Transport
}

/** A config, or a synchronous function of the extra arguments that makes one when the first request comes. */
export type AuthConfigSource<
  Args extends readonly unknown[],
  Made extends AuthConfig = AuthConfig,
> = AuthConfig | AuthConfigFunction<Args, Made>

/** The constraint on what a config function returns: TypeScript itself accepts unknown properties there. */
export type KnownOptions<Made> = AuthConfig & {
  readonly [Unknown in Exclude<keyof Made, keyof AuthConfig>]: never
}

// A function has no options. With that said, TypeScript looks for the option that a misspelt one in a config comes near to.
type NoOptions = { readonly [Option in keyof AuthConfig]?: never }

interface AuthConfigFunction<Args extends readonly unknown[], Made> extends NoOptions {
  (...args: Args): Made
}
