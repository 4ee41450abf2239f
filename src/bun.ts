/**
 * Guards the `routes` of `Bun.serve`. Needs no package.
 *
 * @module with-auth/bun
 */
import { createGate, guardHandler } from './core/gate.ts'
import { createRouteMatcher, readRoute, assertDistinct } from './bun/route-pattern.ts'
import { isHandler } from './core/gate.ts'
import type { AnyHandler } from './core/gate.ts'
import type { AuthConfigSource } from './core/auth-config.ts'
import type { Gate } from './core/gate.ts'
import type { Route } from './bun/route-pattern.ts'
import type { RouteMatcher } from './core/gate.ts'

type ReadMethod = 'GET' | 'HEAD' | 'OPTIONS' | 'TRACE'
type RouteMethod = ReadMethod | 'CONNECT' | 'DELETE' | 'PATCH' | 'POST' | 'PUT'

type ParamNames<Pattern extends string> = string extends Pattern
  ? string
  : Pattern extends `${string}/:${infer Name}/${infer Rest}`
    ? Name | ParamNames<`/${Rest}`>
    : Pattern extends `${string}/:${infer Name}`
      ? Name
      : never

/** A request that came by a route of Bun, with the parameters that its pattern names. */
export interface RouteRequest<Pattern extends string> extends Request {
  readonly params: { readonly [Name in ParamNames<Pattern>]: string }
}

// A method, so that a handler may ask for more than this, such as `Bun.BunRequest<Pattern>`.
interface RouteCall<Pattern extends string> {
  call(request: RouteRequest<Pattern>, ...args: unknown[]): unknown
}

type RouteHandler<Pattern extends string> = RouteCall<Pattern>['call']

/** A value of the table that `withAuthRoutes` takes: a handler, or one for each method. */
export type RouteHandlers<Pattern extends string> =
  | RouteHandler<Pattern>
  | { readonly [Method in RouteMethod]?: RouteHandler<Pattern> }

type Guarded<Handler> = Handler extends (request: infer Req, ...args: infer Args) => infer Res
  ? (request: Req, ...args: Args) => Res | Response | Promise<Awaited<Res> | Response>
  : { readonly [Method in keyof Handler]: Guarded<Handler[Method]> }

/** Guarded routes, for `Bun.serve`. */
export type GuardedRoutes<Routes> = {
  readonly [Pattern in keyof Routes]: Guarded<Routes[Pattern]>
}

type Handlers = AnyHandler | Readonly<Record<string, AnyHandler>>

/**
 * Wraps the routes of `Bun.serve`, as `withAuth` wraps one handler. All routes share one config and circuit
 * breaker.
 *
 * Bun finds a route by the request target as it was sent, and resolves `..` only in `request.url`. So each request must also
 * fit the pattern of its route: if its URL or `params` do not, it gets 400.
 *
 * @param routes Handlers by the pattern of their route, or objects of handlers by method. Patterns are literal segments,
 * `:name` segments, and a final `*`. Any other value throws, so that every route in the table is guarded: put a `Response`,
 * `false`, a file or an HTML import beside the guarded routes, `{ ...withAuthRoutes(routes), '/health': new Response('ok') }`.
 * @param config The config, or a synchronous function of the extra arguments that makes it, called until it succeeds once.
 * @returns A table of the same keys.
 * @throws AuthConfigError for a config that cannot be used; TypeError for a pattern or a value that cannot be guarded.
 *
 * @example
 * ```ts
 * import { getAuth } from 'with-auth'
 * import { withAuthRoutes } from 'with-auth/bun'
 *
 * export const routes = withAuthRoutes(
 *   {
 *     '/v1/models/:id': (request) => Response.json({ id: request.params.id }),
 *     '/v1/notes': { GET: (request) => new Response(`Notes of ${getAuth(request).principal}`) },
 *   },
 *   { endpoint: 'https://auth.example.com/validate' },
 * )
 * // Bun.serve({ routes })
 * ```
 */
export function withAuthRoutes<
  Pattern extends string,
  Routes extends { readonly [P in Pattern]: RouteHandlers<P> },
>(
  routes: Routes & { readonly [P in Pattern]: RouteHandlers<P> },
  config?: AuthConfigSource<unknown[]>,
): GuardedRoutes<Routes>
export function withAuthRoutes(routes: unknown, config?: AuthConfigSource<unknown[]>): unknown {
  const all = parseRoutes(routes)
  const gate = createGate(config)
  const table = all.map(({ handlers, ...route }) => {
    const isOwnRoute = createRouteMatcher(route, all)
    return [route.pattern, guardHandlers(handlers, isOwnRoute, gate)] as const
  })
  return Object.fromEntries(table)
}

function parseRoutes(routes: unknown): (Route & { readonly handlers: Handlers })[] {
  const entries = typeof routes === 'object' && routes !== null ? Object.entries(routes) : []
  if (entries.length === 0) {
    throw new TypeError('Cannot guard the routes: they must be an object of handlers by pattern')
  }
  const all = entries.map(([pattern, value]: [string, unknown]) => {
    const handlers = parseHandlers(pattern, value)
    const methods = typeof handlers === 'function' ? undefined : new Set(Object.keys(handlers))
    return { ...readRoute(pattern, methods), handlers }
  })
  assertDistinct(all)
  return all
}

function parseHandlers(pattern: string, value: unknown): Handlers {
  if (isHandler(value)) return value
  const methods = Object.entries(Object(value) as object)
  if (methods.length > 0 && methods.every(isMethod)) return Object.fromEntries(methods)
  throw new TypeError(
    `Cannot guard the route "${pattern}": it must be a handler or an object of handlers by method. To serve anything else without a token, put it beside the guarded routes: { ...withAuthRoutes(routes, config), "${pattern}": value }`,
  )
}

function isMethod(entry: [string, unknown]): entry is [string, AnyHandler] {
  return /^[A-Z]+$/.test(entry[0]) && isHandler(entry[1])
}

function guardHandlers(handlers: Handlers, isOwnRoute: RouteMatcher, gate: Gate): Handlers {
  if (typeof handlers === 'function') return guardHandler(handlers, gate, isOwnRoute)
  const guarded = Object.entries(handlers).map(
    ([method, handler]) => [method, guardHandler(handler, gate, isOwnRoute)] as const,
  )
  return Object.fromEntries(guarded)
}
