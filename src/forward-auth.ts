/**
 * Answers the subrequests of a reverse proxy: nginx `auth_request`, Caddy and Traefik `forward_auth`, HAProxy.
 *
 * @module with-auth/forward-auth
 */
import { createGate, enter } from './core/gate.ts'
import { createAnswers } from './forward-auth/answer.ts'
import { completeConfig, resolveForwardAuth } from './forward-auth/options.ts'
import { createFailureResponse } from './forward-auth/failure.ts'
import { createReceiver } from './forward-auth/receive.ts'
import { tellOwner } from './gateway/refusal.ts'
import type { AuthConfig } from './core/auth-config.ts'
import type { AuthConfigSource, KnownOptions } from './core/auth-config.ts'
import type { ForwardAuthFailure, ForwardAuthFailureCode } from './forward-auth/failure.ts'
import type { ForwardAuthProxy } from './forward-auth/preset.ts'
import type { IdentityHeadersConfig } from './gateway/identity-headers.ts'

export type { ForwardAuthFailure, ForwardAuthFailureCode, ForwardAuthProxy, IdentityHeadersConfig }

/** The options of {@link createForwardAuth}. */
export interface ForwardAuthOptions {
  /**
   * The proxy that asks. nginx describes the client's request in `X-Original-URI` and `X-Original-Method`, the others in
   * `X-Forwarded-Uri` and `X-Forwarded-Method`, and all of them in `X-Forwarded-Host`, `X-Forwarded-Proto` and
   * `X-Forwarded-For`. All five are required, and no other header has a say.
   */
  readonly for: ForwardAuthProxy
  /**
   * Says that the proxy passes the target on as it told it. Otherwise targets that a proxy may change are rejected: with `//`,
   * `%2f`, `%5c`, `%00`, `%3b`, `%25` before two hex digits, or a segment that begins with `;`.
   *
   * @default false
   */
  readonly rawTargets?: boolean
  /** The headers of the 200 that carry the identity. Each is always there, empty or `{}` without a value. */
  readonly identityHeaders?: IdentityHeadersConfig
  /** Receives every subrequest that the guard did not decide about, for your log. Its errors are ignored. */
  readonly onFailure?: (failure: ForwardAuthFailure) => void
}

/** Answers subrequests. Its promise never rejects. */
export type ForwardAuth<Args extends readonly unknown[] = []> = (
  subrequest: Request,
  ...args: Args
) => Promise<Response>

/**
 * Creates a handler for the subrequests in which a reverse proxy asks whether a request may pass. A 200 says that it may, and
 * carries the identity in its headers. Every other status rejects the request.
 *
 * The guard decides about the client's request: its method, URL and headers, as the proxy describes them. So the paths in
 * `public`, events, `respond` and the cache mean the same as in a server. The endpoint is not told `X-Forwarded-*`,
 * `X-Original-*`, hop-by-hop headers and identity headers of the client. A verifier that reads the address of
 * the client gets the last one in `X-Forwarded-For`, unless the config has a `context.clientAddress` of its own.
 *
 * Subrequests that the proxy does not describe completely get a 500, malformed ones a 400, methods such as TRACE a 405, those with more than 200 header fields a 431, and an
 * identity that no header can carry a 503. Let only the proxy reach the handler, since it answers
 * for any token.
 *
 * @param config The config of the guard, a synchronous function of the extra arguments that makes it, or `undefined` to use
 * `AUTH_ENDPOINT`. `unavailableStatus` is 503 by default, and `resource` is an error.
 * @param options The proxy, and what it passes on.
 * @returns A handler that never rejects.
 * @throws AuthConfigError for a config or an option that cannot be used.
 *
 * @example
 * ```ts
 * import { createForwardAuth } from 'with-auth/forward-auth'
 *
 * const answer = createForwardAuth(
 *   { endpoint: 'https://auth.example.com/validate', context: { headers: [] } },
 *   { for: 'nginx' },
 * )
 *
 * export default { fetch: (subrequest: Request) => answer(subrequest) }
 * ```
 */
export function createForwardAuth<
  Args extends readonly unknown[] = [],
  Made extends KnownOptions<Made> = AuthConfig,
>(
  config: AuthConfigSource<Args, Made> | undefined,
  options: ForwardAuthOptions,
): ForwardAuth<Args> {
  const resolved = resolveForwardAuth(options)
  const { receive, addressOf } = createReceiver(resolved)
  const answers = createAnswers(resolved)
  const { decide } = createGate<Args>(
    typeof config === 'function'
      ? (...args) => completeConfig(config(...args))
      : completeConfig(config ?? {}),
    addressOf,
  )
  const respond = (answer: Response | ForwardAuthFailure): Response => {
    if (answer instanceof Response) return answer
    tellOwner(resolved.onFailure, answer)
    return createFailureResponse(answer)
  }
  return async (subrequest, ...args) => {
    const { judged } = receive(subrequest, args)
    if ('code' in judged) return answers.finish(subrequest, respond(judged))
    const response = await enter(
      decide(judged, args),
      async ({ auth }) => respond(answers.allow(auth)),
      (rejection) => rejection.response,
    )
    return answers.finish(subrequest, response)
  }
}
