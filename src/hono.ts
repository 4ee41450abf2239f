import { HTTPException } from 'hono/http-exception'
import { createGate } from './core/authenticator.ts'
import { isPromise } from './core/promises.ts'
import type { Context, MiddlewareHandler, Next } from 'hono'
import type { Decision, VerdictControls } from './core/decision.ts'
import type { AuthConfig, AuthConfigSource, KnownOptions } from './core/auth-config.ts'
import type { Auth } from './core/types.ts'

/** The variable that {@link auth} sets. */
export interface AuthVariables {
  /** Who sent the request; `undefined` where no verdict was needed: a public path, a preflight, or shadow mode. */
  auth: Auth | undefined
}

/** The environment of an app that uses {@link auth}: `new Hono<AuthEnv>()`. */
export interface AuthEnv {
  Variables: AuthVariables
}

/**
 * Makes a Hono middleware that lets a request on only when the auth endpoint answered 200 for its credentials, and sets
 * `c.var.auth`. It decides for itself, whatever ran before it. A refusal is thrown as Hono's `HTTPException`, as
 * Hono's own guards do, so that `some()` of `hono/combine` and `app.onError` see it.
 *
 * Hono runs middleware in the order of registration: a route that is registered before it is not guarded. The path that
 * the endpoint is told is that of the request, but below `app.mount()`, which cuts it.
 *
 * @param config The config; a synchronous function of `c.env` that makes it, called until it succeeds once; or nothing,
 * which asks `AUTH_ENDPOINT` of `c.env`, else of `process.env`.
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
    const decision = decide(c.req.raw, [c.env, new Execution(c)])
    if (isPromise(decision)) return decision.then((made) => enter(made, c, next))
    return enter(decision, c, next)
  }
  return Object.assign(authMiddleware, controls)
}

// Hono has an execution context on some runtimes, and throws when it is asked for one on the others.
class Execution {
  readonly #context: Context<AuthEnv>

  constructor(context: Context<AuthEnv>) {
    this.#context = context
  }

  waitUntil(call: Promise<unknown>): void {
    this.#context.executionCtx.waitUntil(call)
  }
}

function enter(decision: Decision, c: Context<AuthEnv>, next: Next): Promise<void> {
  if (decision.outcome !== 'allow' && decision.outcome !== 'exempt') {
    throw createException(decision.response)
  }
  c.set('auth', decision.outcome === 'allow' ? decision.auth : undefined)
  return next()
}

// Without the constructor, which captures a stack: that is most of what a refusal would cost. The response is given as it
// is, since Hono's own copy of it reads its body as a stream.
function createException(res: Response): HTTPException {
  const properties = { message: 'Unauthorized', status: res.status, res, getResponse: () => res }
  return Object.assign(Object.create(HTTPException.prototype) as HTTPException, properties)
}
