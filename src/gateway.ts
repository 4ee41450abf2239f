/**
 * Forwards requests to a server in any language, with the identity in headers.
 *
 * @module with-auth/gateway
 */
import { createHandler } from './gateway/handler.ts'
import { resolveGateway } from './gateway/options.ts'
import type { UpstreamFetch, UpstreamRequest, UpstreamResponse } from './gateway/exchange.ts'
import type { IdentityHeadersConfig } from './gateway/identity-headers.ts'
import type { GatewayFailure, GatewayFailureCode } from './gateway/refusal.ts'
import type { ClientAddress } from './gateway/incoming.ts'

export type {
  ClientAddress,
  GatewayFailure,
  GatewayFailureCode,
  IdentityHeadersConfig,
  UpstreamFetch,
  UpstreamRequest,
  UpstreamResponse,
}

/** How the gateway signs an identity. */
export interface SignConfig {
  /**
   * 16 to 1,024 visible ASCII characters: one secret for each upstream, since the signature names no host. Of a list the first
   * signs, and the upstream takes the same list.
   */
  readonly secret: string | readonly string[]
}

/** The options of {@link createGateway}. */
export interface GatewayOptions<Args extends readonly unknown[] = readonly unknown[]> {
  /**
   * The absolute URL of the upstream. Its path is prepended to the path of each request. `https`, or `http` on loopback and
   * within a private network: a private address, a name without a dot, or a name below `.internal` or `.local`.
   */
  readonly upstream: string
  /** Allows an `http` upstream anywhere. Others can then read and change the traffic. @default false */
  readonly allowInsecureHttp?: boolean
  /**
   * The headers that carry the identity. The gateway removes a client's own in every spelling, even when the request has no
   * identity.
   */
  readonly identityHeaders?: IdentityHeadersConfig
  /**
   * Signs each identity in `X-Auth-Signature`, with the time, the method and the path, so that an upstream guarded with
   * `fromUpstream` of `with-auth/verifiers` rejects anyone else. Query and body are not signed, and whoever sees a request can
   * send it again for a minute. Requests without an identity, such as those for public paths, get no signature.
   */
  readonly sign?: SignConfig
  /**
   * Forwards the token: the `Authorization` header, and the header or cookie in `credentials`.
   *
   * @default false
   */
  readonly forwardAuthorization?: boolean
  /**
   * More client headers to remove, in any spelling. A `*` at the end of a name matches any rest. List the headers that your
   * upstream trusts, such as `x-webauth-user` or `x-authentik-*`.
   *
   * @default []
   */
  readonly stripHeaders?: readonly string[]
  /**
   * The origin that clients use, such as `https://api.example.com`. Set it behind a proxy that terminates TLS. The upstream
   * gets it in `X-Forwarded-Proto` and `X-Forwarded-Host`.
   *
   * @default the origin of the request's URL
   */
  readonly publicOrigin?: string
  /**
   * Sends the client's `Host` to the upstream, for one that accepts no other, such as Django's `ALLOWED_HOSTS`. On Workers the
   * runtime decides. Without this option the upstream gets its own address.
   *
   * @default false
   */
  readonly preserveHost?: boolean
  /**
   * Returns the client's address for `X-Forwarded-For`. A Request does not contain it, but the extra arguments of your server
   * may. Without this option the upstream gets no `X-Forwarded-For`, nor when it throws or returns something else.
   */
  readonly clientAddress?: ClientAddress<Args>
  /**
   * The time until the upstream starts its response, upload included, in milliseconds from 1 to 3,600,000. The response itself
   * may stream for as long as it takes. Node's `http.createServer` answers 408 to uploads that take longer than 300,000: raise
   * its `requestTimeout`.
   *
   * @default 600_000
   */
  readonly timeoutMs?: number
  /**
   * The `fetch` that calls the upstream. The default on Node uses `node:http` and `node:https`, since Node's own `fetch` keeps
   * uploads in memory. It ignores `NODE_USE_ENV_PROXY`. Elsewhere the default is `globalThis.fetch`. WebSockets do not use it.
   */
  readonly fetch?: UpstreamFetch
  /** Receives every request that the gateway answered itself, for your log. Its errors are ignored. */
  readonly onFailure?: (failure: GatewayFailure) => void
}

/**
 * Creates a handler that forwards requests to another server and tells it who sent them. Wrap it in `withAuth`. A request that
 * no wrapper admitted gets a 500 and is not forwarded.
 *
 * The gateway forwards method, path, query and body unchanged, and streams both bodies. The path is the one that the decision
 * was about. The gateway removes hop-by-hop headers in both directions (RFC 9110 §7.6.1). It removes what a client claims about
 * itself or its route (`X-Forwarded-*`, `Forwarded`, `Via` and others), and headers from which some servers take another path
 * or method. A redirect to the upstream's own address becomes a path.
 * Compressed responses stay, unless `fetch` decodes them.
 *
 * An upstream that fails gives a 502, a slow one a 504, and a gateway that forwards to itself a 508. WebSockets get a 501, but for
 * those that `passWebSockets` of `with-auth/node` lets through.
 *
 * @param options The upstream, and how to call it.
 * @returns A handler that never rejects.
 * @throws AuthConfigError for an invalid option.
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
  return createHandler(resolveGateway(options))
}
