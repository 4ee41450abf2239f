import { ignore } from './core/async.ts'
import { discard, exchange, passOn } from './gateway/exchange.ts'
import { createForward } from './gateway/forward.ts'
import { resolveGateway } from './gateway/options.ts'
import { createRefusal, describeFailure } from './gateway/refusal.ts'
import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from './gateway/exchange.ts'
import type { GatewayFailure, GatewayFailureCode } from './gateway/refusal.ts'
import type { ClientAddress } from './gateway/request-headers.ts'

export type {
  ClientAddress,
  GatewayFailure,
  GatewayFailureCode,
  UpstreamFetch,
  UpstreamRequest,
  UpstreamResponse,
}

/** Headers for the upstream, by what they tell. */
export interface IdentityHeadersConfig {
  /**
   * The principal, percent-encoded where it is no printable ASCII, and so is `%`: decode it with `decodeURIComponent`.
   *
   * @default 'x-auth-principal'
   */
  readonly principal?: string | false
  /** A JSON object of lists, in ASCII. @default 'x-auth-attributes' */
  readonly attributes?: string | false
}

/** The options of {@link createGateway}. */
export interface GatewayOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /**
   * Where requests go: an absolute URL, whose path is put before that of each request. `https`, or `http` on loopback and
   * within a private network (a private address, a name without a dot or below `.internal` or `.local`).
   */
  readonly upstream: string
  /** Allows an `http` upstream anywhere. What passes can be read and changed on the way. @default false */
  readonly allowInsecureHttp?: boolean
  /**
   * The headers that tell the upstream who sent the request; `false` for what it is not told. A client's own are taken away
   * in every spelling, also where nobody was identified.
   */
  readonly identityHeaders?: IdentityHeadersConfig
  /**
   * Passes the credentials on: the `Authorization` header, and the header or cookie that the guard reads them from.
   *
   * @default false
   */
  readonly forwardAuthorization?: boolean
  /**
   * More headers of clients that the upstream never gets, in any spelling. A `*` at the end of a name stands for any rest. Name
   * here what your upstream believes, such as `x-webauth-user` or `x-authentik-*`.
   *
   * @default []
   */
  readonly stripHeaders?: readonly string[]
  /**
   * What clients know the server as, such as `https://api.example.com`: behind something that ends TLS, only you know.
   * It is told in `X-Forwarded-Proto` and `X-Forwarded-Host`. By default those are of the request's URL.
   */
  readonly publicOrigin?: string
  /**
   * Says which address a request came from, for `X-Forwarded-For`: a Request does not know it, but what your server passes
   * along may. Without it, or when it throws or gives no address, there is no such header.
   */
  readonly clientAddress?: ClientAddress<Args>
  /**
   * How long the upstream may take to begin its answer, the upload included, in milliseconds, at most 3,600,000. What streams
   * then may take as long as it wants. Does your server wait as long? Node's `http.createServer` answers 408 by itself when an
   * upload takes more than 300,000: set its `requestTimeout`.
   *
   * @default 120_000
   */
  readonly timeoutMs?: number
  /**
   * The `fetch` that asks the upstream. On Node the default asks over `node:http` and `node:https`: Node's own `fetch` holds
   * uploads in memory. It asks directly, whatever `NODE_USE_ENV_PROXY` says. Elsewhere it is `globalThis.fetch`.
   */
  readonly fetch?: UpstreamFetch
  /** Is told of every request that the gateway answered itself, for your log. What it throws is swallowed. */
  readonly onFailure?: (failure: GatewayFailure) => void
}

/**
 * Makes a handler that passes requests on to another server, in whatever language that is, and says who sent them. It stands
 * behind a guard: a request that none let through, neither by a verdict nor as public, gets 500 and is not passed on.
 *
 * Method, path, query and body are passed on as they came, streamed both ways. The path is the one that was decided about.
 * Fields for one hop are taken away in both directions (RFC 9110 §7.6.1). What clients claim about themselves and the way
 * that they came (`X-Forwarded-*`, `Forwarded`, `Via` and the like) is taken away, and so are fields that make some servers
 * read another path or method. Redirects are passed to the client. A compressed answer is passed on as it came, or
 * unpacked where `fetch` unpacks it.
 * There are no WebSockets: they get 501. An upstream that fails is 502, or 504 if it does not answer in time; a gateway that
 * passes requests on to itself is 508.
 *
 * @param options The upstream, and how to speak to it.
 * @returns A handler that never rejects.
 * @throws AuthConfigError for options that cannot be used.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { createGateway } from 'with-auth/gateway'
 *
 * export default withAuth(createGateway({ upstream: 'http://127.0.0.1:8321' }), {
 *   endpoint: 'https://auth.example.com/validate',
 * })
 * ```
 */
export function createGateway<Args extends readonly unknown[] = []>(
  options: GatewayOptions<Args>,
): (request: Request, ...args: Args) => Promise<Response> {
  const { timeoutMs, upstreamFetch, onFailure, ...plan } = resolveGateway(options)
  const forward = createForward(plan)
  const refuse = (request: Request, code: GatewayFailureCode, error?: unknown): Response => {
    report(onFailure, describeFailure(request, code, error))
    return createRefusal(code)
  }
  return async (request, ...args) => {
    const forwarding = forward(request, args)
    if (typeof forwarding === 'string') return refuse(request, forwarding)
    const outcome = await exchange(upstreamFetch.fetch, forwarding, request.signal, timeoutMs)
    if ('error' in outcome) return refuse(request, outcome.code, outcome.error)
    if ('code' in outcome) return refuse(request, outcome.code)
    const { response } = outcome
    try {
      return passOn(response, request.method, upstreamFetch.decodesSilently)
    } catch (error) {
      discard(response)
      return refuse(request, 'invalid_response', error)
    }
  }
}

// What it throws is swallowed, a rejection too: it would end a Node process.
function report(onFailure: GatewayOptions['onFailure'], failure: GatewayFailure): void {
  try {
    ignore(onFailure?.(failure))
  } catch {
    // The answer is the same with and without a log.
  }
}
