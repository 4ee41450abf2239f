import { createGate, enter } from './gate.ts'
import type { AuthConfig, AuthConfigSource, KnownOptions } from './auth-config.ts'
import type { Rejection } from './response/denial.ts'
import type { Admission } from './response/admission.ts'
import type { Auth } from './types.ts'

/** The decision about a request. */
export type AuthenticationResult =
  | {
      readonly ok: true
      /** `undefined` without an allow: on a public path, for a preflight, for a denial in shadow mode. */
      readonly auth: Auth | undefined
    }
  | ({ readonly ok: false } & Rejection)

/** Decides about requests and calls no handler. Its promise never rejects. */
export type Authenticator<Args extends readonly unknown[]> = (
  request: Request,
  ...args: Args
) => Promise<AuthenticationResult>

/**
 * Makes a function that decides about requests, for middleware and for servers without Fetch handlers.
 *
 * @param config The config, or a synchronous function of the extra arguments, called until it succeeds once.
 * @returns A function whose promise never rejects: the identity, or the reason and the response to send.
 * @throws AuthConfigError for a config that cannot be used.
 *
 * @example
 * ```ts
 * import { createAuthenticator } from 'with-auth'
 *
 * const authenticate = createAuthenticator({ endpoint: 'https://auth.example.com/validate' })
 *
 * export async function whoIs(request: Request): Promise<Response> {
 *   const result = await authenticate(request)
 *   return result.ok ? new Response(result.auth?.principal) : result.response
 * }
 * ```
 */
export function createAuthenticator<
  Args extends readonly unknown[],
  Made extends KnownOptions<Made> = AuthConfig,
>(config?: AuthConfigSource<Args, Made>): Authenticator<Args> {
  const { decide } = createGate(config)
  return async (request, ...args) => enter(decide(request, args), accept, reject)
}

function accept({ auth }: Admission): AuthenticationResult {
  return { ok: true, auth }
}

function reject({ reason, response, cause }: Rejection): AuthenticationResult {
  return { ok: false, reason, response, ...(cause === undefined ? {} : { cause }) }
}
