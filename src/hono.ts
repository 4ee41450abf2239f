/**
 * A Hono middleware that checks requests with your auth endpoint.
 *
 * @module with-auth/hono
 */
import { HTTPException } from 'hono/http-exception'
import { createGate, enter } from './core/gate.ts'
import type { Context, MiddlewareHandler } from 'hono'
import type { AuthConfig } from './core/auth-config.ts'
import type { AuthConfigSource, KnownOptions } from './core/handlers/config-source.ts'
import type { Rejection } from './core/response/denial.ts'
import type { Admission } from './core/response/admission.ts'
import type { Auth, DenialReason } from './core/types.ts'
import type { VerdictControls } from './core/decision-store.ts'

/** The variable that {@link auth} sets. */
export interface AuthVariables {
  /** The caller; `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode. */
  auth: Auth | undefined
}

/** The environment of an app that uses {@link auth}: `new Hono<AuthEnv>()`. */
export interface AuthEnv {
  Variables: AuthVariables
}

const CODE = 'auth_rejected' as const

/** The error that {@link auth} throws for a rejected request. `getResponse()` returns the response to send. */
export interface AuthException extends HTTPException {
  /** Tells this error from others without `instanceof`. */
  readonly code: typeof CODE
  /** Why the request is rejected: the `code` of the response body. */
  readonly reason: DenialReason
  /** A code for why the endpoint is unavailable, such as `ECONNREFUSED`, if the runtime gives one. */
  readonly cause: string | undefined
}

/**
 * Whether an error comes from {@link auth}, whatever copy of Hono or of this package threw it.
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

/**
 * Makes a Hono middleware that calls the next handler only if the auth endpoint answered 200 for the token of the request, and
 * sets `c.var.auth`. It decides independently of earlier middleware. It throws Hono's `HTTPException` for a rejected request, as
 * Hono's own middleware does, so that `some()` of `hono/combine` and `app.onError` see it.
 *
 * Needs the package `hono`, 4.5 or later: the copy that the app uses, so that `instanceof HTTPException` holds there.
 *
 * Hono runs middleware in the order of registration: a route that is registered before it is not guarded. The endpoint is told
 * the path of the request. Below `app.mount()` that path lacks the prefix.
 *
 * @param config The config; a synchronous function of `c.env` that makes it, called until it succeeds once; or nothing,
 * which uses `AUTH_ENDPOINT` of `c.env`, else of `process.env`.
 * @throws AuthConfigError for a config that cannot be used.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { auth, type AuthEnv } from 'with-auth/hono'
 *
 * const app = new Hono<AuthEnv>()
 * app.use('/v1/*', auth({ endpoint: 'https://auth.example.com/validate' }))
 * app.get('/v1/me', (c) => c.json({ principal: c.var.auth?.principal }))
 * ```
 */
export function auth<
  Bindings extends object = object,
  Made extends KnownOptions<Made> = AuthConfig,
>(config?: AuthConfigSource<[env: Bindings], Made>): MiddlewareHandler<AuthEnv> & VerdictControls {
  const { decide, controls } = createGate<[Bindings, Execution]>(config)
  const authMiddleware: MiddlewareHandler<AuthEnv> = (c, next) => {
    const proceed = ({ auth: caller }: Admission): Promise<void> => {
      c.set('auth', caller)
      return next()
    }
    const decision = decide(c.req.raw, [c.env, new Execution(c)])
    return enter(decision, proceed, answer)
  }
  return Object.assign(authMiddleware, controls)
}

// On some runtimes Hono has no execution context, and the getter throws.
class Execution {
  readonly #context: Context<AuthEnv>

  constructor(context: Context<AuthEnv>) {
    this.#context = context
  }

  waitUntil(call: Promise<unknown>): void {
    this.#context.executionCtx.waitUntil(call)
  }
}

// Metadata is no error, which an application would log.
function answer({ reason, response, cause }: Rejection): Promise<Response> {
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
