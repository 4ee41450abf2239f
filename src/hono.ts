/**
 * A Hono middleware that checks requests with your auth endpoint.
 *
 * @module with-auth/hono
 */
import { createGate, enter } from './core/gate.ts'
import { parseTarget } from './core/request/target.ts'
import { GuardedResource } from './core/seams.ts'
import { admissionOf } from './core/response/admission.ts'
import { guardedRequest, rememberGuarded } from './needs/guarded-request.ts'
import { parseNeed } from './needs/need.ts'
import { checkNeed } from './needs/route-check.ts'
import { answer, isAuthException } from './hono/rejection.ts'
import type { Context, MiddlewareHandler } from 'hono'
import type {
  AuthConfig,
  AuthConfigSource,
  CallerOf,
  KnownOptions,
  StrictConfig,
} from './core/auth-config.ts'
import type { ProtectedResource } from './core/seams.ts'
import type { Need } from './needs/need.ts'
import type { AuthException } from './hono/rejection.ts'

export { isAuthException }
export type { AuthException, Need }

/** The variable that {@link auth} sets. */
export interface AuthVariables<Config = AuthConfig> {
  /** The caller. `undefined` without an allow: on a public path, for a preflight, and for a denial in shadow mode. */
  auth: CallerOf<Config>
}

/**
 * The environment of an app that uses {@link auth}: `new Hono<AuthEnv<typeof config>>()`. Without the type of the config, or if the
 * config has a public path, allows preflights, or may be in shadow mode, `c.var.auth` may be `undefined`.
 */
export interface AuthEnv<Config = AuthConfig> {
  Variables: AuthVariables<Config>
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
  Made extends KnownOptions<Made> & StrictConfig = StrictConfig,
>(
  config?: AuthConfigSource<[env: Bindings], Made, StrictConfig>,
): MiddlewareHandler<AuthEnv<StrictConfig>>
export function auth<
  Bindings extends object = object,
  Made extends KnownOptions<Made> = AuthConfig,
>(config?: AuthConfigSource<[env: Bindings], Made>): MiddlewareHandler<AuthEnv>
export function auth<Bindings extends object>(
  config?: AuthConfigSource<[env: Bindings]>,
): MiddlewareHandler<AuthEnv> {
  const { decide } = createGate<[Bindings, Execution]>(config)
  return (c, next) => {
    const proceed = (): Promise<void> => {
      // With a guard inside another it may be the outer one that knows the caller.
      c.set('auth', admissionOf(c.req.raw)?.admission.auth)
      rememberGuarded(c, c.req.raw)
      return next()
    }
    const decision = decide(c.req.raw, [c.env, new Execution(c)])
    return enter(decision, proceed, answer)
  }
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

/**
 * Makes a Hono middleware that calls the next handler only for callers who have what is needed. It comes after {@link auth},
 * or inside `withAuth(app, config)`. For others it throws Hono's `HTTPException` with the status 403, or 401 if the request has
 * no identity, as on a public path. A request that no guard admitted gets 500. It leaves `c.var.auth` as it is.
 *
 * `app.mount` gives the mounted app a copy of the Request: use `app.route`, or put `auth` into the mounted app.
 *
 * @param need What the caller must have. All of it must hold.
 * @throws AuthConfigError for a need that cannot be used.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { access, auth } from 'with-auth/hono'
 *
 * const app = new Hono()
 * app.use(auth({ endpoint: 'https://auth.example.com/validate' }))
 * app.delete('/notes/:id', access({ roles: ['editor', 'admin'] }), (c) => c.body(null, 204))
 * ```
 */
export function access(need: Need): MiddlewareHandler {
  const parsed = parseNeed(need)
  return (c, next) => {
    const rejection = checkNeed(guardedRequest(c) ?? c.req.raw, parsed)
    return rejection === undefined ? next() : answer(rejection)
  }
}

/**
 * Makes a Hono middleware that answers for the metadata of the protected resource (RFC 9728), at its well-known path. Every other
 * request goes on. {@link auth} answers there too, but only if it sees the path: `app.use('/mcp', auth(config))` does not.
 *
 * Register it with `app.use` on the outermost app. It asks for no token, and ignores `Host` and forwarding headers.
 *
 * @param resource The `resource` of the guard.
 * @throws TypeError for a value that `protectedResource` has not made.
 *
 * @example
 * ```ts
 * import { Hono } from 'hono'
 * import { auth, resourceMetadata } from 'with-auth/hono'
 * import { protectedResource } from 'with-auth/mcp'
 *
 * const resource = protectedResource({
 *   identifier: 'https://mcp.example.com/mcp',
 *   authorizationServers: ['https://login.example.com'],
 * })
 *
 * const app = new Hono()
 * app.use(resourceMetadata(resource))
 * app.use('/mcp', auth({ endpoint: 'https://auth.example.com/validate', resource }))
 * ```
 */
export function resourceMetadata(resource: ProtectedResource): MiddlewareHandler {
  if (!(resource instanceof GuardedResource)) {
    throw new TypeError('resourceMetadata needs what protectedResource of with-auth/mcp returns')
  }
  return (c, next) => {
    const target = parseTarget(c.req.raw.url)
    const response = target && resource.answer(c.req.raw, target.path)
    return response === undefined ? next() : Promise.resolve(response)
  }
}
