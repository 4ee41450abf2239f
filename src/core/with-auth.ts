import { createGate } from './authenticator.ts'
import { boundMembers } from './bound-members.ts'
import { isPromise } from './promises.ts'
import type { Decision, Gate, VerdictControls } from './decision.ts'
import type { AuthConfig, AuthConfigSource } from './auth-config.ts'

/** A guarded handler. Servers that want an object find the same function under `fetch`. */
export interface GuardedHandler<
  Req extends Request,
  Args extends unknown[],
  Res,
> extends VerdictControls {
  (request: Req, ...args: Args): Res | Response | Promise<Res | Response>
  readonly fetch: (request: Req, ...args: Args) => Res | Response | Promise<Res | Response>
}

/** Anything with a `fetch` method: a Workers export, a Hono app, the options of a server. */
export interface FetchApp {
  fetch(request: Request, ...args: never): unknown
}

/** The extra arguments of an app's `fetch`. */
export type AppArgs<App extends FetchApp> = App['fetch'] extends (
  request: never,
  ...args: infer Args
) => unknown
  ? Args
  : never

/** A guarded app: the same members, and a `fetch` that asks first. */
export type GuardedApp<App extends FetchApp, Args extends unknown[] = AppArgs<App>> = Omit<
  App,
  'fetch'
> & {
  fetch: App['fetch'] extends (request: infer Req, ...args: never) => infer Res
    ? ((request: Req, ...args: Args) => Res | Response | Promise<Awaited<Res> | Response>) &
        VerdictControls
    : never
}

export type AnyHandler = (this: unknown, request: Request, ...args: unknown[]) => unknown

/**
 * Wraps a Fetch handler so that it is called only when the auth endpoint answered 200 for this request's
 * `Authorization: Bearer` credentials (RFC 6750 §2.1). Everybody else gets 401, or what {@link AuthConfig} says.
 *
 * The handler gets the same Request object, the same extra arguments and the same `this`; what it returns or throws is
 * passed on untouched. Nothing is done before the first request but checking the config.
 *
 * @param handler A function, or an object whose `fetch` is wrapped and whose other members are kept.
 * @param config The config; a synchronous function of the extra arguments that makes it, called until it succeeds once;
 * or nothing, which asks `AUTH_ENDPOINT` of the Workers `env` argument, else of `process.env`.
 * @returns A function of the same signature, or an object of the same members.
 * @throws AuthConfigError for a config that cannot be used; TypeError for what is no handler.
 *
 * @example
 * ```ts
 * import { getAuth, withAuth } from 'with-auth'
 *
 * export default withAuth((request: Request) => new Response(`Hello ${getAuth(request).principal}`), {
 *   endpoint: 'https://auth.example.com/validate',
 * })
 * ```
 */
export function withAuth<Req extends Request, Args extends unknown[], Res>(
  handler: (request: Req, ...args: Args) => Res | Promise<Res>,
  config?: AuthConfigSource<Args>,
): GuardedHandler<Req, Args, Res>
export function withAuth<App extends FetchApp>(
  app: App,
  config?: AuthConfigSource<AppArgs<App>>,
): GuardedApp<App>
export function withAuth<App extends FetchApp, Args extends unknown[]>(
  app: App & { fetch(request: never, ...args: Args): unknown },
  config: (...args: Args) => AuthConfig,
): GuardedApp<App, Args>
export function withAuth(
  target: AnyHandler | { fetch: AnyHandler },
  config?: AuthConfigSource<unknown[]>,
): unknown {
  if (typeof target === 'function') {
    refuseClass(target)
    return guardFunction(target, createGate(config))
  }
  if (typeof target !== 'object' || target === null || typeof target.fetch !== 'function') {
    throw new TypeError(
      'Cannot guard the handler: it must be a function or an object with a "fetch" method',
    )
  }
  refuseRoutes(target)
  return guardApp(target, createGate(config))
}

function guardFunction(handler: AnyHandler, { decide, controls }: Gate): AnyHandler {
  function guarded(this: unknown, request: Request, ...args: unknown[]): unknown {
    return whenDecided(decide(request, args), () => handler.call(this, request, ...args))
  }
  Object.assign(guarded, controls)
  return Object.defineProperty(guarded, 'fetch', { value: guarded, enumerable: true })
}

function guardApp(app: { fetch: AnyHandler }, { decide, controls }: Gate): object {
  // `app.fetch` is looked up at each call, with its own `this`.
  const fetch = (request: Request, ...args: unknown[]): unknown =>
    whenDecided(decide(request, args), () => app.fetch(request, ...args))
  Object.assign(fetch, controls)
  return Object.defineProperty(boundMembers(app), 'fetch', { value: fetch, enumerable: true })
}

// It would throw with every request, since a class cannot be called.
export function refuseClass(handler: AnyHandler): void {
  if (!/^class\b/.test(Function.prototype.toString.call(handler))) return
  throw new TypeError('Cannot guard a class: guard an instance, or its fetch method')
}

// Bun answers these before `fetch`, so they would stand open beside a guarded `fetch`.
function refuseRoutes(app: object): void {
  for (const name of ['routes', 'static']) {
    const routes: unknown = Reflect.get(app, name)
    if (typeof routes !== 'object' || routes === null || Array.isArray(routes)) continue
    throw new TypeError(
      `Cannot guard "${name}", which Bun answers before "fetch": guard routes with withAuthRoutes`,
    )
  }
}

// Not always a promise: a decision that is there is acted on at once.
export function whenDecided(
  decision: Decision | Promise<Decision>,
  proceed: () => unknown,
): unknown {
  if (isPromise(decision)) return decision.then((made) => enter(made, proceed))
  return enter(decision, proceed)
}

function enter(decision: Decision, proceed: () => unknown): unknown {
  if (decision.outcome === 'allow' || decision.outcome === 'exempt') return proceed()
  return decision.response
}
