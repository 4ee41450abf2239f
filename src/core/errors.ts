import type { UnavailableReason } from './types.ts'

/**
 * Thrown by `withAuth`, `createAuthenticator` and `auth` for a config that cannot be used. The message names the
 * option, its value (never a secret) and what is allowed.
 *
 * @example
 * ```ts
 * import { AuthConfigError, withAuth } from 'with-auth'
 *
 * try {
 *   withAuth(() => new Response('hello'), { endpoint: 'http://auth.example.com/check' })
 * } catch (error) {
 *   if (error instanceof AuthConfigError) console.error(error.option, error.message)
 * }
 * ```
 */
export class AuthConfigError extends Error {
  /** Tells this error from others without `instanceof`. */
  readonly code = 'invalid_config' as const
  /** The option that is wrong, such as `context.headers`. */
  readonly option: string

  constructor(option: string, message: string) {
    super(message)
    this.name = 'AuthConfigError'
    this.option = option
  }
}

const UNAVAILABLE_REASONS: ReadonlySet<string> = new Set<UnavailableReason>([
  'rate_limited',
  'service_error',
  'timeout',
  'unreachable',
  'invalid_response',
  'circuit_open',
  'overloaded',
])

/**
 * Says that there is no verdict. A custom verifier throws it when it cannot get an answer; the request is then
 * refused for this reason, and the refusal is not taken for a "no".
 *
 * @param reason Why there is no verdict. A `TypeError` is thrown for one that does not exist.
 * @param options How long to wait before the next try, in milliseconds; the status that came in place of a verdict; and
 * the error that caused it. Its code, such as `ECONNREFUSED`, becomes `cause` of the decision event; nothing else of it is
 * shown.
 *
 * @example
 * ```ts
 * import { AuthUnavailableError, withAuth } from 'with-auth'
 *
 * export default withAuth(() => new Response('hello'), {
 *   verifier: async ({ token }) => {
 *     const directory = new Map([['k1', 'alice']])
 *     if (directory.size === 0) throw new AuthUnavailableError('unreachable')
 *     const principal = directory.get(token)
 *     return principal === undefined ? { outcome: 'deny' } : { outcome: 'allow', principal }
 *   },
 * })
 * ```
 */
export class AuthUnavailableError extends Error {
  /** Tells this error from others without `instanceof`. */
  readonly code = 'auth_unavailable' as const
  readonly reason: UnavailableReason
  /** How long to wait before the next try, in milliseconds, if that is known. */
  readonly retryAfterMs: number | undefined
  /** The status that the endpoint answered, if it did. */
  readonly status: number | undefined

  constructor(
    reason: UnavailableReason,
    options: {
      readonly retryAfterMs?: number | undefined
      readonly status?: number | undefined
      readonly cause?: unknown
    } = {},
  ) {
    if (!UNAVAILABLE_REASONS.has(reason)) {
      throw new TypeError(`Cannot create AuthUnavailableError: no such reason: ${reason}`)
    }
    super(
      `No verdict from the auth service: ${reason}`,
      'cause' in options ? { cause: options.cause } : {},
    )
    this.name = 'AuthUnavailableError'
    this.reason = reason
    this.retryAfterMs = options.retryAfterMs
    this.status = options.status
  }
}
