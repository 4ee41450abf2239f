import type { DecisionCache, ProtectedResource } from './seams.ts'
import type { Access, Auth, AuthEvent, Denial } from './types.ts'
import type { ContextConfig, Transport, Verifier } from './verifier.ts'

/** Where a token is read from. */
export type CredentialsSource =
  | 'bearer'
  | { readonly header: string }
  | { readonly cookie: string }
  | { readonly webSocketProtocol: string }

/** A path that needs no token: for GET and HEAD, or for the named methods. */
export type PublicPath = string | { readonly path: string; readonly methods?: readonly string[] }

/**
 * When to ask again, within `timeoutMs`, after 50 to 250 milliseconds, and not before the endpoint's `Retry-After`. Within 10 seconds
 * there are at most ten retries, or a tenth of the calls if that is more.
 */
export interface RetryConfig {
  /** The most retries of one check. `0` is the same as `retry: false`.
   * @default 1 */
  readonly attempts?: number
}

/**
 * When to stop asking for a while: half of the checks of the last 10 seconds failed, and at least 5 of 10. Only a missing answer, 502,
 * 503 and 504 count as failures. Tokens that the endpoint allowed
 * in the last hour have a circuit of their own, which checks of other tokens cannot open.
 */
export interface CircuitBreakerConfig {
  /** How long the circuit stays open before one check probes the endpoint, in milliseconds.
   * @default 5000 */
  readonly openMs?: number
}

/**
 * How many calls to the endpoint may run at once, and how many checks may wait. Tokens that the endpoint allowed in the last hour go
 * first, so that random tokens cannot crowd them out.
 */
export interface ConcurrencyConfig {
  /** The most calls to the endpoint at once. A quarter of them, rounded down, is reserved for known tokens once there are any, and more during a flood of unknown ones.
   * @default 64 */
  readonly maxInFlight?: number
  /** The most checks that wait for a turn, each for at most half of `timeoutMs`. Known tokens go first, and tokens take turns.
   * Above half of the limit the newest unknown token is next. At the limit the oldest one is rejected as `overloaded`.
   * @default 1024 */
  readonly maxWaiting?: number
}

/** The options of `withAuth`, `createAuthenticator` and `auth`. */
export interface AuthConfig {
  /** The URL of the auth endpoint, which gets one POST for each check. It is an https URL, or http on a loopback address
   * (`localhost`, `127.0.0.1`, `[::1]`), without a user name, password or fragment.
   * @default `AUTH_ENDPOINT` of the Workers `env` argument, else of `process.env` */
  readonly endpoint?: string | URL
  /** `true` permits an http endpoint on another machine. The token then travels in clear text. */
  readonly allowInsecureHttp?: boolean
  /** Headers added to each call, such as a shared secret that proves who asks. Errors never show their values. Two spellings of
   * one name are an error. */
  readonly endpointHeaders?: Readonly<Record<string, string>>
  /** A function that decides in place of the endpoint. It gets `{ token, request }`, where `request` has the fields of the
   * contract, and an `AbortSignal` that aborts at the deadline. It returns `{ outcome: 'allow', principal, attributes, maxAgeMs }`
   * or `{ outcome: 'deny', maxAgeMs }`; only `outcome` is required. Without an answer it throws `AuthUnavailableError`.
   * `defineVerifier()` of `with-auth/verifiers` also says what such a function reads, and how events name it. */
  readonly verifier?: Verifier
  /** The parts of a request that the endpoint gets. With fewer parts more requests share one cached decision. */
  readonly context?: ContextConfig
  /** Where the token is read from: `Authorization: Bearer`, another header, a cookie, or a WebSocket subprotocol with a prefix.
   * A token is visible ASCII without a comma, since a comma joins repeated headers, and has at most 8,192 characters.
   * All sources of a list that a request uses must hold the same token.
   * @default 'bearer' */
  readonly credentials?: CredentialsSource | readonly CredentialsSource[]
  /** `'required'` rejects a 200 whose body names no principal, as `invalid_response`. Set it if your handler needs a principal.
   * @default 'optional' */
  readonly identity?: 'optional' | 'required'
  /** Decides what a caller may do: anything but `true` answers 403 `forbidden`. Called after each allow, also a cached one, with
   * what is left of `timeoutMs`. Without an answer it throws `AuthUnavailableError`. */
  readonly authorize?: (access: Access) => boolean | Promise<boolean>
  /** Rules about paths, as OGX has them. In code `routePolicy()` of `with-auth/access` makes a policy of them. It and
   * `authorize` must both permit the request. */
  readonly routePolicy?: (access: Access) => boolean
  /** Whether a scope that was granted includes another that is needed. By default only equal scopes do. Anything but `true`
   * means no. */
  readonly scopeImplies?: (granted: string, needed: string) => boolean
  /** This server as a protected resource (RFC 9728), made by `protectedResource()` of `with-auth/mcp`. MCP clients need its metadata
   * to log in.
   * @default false */
  readonly resource?: false | ProtectedResource
  /** How long a check may take in all, in milliseconds: waiting for a turn, connecting, headers, body and retries.
   * @default 5000 */
  readonly timeoutMs?: number
  /** Asks again after no response, 502, 503 or 504. `false` turns retries off.
   * @default { attempts: 1 } */
  readonly retry?: false | RetryConfig
  /** Stops asking an endpoint that is unavailable: requests are then rejected at once as `circuit_open`. `false` turns this off.
   * @default { openMs: 5000 } */
  readonly circuitBreaker?: false | CircuitBreakerConfig
  /** How many calls to the endpoint may run at once, and how many checks may wait. More are rejected as `overloaded`.
   * @default { maxInFlight: 64, maxWaiting: 1024 } */
  readonly concurrency?: ConcurrencyConfig
  /** Remembers decisions, with `memoryCache()`. Several guards may share one. Needs `context.headers` as a list: the cache key is
   * what the endpoint gets.
   * @default false */
  readonly cache?: false | DecisionCache
  /** The status of a rejection while no decision is available. `503` is recommended: it adds `Retry-After`, and clients keep
   * their token.
   * @default 401 */
  readonly unavailableStatus?: 401 | 503
  /** Paths that need no token: exact, or `/prefix/*` for everything below `/prefix/`. For GET and HEAD, or the named methods.
   * A request that overrides its method needs one (`x-http-method-override`, `x-http-method`, `x-method-override`, `_method` in
   * the query). Override methods outside the wrapper: inside it an override by another name is not seen, and unsafe.
   * @default [] */
  readonly public?: readonly PublicPath[]
  /** `'allow'` calls the handler for a CORS preflight (Fetch standard, CORS protocol), which browsers send without a token.
   * Not for one that overrides its method: see `public`.
   * @default 'deny' */
  readonly preflight?: 'deny' | 'allow'
  /** `'shadow'` decides and reports, but always calls the handler. Use it to watch before you enforce.
   * @default 'enforce' */
  readonly mode?: 'enforce' | 'shadow'
  /** The realm in the `WWW-Authenticate` header of a 401, in printable ASCII (RFC 9110 §11.5).
   * @default 'api' */
  readonly realm?: string
  /** The request header whose value is the `requestId` of decision events, such as `'x-request-id'`. A value is left out unless
   * it is 1 to 128 visible ASCII characters without the token. The header must not hold credentials.
   * @default false */
  readonly requestIdHeader?: string | false
  /** Receives every event, unawaited. Without it the console gets a line a minute for each cause while the endpoint fails. */
  readonly onEvent?: (event: AuthEvent) => void
  /** Builds the response of a rejection. `denial` has `reason`, `status`, `message` and, with `Retry-After`, `retryAfterMs`. A
   * promise, a 2xx, a used `Response` or an exception is replaced and reported once. */
  readonly respond?: (denial: Denial, request: Request) => Response
  /** Sends each POST to the auth endpoint. It must not follow redirects. On Node `nodeTransport()` of `with-auth/node` returns one
   * with certificates and connections of its own.
   * @default `globalThis.fetch`, looked up at each call; while it is Node's own, the dispatcher below it */
  readonly fetch?: Transport
}

/** A config, or a synchronous function that makes one of the extra arguments of the first request. */
export type AuthConfigSource<
  Args extends readonly unknown[],
  Made extends AuthConfig = AuthConfig,
  Given extends AuthConfig = AuthConfig,
> = Given | AuthConfigFunction<Args, Made>

/** A config without what lets a request reach a handler without an allow. */
export type StrictConfig = AuthConfig & {
  readonly public?: undefined
  readonly preflight?: 'deny'
  readonly mode?: 'enforce'
}

/** The caller of a request that a guard with this config has let through. */
export type CallerOf<Config> = Config extends StrictConfig
  ? Auth
  : Config extends (...args: never) => infer Made
    ? CallerOf<Made>
    : Auth | undefined

/** The constraint on what a config function returns: TypeScript itself accepts unknown properties there. */
export type KnownOptions<Made> = AuthConfig & {
  readonly [Unknown in Exclude<keyof Made, keyof AuthConfig>]: never
}

// A function has no options. This lets TypeScript suggest the option nearest to a misspelt one.
type NoOptions = { readonly [Option in keyof AuthConfig]?: never }

interface AuthConfigFunction<Args extends readonly unknown[], Made> extends NoOptions {
  (...args: Args): Made
}
