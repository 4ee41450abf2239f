import type { AppCallback } from './bound-members.ts'

type Result<Res> = Res | Response | Promise<Awaited<Res> | Response>

/** A guarded handler. Servers that need an object find the same function under `fetch`. */
export interface GuardedHandler<Req extends Request, Args extends unknown[], Res> {
  (request: Req, ...args: Args): Res | Response | Promise<Res | Response>
  readonly fetch: (request: Req, ...args: Args) => Res | Response | Promise<Res | Response>
}

/** Anything with a `fetch` method: a Workers export, a Hono app, the options of a server. */
export interface FetchApp {
  fetch(request: Request, ...args: never[]): Response | Promise<Response>
}

/** The extra arguments of an app's `fetch`. */
export type AppArgs<App extends AnyApp> = App['fetch'] extends (
  request: never,
  ...args: infer Args
) => unknown
  ? Args
  : never

type KeptMember<App, Name extends keyof App> = Name extends AppCallback
  ? Name
  : App[Name] extends (...args: never) => unknown
    ? never
    : Name

/** A guarded app: its values and callbacks, and a guarded `fetch`. Other functions throw, so they have no type. */
export type GuardedApp<App extends AnyApp, Args extends unknown[] = AppArgs<App>> = {
  [Name in keyof Omit<App, 'fetch'> as KeptMember<App, Name>]: App[Name]
} & {
  fetch: App['fetch'] extends (request: infer Req, ...args: never) => infer Res
    ? (request: Req, ...args: Args) => Result<Res>
    : never
}

/** Any function or app: `withAuth` infers the type of its first argument, and {@link Serving} checks it. */
export type Guardable = ((request: never, ...args: never) => unknown) | AnyApp

interface AnyApp {
  fetch(request: never, ...args: never): unknown
}

/**
 * `Target` itself if it takes a request and its results are responses, or `undefined` after an upgrade on Bun. Otherwise a
 * type that the compiler names in its error. That type has no `undefined`, which would let `(request) => {}` compile.
 */
export type Serving<Target> =
  IsServing<FetchOf<Target>> extends true
    ? Target
    : ((request: Request, ...args: never[]) => Response | Promise<Response>) | FetchApp

type FetchOf<Target> = Target extends (...args: never) => unknown
  ? Target
  : Target extends AnyApp
    ? Target['fetch']
    : never

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

/** The extra arguments of a handler or an app. */
export type ArgsOf<Target> =
  FetchOf<Target> extends (request: never, ...args: infer Args) => unknown ? Args : never

/**
 * The parameters of a config function: its own (`Own`) if one list of arguments fits both it and the target, otherwise those
 * of the target, which the compiler names in its error.
 */
export type ConfigArgs<Args extends unknown[], Own extends unknown[]> =
  Accepts<Own, Args> extends true ? Own : Accepts<Args, Own> extends true ? Own : Args

/** The type of the guarded `Target`. It is called with the arguments that its config function needs as well. */
export type Guarded<Target, Own extends unknown[]> = Target extends (
  request: infer Req,
  ...args: infer Args
) => infer Res
  ? GuardedHandler<Req extends Request ? Req : Request, AllArgs<Args, Own>, Awaited<Res>>
  : Target extends AnyApp
    ? GuardedApp<Target, AllArgs<AppArgs<Target>, Own>>
    : never

type AllArgs<Args extends unknown[], Own extends unknown[]> =
  Accepts<Own, Args> extends true ? Args : Own

/** Whether a function with the parameters `Params` can be called with `Args`. */
type Accepts<Params extends unknown[], Args extends unknown[]> = ((
  ...args: Params
) => void) extends (...args: Args) => void
  ? true
  : false

export type AnyHandler = (this: unknown, request: Request, ...args: unknown[]) => unknown

/** Whether a value is a handler. Throws for a class, which cannot be called. */
export function isHandler(value: unknown): value is AnyHandler {
  if (typeof value !== 'function') return false
  if (!/^class\b/.test(Function.prototype.toString.call(value))) return true
  throw new TypeError('Cannot guard a class: guard an instance, or its fetch method')
}
