import { createGate, guardHandler, isHandler } from './gate.ts'
import type { AuthConfig, AuthConfigSource, KnownOptions } from './auth-config.ts'
import type { AnyHandler } from './gate.ts'

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
  Target extends ((request: never, ...args: never) => unknown) | AnyApp,
  Args extends unknown[] = AppArgs<Target>,
  Made extends KnownOptions<Made> = AuthConfig,
>(
  handler: Serving<Target>,
  config?: AuthConfigSource<ConfigArgs<AppArgs<Target>, Args>, Made>,
): Guarded<Target, Accepts<Args, AppArgs<Target>> extends true ? AppArgs<Target> : Args>
export function withAuth(target: unknown, config?: AuthConfigSource<never[]>): unknown {
  if (isHandler(target)) {
    const guarded = guardHandler(target, createGate(config))
    return Object.defineProperty(guarded, 'fetch', { value: guarded, enumerable: true })
  }
  if (!isApp(target)) {
    throw new TypeError(
      'Cannot guard the handler: it must be a function or an object with a "fetch" method',
    )
  }
  assertNoRoutes(target)
  // `fetch` is looked up at each call, with its own `this`.
  const serve: AnyHandler = (request, ...args) => target.fetch(request, ...args)
  const fetch = { value: guardHandler(serve, createGate(config)), enumerable: true }
  return Object.defineProperty(boundMembers(target), 'fetch', fetch)
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

/** A guarded handler. Servers that need an object find the same function under `fetch`. */
export interface GuardedHandler<Req extends Request, Args extends unknown[], Res> {
  (request: Req, ...args: Args): Res | Response | Promise<Res | Response>
  readonly fetch: (request: Req, ...args: Args) => Res | Response | Promise<Res | Response>
}

/** Anything with a `fetch` method: a Workers export, a Hono app, the options of a server. */
export interface FetchApp {
  fetch(request: Request, ...args: never[]): Response | Promise<Response>
}

/** A guarded app: its values and callbacks, and a guarded `fetch`. Other functions throw, so they have no type. */
export type GuardedApp<App extends AnyApp, Args extends unknown[] = AppArgs<App>> = {
  [
    Name in Exclude<keyof App, 'fetch'> as Name extends AppCallback
      ? Name
      : App[Name] extends AnyFunction
        ? never
        : Name
  ]: App[Name]
} & {
  fetch: App['fetch'] extends (request: infer Req, ...args: never) => infer Res
    ? (request: Req, ...args: Args) => Res | Response | Promise<Awaited<Res> | Response>
    : never
}

/** The extra arguments of an app's `fetch`, or of a handler. */
export type AppArgs<Target> =
  FetchOf<Target> extends (request: never, ...args: infer Args) => unknown ? Args : never

type AnyFunction = (...args: never) => unknown

interface AnyApp {
  fetch(request: never, ...args: never): unknown
}

type FetchOf<Target> = Target extends AnyFunction
  ? Target
  : Target extends AnyApp
    ? Target['fetch']
    : never

/**
 * `Target` itself if it takes a request, and returns responses, or `undefined` after an
 * upgrade on Bun. Otherwise a type that the compiler names in its error, which has no `undefined`: `(request) => {}` must not
 * compile. Two overloads would be shorter, but then an error names neither the option nor its place.
 */
type Serving<Target> =
  IsServing<FetchOf<Target>> extends true
    ? Target
    : ((request: Request, ...args: never[]) => Response | Promise<Response>) | FetchApp

// A handler may take a subtype of Request, which its server makes.
type IsServing<Fetch> = Fetch extends (request: infer Req, ...args: never) => infer Res
  ? [Awaited<Res>] extends [Response | undefined]
    ? Request extends Req
      ? true
      : Req extends Request
        ? true
        : false
    : false
  : false

/** Whether a function with the parameters `Params` can be called with `Args`. */
type Accepts<Params extends unknown[], Args extends unknown[]> = ((
  ...args: Params
) => void) extends (...args: Args) => void
  ? true
  : false

/**
 * The parameters of a config function: its own (`Own`) if one list of arguments fits both it and the target, otherwise those
 * of the target, which the compiler names in its error.
 */
type ConfigArgs<Args extends unknown[], Own extends unknown[]> =
  Accepts<Own, Args> extends true ? Own : Accepts<Args, Own> extends true ? Own : Args

/** The guarded `Target`. It is called with the arguments that its config function needs as well. */
type Guarded<Target, Args extends unknown[]> = Target extends (
  request: infer Req,
  ...args: never
) => infer Res
  ? GuardedHandler<Req extends Request ? Req : Request, Args, Awaited<Res>>
  : Target extends AnyApp
    ? GuardedApp<Target, Args>
    : never

/** Servers call these beside `fetch`, without a request. Bun and srvx call `error`, Deno `onListen` and `onError`. */
const WORKERS = ['scheduled', 'queue', 'email', 'tail', 'tailStream', 'trace'] as const
const SERVERS = ['error', 'onListen', 'onError'] as const

export type AppCallback = (typeof WORKERS | typeof SERVERS)[number]

const CALLBACK_KEYS: ReadonlySet<PropertyKey> = new Set([...WORKERS, ...SERVERS])

/**
 * Makes a new object with the members of another, inherited ones included, without `fetch`. It reads a value from the original
 * at each access. Callbacks of servers keep the original as `this`. Every other function throws, since it may serve the
 * original, which is not guarded.
 */
export function boundMembers(original: object): object {
  const copy = {}
  for (const [key, owner] of membersOf(original)) {
    const enumerable = Object.prototype.propertyIsEnumerable.call(owner, key)
    const read = (): unknown => Reflect.get(original, key)
    const callback = CALLBACK_KEYS.has(key) ? read() : undefined
    const member =
      typeof callback === 'function'
        ? { value: bind(callback, original, copy), writable: true }
        : { get: withoutFunctions(key, read) }
    Object.defineProperty(copy, key, { ...member, enumerable, configurable: true })
  }
  return copy
}

// Frameworks have methods of the same names that return the app, such as `app.onError(handler)`. A chain stays guarded.
function bind(callback: Function, original: object, copy: object): AnyHandler {
  return (...args) => {
    const result: unknown = Reflect.apply(callback, original, args)
    return result === original ? copy : result
  }
}

/** Replaces a function by one that throws, or by nothing for a symbol: runtimes call such functions themselves. */
function withoutFunctions(key: PropertyKey, read: () => unknown): () => unknown {
  const throwing = (): never => {
    throw new TypeError(
      `"${String(key)}" could serve the app without the guard: serve, test and call the guarded "fetch", as in "await app.fetch(new Request('http://localhost/'))", and do all else on the app before it is guarded`,
    )
  }
  const replacement = typeof key === 'symbol' ? undefined : throwing
  return () => {
    const value = read()
    return typeof value === 'function' ? replacement : value
  }
}

/** Each key with the nearest object of the prototype chain that has it. */
function membersOf(original: object): Map<PropertyKey, object> {
  const members = new Map<PropertyKey, object>()
  let owner: unknown = original
  while (typeof owner === 'object' && owner !== null && owner !== Object.prototype) {
    for (const key of Reflect.ownKeys(owner)) members.set(key, members.get(key) ?? owner)
    owner = Object.getPrototypeOf(owner)
  }
  members.delete('fetch')
  members.delete('constructor')
  return members
}
