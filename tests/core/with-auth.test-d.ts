import { Hono } from 'hono'
import { withAuthRoutes } from '../../src/bun.ts'
import { getAuth, withAuth } from '../../src/index.ts'
import { config, fits, handler, request, same, use } from '../support/types.ts'
import type { AuthEnv } from '../../src/hono.ts'
import type { FetchApp, GuardedApp, GuardedHandler } from '../../src/index.ts'
import type { Answer, Env } from '../support/types.ts'

export function aFunctionKeepsItsSignature(): void {
  const plain = withAuth(handler, config)
  same<Parameters<typeof plain>, [request: Request]>()
  same<ReturnType<typeof plain>, Answer>()
  same<Parameters<typeof plain.fetch>, [request: Request]>()
  same<ReturnType<typeof plain.fetch>, Answer>()

  const asynchronous = withAuth(async (given: Request) => new Response(given.url), config)
  same<ReturnType<typeof asynchronous>, Answer>()

  const inline = withAuth((given) => {
    same<typeof given, Request>()
    return new Response()
  }, config)
  same<Parameters<typeof inline>, [request: Request]>()

  const more = withAuth(
    (_: Request, env: Env, n?: number) => new Response(`${env.AUTH_ENDPOINT} ${n}`),
  )
  same<Parameters<typeof more>, [request: Request, env: Env, n?: number | undefined]>()

  const variadic = withAuth((_: Request, ...rest: string[]) => new Response(rest[0]))
  same<Parameters<typeof variadic>, [request: Request, ...rest: string[]]>()

  // A handler that reads less of the request is called with a Request.
  const less = withAuth((given: { readonly url: string }) => new Response(given.url), config)
  same<Parameters<typeof less>, [request: Request]>()
  const none = withAuth(() => Promise.resolve(new Response()), config)
  same<Parameters<typeof none>, [request: Request]>()
  const bound = withAuth(function (this: Env, given: Request) {
    return new Response(`${this.AUTH_ENDPOINT} ${given.url}`)
  }, config)
  same<Parameters<typeof bound>, [request: Request]>()

  // Also when it is wrapped twice.
  const twice = withAuth(plain, config)
  same<Parameters<typeof twice>, [request: Request]>()
  same<ReturnType<typeof twice>, Answer>()
}

export function aFunctionOfTheArgumentsGetsThem(): void {
  withAuth(
    (_: Request, env: Env, count: number) => new Response(`${env.AUTH_ENDPOINT} ${count}`),
    (env, count) => {
      same<typeof env, Env>()
      same<typeof count, number>()
      return { endpoint: env.AUTH_ENDPOINT }
    },
  )
  const fewer = withAuth(
    (_: Request, env: Env, count: number) => new Response(`${env.AUTH_ENDPOINT} ${count}`),
    (env: Env) => ({ endpoint: env.AUTH_ENDPOINT }),
  )
  same<Parameters<typeof fewer>, [request: Request, env: Env, count: number]>()
  withAuth(handler, () => config)
}

export function aConfigFunctionMayNeedMoreThanTheHandlerDoes(): void {
  const app = withAuth({ fetch: handler, port: 1 }, (env: Env) => ({ endpoint: env.AUTH_ENDPOINT }))
  same<Parameters<typeof app.fetch>, [request: Request, env: Env]>()
  same<typeof app.port, number>()
  fits<ExportedHandler<Env>>(app)
  const hono = withAuth(new Hono<AppEnv>(), (env: Env) => ({ endpoint: env.AUTH_ENDPOINT }))
  fits<ExportedHandler<Env>>(hono)
  const inline = withAuth(
    {
      fetch: (given) => {
        same<typeof given, Request>()
        return new Response(given.url)
      },
    },
    config,
  )
  same<ReturnType<typeof inline.fetch>, Answer>()
}

export function ownWrappersCompile(): void {
  function guardApp<App extends FetchApp>(app: App) {
    return withAuth(app, config)
  }
  const app = guardApp({ fetch: handler, port: 1 })
  same<Parameters<typeof app.fetch>, [request: Request]>()
  same<typeof app.port, number>()
  const worker: GuardedApp<{ fetch: typeof handler }> = withAuth({ fetch: handler }, config)
  use(worker)

  function guardHandler<Args extends unknown[]>(
    own: (given: Request, ...args: Args) => Response,
  ): GuardedHandler<Request, Args, Response> {
    return withAuth(own, config)
  }
  const guarded = guardHandler((_: Request, env: Env) => new Response(env.AUTH_ENDPOINT))
  same<Parameters<typeof guarded>, [request: Request, env: Env]>()
}

interface BunRequest<Path extends string> extends Request {
  readonly params: Record<Path, string>
}

interface BunServer {
  upgrade(request: Request): boolean
}

interface BunOptions {
  fetch(request: Request, server: BunServer): Answer | Promise<undefined> | undefined
}

export function aBunHandlerMayReturnNothingAfterAnUpgrade(): void {
  const upgrading = withAuth((given: Request, server: BunServer) => {
    return server.upgrade(given) ? undefined : new Response('no upgrade')
  }, config)
  same<ReturnType<typeof upgrading>, Response | undefined | Promise<Response | undefined>>()
  fits<(request: Request, server: BunServer) => unknown>(upgrading)
  const options = withAuth(
    {
      fetch: (given: Request, server: BunServer) =>
        server.upgrade(given) ? undefined : new Response('no upgrade'),
    },
    config,
  )
  same<ReturnType<typeof options.fetch>, Response | undefined | Promise<Response | undefined>>()

  fits<BunOptions>({
    fetch: withAuth(
      (given: Request, server: BunServer) => new Response(`${server.upgrade(given)}`),
      config,
    ),
  })
  fits<BunOptions>(withAuth(handler, config))
}

export function aTableOfRoutesKnowsItsParams(): void {
  const routes = withAuthRoutes(
    {
      '/v1/:id': (given) => {
        same<typeof given.params, { readonly id: string }>()
        return new Response(given.params.id)
      },
      '/v1/:id/parts/:part/*': {
        GET: async (given, server) => {
          same<typeof given.params, { readonly id: string; readonly part: string }>()
          same<typeof server, unknown>()
          return new Response()
        },
      },
      '/socket/:id': (given: BunRequest<'id'>, server: BunServer) =>
        server.upgrade(given) ? undefined : new Response(given.params.id),
      '/plain': handler,
    },
    config,
  )
  same<ReturnType<(typeof routes)['/v1/:id']>, Answer>()
  same<ReturnType<(typeof routes)['/v1/:id/parts/:part/*']['GET']>, Answer>()
  same<Parameters<(typeof routes)['/socket/:id']>, [request: BunRequest<'id'>, server: BunServer]>()
  // @ts-expect-error -- no such route
  use(routes['/v2'])
  // @ts-expect-error -- no such parameter
  withAuthRoutes({ '/:id': (given) => new Response(given.params.name) }, config)
  // @ts-expect-error -- put a static response beside the guarded routes
  withAuthRoutes({ '/health': new Response('ok') }, config)
  // @ts-expect-error -- methods are in upper case
  withAuthRoutes({ '/a': { get: handler } }, config)
  // @ts-expect-error -- no such option
  withAuthRoutes({ '/a': handler }, { endpint: 'https://auth.example.test/validate' })
  const many: Record<string, (given: BunRequest<string>) => Response> = {}
  use(withAuthRoutes(many, config)['/any'])
}

interface WorkersRequest extends Request {
  readonly cf?: { readonly country?: string }
}

interface WorkersContext {
  waitUntil(promise: Promise<unknown>): void
}

interface ExportedHandler<Bindings> {
  fetch?: (request: WorkersRequest, env: Bindings, ctx: WorkersContext) => Answer
  scheduled?: (controller: { readonly cron: string }, env: Bindings) => void | Promise<void>
}

export function aWorkerIsAWorkerAgain(): void {
  const worker = {
    fetch: (given, env, ctx) => {
      ctx.waitUntil(Promise.resolve())
      return new Response(`${given.cf?.country} ${env.AUTH_ENDPOINT} ${getAuth(given).principal}`)
    },
    scheduled: () => {},
  } satisfies ExportedHandler<Env>

  const guarded = withAuth(worker, (env) => {
    same<typeof env, Env>()
    return { endpoint: env.AUTH_ENDPOINT }
  }) satisfies ExportedHandler<Env>
  same<Parameters<typeof guarded.fetch>, [request: WorkersRequest, env: Env, ctx: WorkersContext]>()
  same<ReturnType<typeof guarded.fetch>, Answer>()
  same<keyof typeof guarded, 'fetch' | 'scheduled'>()
  fits<ExportedHandler<Env>>(withAuth(worker))
  fits<ExportedHandler<Env>>(withAuth(worker, config))
  fits<ExportedHandler<Env>>(withAuth({ fetch: handler }, config))
  fits<ExportedHandler<Env>>({ fetch: withAuth(worker.fetch, config) })
  // @ts-expect-error -- env is still required
  use(guarded.fetch(request))
}

export function anObjectKeepsItsMembers(): void {
  const options = { port: 3000, hostname: '127.0.0.1', fetch: handler }
  const guarded = withAuth(options, config)
  same<typeof guarded.port, number>()
  same<typeof guarded.hostname, string>()
  same<Parameters<typeof guarded.fetch>, [request: Request]>()
  same<ReturnType<typeof guarded.fetch>, Answer>()
}

interface AppEnv extends AuthEnv {
  Bindings: Env
}

export function aHonoAppIsGuardedWhole(): void {
  const app = new Hono<AppEnv>()
  const guarded = withAuth(app, config)
  same<ReturnType<typeof guarded.fetch>, Answer>()
  same<Parameters<typeof guarded.fetch>, Parameters<typeof app.fetch>>()
  same<typeof guarded.routes, typeof app.routes>()
  fits<ExportedHandler<Env>['fetch']>((given, env) => guarded.fetch(given, env))

  const fetch = withAuth(app.fetch, config)
  same<Parameters<typeof fetch>, Parameters<typeof app.fetch>>()
  same<ReturnType<typeof fetch>, Answer>()
  use(fetch(request), fetch(request, { AUTH_ENDPOINT: '' }))

  // In Hono's own type, env may be missing or empty.
  withAuth(app, (env) => {
    same<typeof env, Env | {} | undefined>()
    return config
  })
}
