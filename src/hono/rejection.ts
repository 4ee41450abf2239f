import { HTTPException } from 'hono/http-exception'
import type { Rejection } from '../core/response/denial.ts'
import type { DenialReason } from '../core/types.ts'

const CODE = 'auth_rejected' as const

/** The error that `auth` and `access` throw for a rejected request. `getResponse()` returns the response to send. */
export interface AuthException extends HTTPException {
  /** Tells this error from others without `instanceof`. */
  readonly code: typeof CODE
  /** Why the request is rejected: the `code` of the response body. */
  readonly reason: DenialReason
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause: string | undefined
}

/**
 * Whether an error comes from `auth` or `access`, whatever copy of Hono or of this package threw it.
 *
 * @param error The argument of `app.onError`, or any other value.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { auth, isAuthException } from 'with-auth/hono'
 *
 * const app = new Hono()
 * app.use(auth({ endpoint: 'https://auth.example.com/validate' }))
 * app.onError((error, c) => {
 *   if (!isAuthException(error)) return c.text('Internal Server Error', 500)
 *   console.log(error.status, error.reason, error.cause)
 *   return error.getResponse()
 * })
 * ```
 */
export function isAuthException(error: unknown): error is AuthException {
  return typeof error === 'object' && error !== null && Reflect.get(error, 'code') === CODE
}

/** Sends metadata. Throws every other response, which an application may log as an error. */
export function answer({ reason, response, cause }: Rejection): Promise<Response> {
  if (reason === 'resource_metadata') return Promise.resolve(response)
  throw createException({ reason, response, cause })
}

type Rejected = Pick<AuthException, 'reason' | 'cause'> & Pick<Rejection, 'response'>

const STATUS_TEXTS: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  429: 'Too Many Requests',
  500: 'Internal Server Error',
  503: 'Service Unavailable',
}

// Without the constructor, which captures a stack: that would be most of the cost of a rejection. `getResponse` returns the
// response itself, since Hono's own copies it and reads its body as a stream.
function createException({ response: res, reason, cause }: Rejected): AuthException {
  const { status } = res
  const message = res.statusText || (STATUS_TEXTS[status] ?? 'Rejected')
  // Applications log this error, so its cause is a code and never an error with a message.
  const properties = { code: CODE, message, reason, cause, status, res, getResponse: () => res }
  return Object.assign(Object.create(HTTPException.prototype) as HTTPException, properties)
}
