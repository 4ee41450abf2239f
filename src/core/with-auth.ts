import { createGate, guardHandler } from './gate.ts'
import { boundMembers } from './handlers/bound-members.ts'
import { isHandler } from './handlers/guarded.ts'
import type { AuthConfig } from './auth-config.ts'
import type { AuthConfigSource, KnownOptions } from './handlers/config-source.ts'
import type { Gate } from './gate.ts'
import type {
  AnyHandler,
  ArgsOf,
  ConfigArgs,
  Guardable,
  Guarded,
  Serving,
} from './handlers/guarded.ts'

/**
 * Wraps a Fetch handler. It is called only if the auth endpoint answered 200 for the `Authorization: Bearer` token of the
 * request (RFC 6750 §2.1). Every other request gets 401, or what {@link AuthConfig} says.
 *
 * The handler gets the same Request object, the same extra arguments and the same `this`; what it returns or throws is
 * passed on untouched. Only the config is checked before the first request. Below `routes` of `Bun.serve` use
 * `withAuthRoutes` of `with-auth/bun`: there a handler that is wrapped alone answers 500 if the decision may depend on the path.
 *
 * @param handler A function, or an object whose `fetch` is wrapped. The values of the object are kept, and of its functions
 * the callbacks that get no request, such as `scheduled` and `error`. Others throw, since they may serve without the guard; an
 * object in a value, such as a router, stays as it is.
 * @param config The config; a synchronous function of the extra arguments that makes it, called until it succeeds once;
 * or nothing, which uses `AUTH_ENDPOINT` of the Workers `env` argument, else of `process.env`.
 * @returns A function of the same signature, or an object of the same members.
 * @throws AuthConfigError for a config that cannot be used; TypeError for a value that is not a handler.
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
export function withAuth<
  Target extends Guardable,
  Args extends unknown[] = ArgsOf<Target>,
  Made extends KnownOptions<Made> = AuthConfig,
>(
  handler: Serving<Target>,
  config?: AuthConfigSource<ConfigArgs<ArgsOf<Target>, Args>, Made>,
): Guarded<Target, Args>
export function withAuth(target: unknown, config?: AuthConfigSource<never[]>): unknown {
  if (isHandler(target)) return guardFunction(target, createGate(config))
  if (!isApp(target)) {
    throw new TypeError(
      'Cannot guard the handler: it must be a function or an object with a "fetch" method',
    )
  }
  assertNoRoutes(target)
  return guardApp(target, createGate(config))
}

function guardFunction(handler: AnyHandler, gate: Gate): AnyHandler {
  const guarded = guardHandler(handler, gate)
  return Object.defineProperty(guarded, 'fetch', { value: guarded, enumerable: true })
}

function guardApp(app: { fetch: AnyHandler }, gate: Gate): object {
  // `app.fetch` is looked up at each call, with its own `this`.
  const serve: AnyHandler = (request, ...args) => app.fetch(request, ...args)
  const fetch = guardHandler(serve, gate)
  return Object.defineProperty(boundMembers(app), 'fetch', { value: fetch, enumerable: true })
}

function isApp(value: unknown): value is { fetch: AnyHandler } {
  if (typeof value !== 'object' || value === null) return false
  return typeof Reflect.get(value, 'fetch') === 'function'
}

// Bun answers these before `fetch`, so they would be open beside a guarded `fetch`.
function assertNoRoutes(app: object): void {
  for (const name of ['routes', 'static']) {
    const routes: unknown = Reflect.get(app, name)
    if (typeof routes !== 'object' || routes === null || Array.isArray(routes)) continue
    throw new TypeError(
      `Cannot guard "${name}", which Bun answers before "fetch": guard routes with withAuthRoutes of with-auth/bun`,
    )
  }
}
