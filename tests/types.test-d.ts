/*
 * What compiles and what must not. Nothing here runs: `npm run types` compiles it, and a failure is a compile error.
 * The shapes of the runtimes are cut down to what matters here; the README's blocks are compiled against their real types.
 */
import { Hono } from 'hono'
import { oneOf } from '../src/core/config/kinds.ts'
import { OPTIONS } from '../src/core/config/options.ts'
import { auth } from '../src/hono.ts'
import {
  AuthUnavailableError,
  createAuthenticator,
  getAuth,
  withAuth,
  withAuthRoutes,
} from '../src/index.ts'
import type { Context, ExecutionContext } from 'hono'
import type { OptionTable } from '../src/core/config/options.ts'
import type { AuthEnv } from '../src/hono.ts'
import type {
  Auth,
  AuthConfig,
  AuthConfigError,
  AuthenticationResult,
  Authenticator,
  AuthEvent,
  CircuitEvent,
  DecisionEvent,
  DenialReason,
  FetchApp,
  GuardedApp,
  GuardedHandler,
  NoticeEvent,
  Question,
  UnavailableReason,
  Verdict,
} from '../src/index.ts'

/** Whether two types are the same; `any` is the same as nothing but itself, so a leak of it is seen. */
type Equals<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false

declare function same<A, B>(...proof: Equals<A, B> extends true ? [] : ['differ']): void
declare function fits<Wanted>(value: Wanted): void
declare function use(...values: unknown[]): void

type Answer = Response | Promise<Response>

interface Env {
  readonly AUTH_ENDPOINT: string
}

const config: AuthConfig = { endpoint: 'https://auth.example.test/validate' }
const handler = (request: Request): Response => new Response(getAuth(request).principal)
declare const request: Request

function theHelpersSeeWhatTheyMust(leak: ReturnType<typeof JSON.parse>): void {
  same<string, string>()
  // @ts-expect-error -- any is not string
  same<typeof leak, string>()
  // @ts-expect-error -- optional is not the same as undefined
  same<{ a?: string }, { a: string | undefined }>()
  // @ts-expect-error -- nor is a subtype
  same<'a', string>()
}

function theTableHasEveryOptionWithItsType(): void {
  fits<OptionTable>(OPTIONS)
  const { cache, ...withoutCache } = OPTIONS
  use(cache)
  // @ts-expect-error -- an option is missing
  fits<OptionTable>(withoutCache)
  // @ts-expect-error -- a name is misspelt
  fits<OptionTable>({ ...OPTIONS, timeoutMS: OPTIONS.timeoutMs })
  // @ts-expect-error -- a kind is of another type
  fits<OptionTable>({ ...OPTIONS, timeoutMs: OPTIONS.realm })
  // @ts-expect-error -- a kind accepts less than its option
  fits<OptionTable>({ ...OPTIONS, mode: oneOf('enforce') })
}

function aFunctionKeepsItsSignature(): void {
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

  // A handler that reads less of the request, or none of it, is called with a Request.
  const less = withAuth((given: { readonly url: string }) => new Response(given.url), config)
  same<Parameters<typeof less>, [request: Request]>()
  const none = withAuth(() => Promise.resolve(new Response()), config)
  same<Parameters<typeof none>, [request: Request]>()
  const bound = withAuth(function (this: Env, given: Request) {
    return new Response(`${this.AUTH_ENDPOINT} ${given.url}`)
  }, config)
  same<Parameters<typeof bound>, [request: Request]>()

  // Wrapped twice it is still the same.
  const twice = withAuth(plain, config)
  same<Parameters<typeof twice>, [request: Request]>()
  same<ReturnType<typeof twice>, Answer>()
}

function aFunctionOfTheArgumentsGetsThem(): void {
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

function aConfigFunctionMayNeedMoreThanTheHandlerDoes(): void {
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

function ownWrappersCompile(): void {
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

interface NextRequest extends Request {
  readonly nextUrl: URL
}

type NextRoute = (request: NextRequest, context: { params: Promise<{ id: string }> }) => unknown

function aNextRouteKeepsRequestAndParams(): void {
  const get = withAuth(async (given: NextRequest, context: { params: Promise<{ id: string }> }) => {
    const { id } = await context.params
    return Response.json({ id, path: given.nextUrl.pathname, by: getAuth(given).principal })
  }, config)
  fits<NextRoute>(get)
  same<Parameters<typeof get>[0], NextRequest>()
  same<Parameters<typeof get>[1], { params: Promise<{ id: string }> }>()
  // @ts-expect-error -- a plain Request has no nextUrl
  use(get(request, { params: Promise.resolve({ id: '1' }) }))
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

function aBunHandlerMayReturnNothingAfterAnUpgrade(): void {
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

function aTableOfRoutesKnowsItsParams(): void {
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
  routes.invalidate('k1')
  routes.clear()
  // @ts-expect-error -- no such route
  use(routes['/v2'])
  // @ts-expect-error -- no such parameter
  withAuthRoutes({ '/:id': (given) => new Response(given.params.name) }, config)
  // @ts-expect-error -- what serves without a handler goes beside the guarded routes
  withAuthRoutes({ '/health': new Response('ok') }, config)
  // @ts-expect-error -- methods are in upper case
  withAuthRoutes({ '/a': { get: handler } }, config)
  // @ts-expect-error -- no such option
  withAuthRoutes({ '/a': handler }, { endpint: 'https://auth.example.test/validate' })
  const many: Record<string, (given: BunRequest<string>) => Response> = {}
  use(withAuthRoutes(many, config)['/any'])
}

interface DenoInfo {
  readonly remoteAddr: { readonly hostname: string }
}

function aDenoHandlerFits(): void {
  fits<(request: Request, info: DenoInfo) => Answer>(withAuth(handler, config))
  fits<(request: Request, info: DenoInfo) => Answer>(
    withAuth((_: Request, info: DenoInfo) => new Response(info.remoteAddr.hostname), config),
  )
  fits<{ fetch: (request: Request) => Answer }>(withAuth(handler, config))
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

function aWorkerIsAWorkerAgain(): void {
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
  // @ts-expect-error -- env is needed, as it was
  use(guarded.fetch(request))
}

function anObjectKeepsItsMembers(): void {
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

function aHonoAppIsGuardedWhole(): void {
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

  // Hono's own type says that there may be no env, or an empty one.
  withAuth(app, (env) => {
    same<typeof env, Env | {} | undefined>()
    return config
  })
}

function theMiddlewareTypesTheContext(): void {
  new Hono().use(auth(config)).get('/', (c) => {
    same<typeof c.var.auth, Auth | undefined>()
    return c.json({ principal: c.var.auth?.principal })
  })

  const app = new Hono<AuthEnv>()
  app.use('/v1/*', auth(config))
  app.get('/v1/me', (c) => {
    same<typeof c.var.auth, Auth | undefined>()
    same<ReturnType<typeof readAuth>, Auth | undefined>()
    // @ts-expect-error -- there is nobody on a public path
    return c.text(c.var.auth.principal)
  })
  const readAuth = (c: Context<AuthEnv>): Auth | undefined => c.get('auth')
  use(readAuth)

  const untyped = new Hono()
  untyped.use(auth(config))
  // @ts-expect-error -- un-chained, an app has to be told: new Hono<AuthEnv>()
  untyped.get('/', (c) => c.json(c.get('auth')))
}

function theMiddlewareGoesWithOwnBindings(): void {
  const app = new Hono<AppEnv>()
  app.use(auth((env: Env) => ({ endpoint: env.AUTH_ENDPOINT })))
  app.use('/v1/*', auth(config))
  app.use(auth())
  app.get('/', (c) => {
    same<typeof c.env, Env>()
    same<typeof c.var.auth, Auth | undefined>()
    return c.text(c.env.AUTH_ENDPOINT)
  })
  fits<{ fetch: (given: Request, env: Env, ctx: ExecutionContext) => Answer }>(app)

  const own = new Hono<AppEnv & { Variables: { user: string } }>()
  own.use(auth(config))
  own.use((c, next) => {
    c.set('user', c.var.auth?.principal ?? 'nobody')
    return next()
  })
  own.get('/', (c) => {
    same<typeof c.var.user, string>()
    same<typeof c.var.auth, Auth | undefined>()
    return c.text(c.var.user)
  })
}

function theIdentityIsReadOnly(): void {
  const identity = getAuth(request)
  same<typeof identity, Auth>()
  same<typeof identity.principal, string | undefined>()
  const roles = identity.attributes['roles']
  same<typeof roles, readonly string[] | undefined>()
  // @ts-expect-error -- frozen
  identity.principal = 'root'
  // @ts-expect-error -- frozen
  identity.attributes = {}
  // @ts-expect-error -- frozen
  identity.attributes['roles'] = ['admin']
  // @ts-expect-error -- frozen
  identity.attributes['roles']?.push('admin')
}

async function anAuthenticatorSaysWhoOrWhatToAnswer(): Promise<void> {
  const authenticate = createAuthenticator(config)
  const result = await authenticate(request)
  same<typeof result, AuthenticationResult>()
  // @ts-expect-error -- not before it is known to be ok
  use(result.auth)
  // @ts-expect-error -- nor is there a response yet
  use(result.response)
  if (!result.ok) {
    same<typeof result.reason, DenialReason>()
    same<typeof result.response, Response>()
    return
  }
  same<typeof result.auth, Auth | undefined>()

  const ofEnv = createAuthenticator((env: Env) => ({ endpoint: env.AUTH_ENDPOINT }))
  same<typeof ofEnv, Authenticator<[env: Env]>>()
  use(ofEnv(request, { AUTH_ENDPOINT: '' }))
  // @ts-expect-error -- the config function needs its env
  use(ofEnv(request))
}

function eventsAndReasonsAreUnions(): void {
  const onEvent = (event: AuthEvent): void => {
    if (event.type === 'decision') return same<typeof event, DecisionEvent>()
    if (event.type === 'circuit') return same<typeof event, CircuitEvent>()
    same<typeof event, NoticeEvent>()
  }
  withAuth(handler, { ...config, onEvent })
  withAuth(handler, {
    ...config,
    onEvent: (event) => {
      same<typeof event, AuthEvent>()
      // @ts-expect-error -- an event holds no token
      use(event.token)
    },
    respond: (denial, given) => {
      same<typeof denial.reason, DenialReason>()
      same<typeof given, Request>()
      return new Response(denial.message, { status: denial.status })
    },
  })
}

function aVerifierAnswersQuestions(): void {
  withAuth(handler, {
    verifier: (question, signal) => {
      same<typeof question, Question>()
      same<typeof signal, AbortSignal>()
      if (question.request.path === '') throw new AuthUnavailableError('unreachable')
      return question.token === 'k1' ? { outcome: 'allow', principal: 'a' } : { outcome: 'deny' }
    },
  })
  withAuth(handler, { verifier: async () => ({ outcome: 'deny', maxAgeMs: 0 }) })
  fits<Verdict>({ outcome: 'allow', attributes: { roles: ['admin'] } })
  // Claims and headers may be absent, also for a compiler that tells absent from undefined.
  const claims: { sub?: string; roles?: string[]; maxAgeMs?: number } = {}
  withAuth(handler, {
    verifier: () => ({
      outcome: 'allow',
      principal: claims.sub,
      attributes: claims.roles && { roles: claims.roles },
      maxAgeMs: claims.maxAgeMs,
    }),
  })
  fits<Verdict>({ outcome: 'deny', maxAgeMs: claims.maxAgeMs })
  // @ts-expect-error -- a truth value is no verdict
  withAuth(handler, { verifier: () => true })
  fits<Verdict>({ outcome: 'allow', attributes: { roles: 'admin' } })
  // @ts-expect-error -- an attribute is a string or a list of strings
  fits<Verdict>({ outcome: 'allow', attributes: { quota: 5 } })
  // @ts-expect-error -- a denial names nobody
  fits<Verdict>({ outcome: 'deny', principal: 'a' })
}

function errorsHaveCodes(error: AuthConfigError | AuthUnavailableError): void {
  if (error.code === 'invalid_config') return same<typeof error.option, string>()
  same<typeof error.reason, UnavailableReason>()
  same<typeof error.retryAfterMs, number | undefined>()
  use(new AuthUnavailableError('timeout', { retryAfterMs: 1000, cause: error }))
  // @ts-expect-error -- a denial is no outage
  use(new AuthUnavailableError('denied'))
}

function allWaysToWriteAConfigCompile(): void {
  fits<AuthConfig>({
    endpoint: 'https://auth.example.test/validate',
    endpointHeaders: { 'x-shared-secret': 's' },
    context: { headers: ['accept'], params: 'lists', path: false, method: true },
    credentials: ['bearer', { header: 'x-api-key' }, { cookie: 'k' }, { webSocketProtocol: 'k.' }],
    public: ['/healthz', '/assets/*', { path: '/hooks/*', methods: ['POST'] }],
    unavailableStatus: 503,
    fetch: globalThis.fetch,
  })
  fits<AuthConfig>({ credentials: { header: 'x-api-key' }, fetch: globalThis.fetch })
  fits<AuthConfig>({ endpoint: new URL('https://auth.example.test/validate') })
  // A frozen or constant config is a config.
  fits<AuthConfig>({ public: ['/healthz'], context: { headers: [] } } as const)
}

function aMisusedOptionIsAnError(variable: string | undefined): void {
  // @ts-expect-error -- no such option
  withAuth(handler, { endpoint: '', timeout: 5000 })
  // @ts-expect-error -- no such option, misspelt
  withAuth({ fetch: handler }, { endpiont: '' })
  // @ts-expect-error -- no such option in context
  withAuth(handler, { context: { header: 'all' } })
  // @ts-expect-error -- milliseconds are a number
  withAuth(handler, { timeoutMs: '5s' })
  // @ts-expect-error -- 401 or 503
  withAuth(handler, { unavailableStatus: 500 })
  // @ts-expect-error -- 'all' or a list
  withAuth(handler, { context: { headers: 'none' } })
  // @ts-expect-error -- one name for each source
  withAuth(handler, { credentials: { headers: 'x-api-key' } })
  // @ts-expect-error -- a variable that may not be set
  withAuth(handler, { endpoint: variable })
  // @ts-expect-error -- respond is synchronous
  withAuth(handler, { respond: async () => new Response() })
  // @ts-expect-error -- there is no switch that opens when the endpoint fails
  withAuth(handler, { failOpen: true })
  // @ts-expect-error -- the middleware has the same options
  auth({ endpoint: '', ttl: 1 })
  // @ts-expect-error -- and so has the authenticator
  createAuthenticator({ endpoint: '', ttl: 1 })
}

function aConfigFunctionThatDoesNotFitIsAnError(): void {
  const ofEnv = (_: Request, env: Env): Response => new Response(env.AUTH_ENDPOINT)
  // @ts-expect-error -- an async function makes no config
  withAuth(handler, async () => config)
  // @ts-expect-error -- nor does one that may return nothing
  withAuth(handler, () => (Math.random() > 1 ? config : undefined))
  // @ts-expect-error -- env is no number
  withAuth(ofEnv, (env: number) => ({ endpoint: String(env) }))
  // @ts-expect-error -- env has no such binding
  withAuth(ofEnv, (env) => ({ endpoint: env.AUTH_URL }))
  // @ts-expect-error -- an app's env is no number either
  withAuth({ fetch: ofEnv }, (env: number) => ({ endpoint: String(env) }))
  // @ts-expect-error -- an async function makes no config for the middleware
  auth(async () => config)
}

function aHandlerThatDoesNotFitIsAnError(): void {
  const text = (given: Request): string => given.url
  // @ts-expect-error -- a server answers with a Response
  withAuth(text, config)
  // @ts-expect-error -- and so does an object
  withAuth({ fetch: text }, config)
  // @ts-expect-error -- nothing is returned
  withAuth((given) => use(given), config)
  // @ts-expect-error -- nor after an await
  withAuth(async (given) => use(await given.text()), config)
  // @ts-expect-error -- what is guarded takes a Request
  withAuth((given: string) => new Response(given), config)
  // @ts-expect-error -- an object without fetch
  withAuth({ handler }, config)
  // @ts-expect-error -- nothing to guard
  withAuth(undefined, config)
}

function onlyARequestHasAnIdentity(): void {
  // @ts-expect-error -- a URL is no Request
  getAuth('https://api.example.test/')
  // @ts-expect-error -- nor is whatever has headers
  getAuth({ headers: new Headers() })
  // @ts-expect-error -- nor is Hono's wrapper around it: c.req.raw is the Request
  new Hono().get('/', (c) => c.json(getAuth(c.req)))
}

export {
  aConfigFunctionMayNeedMoreThanTheHandlerDoes,
  aBunHandlerMayReturnNothingAfterAnUpgrade,
  aTableOfRoutesKnowsItsParams,
  aConfigFunctionThatDoesNotFitIsAnError,
  aDenoHandlerFits,
  aFunctionKeepsItsSignature,
  aFunctionOfTheArgumentsGetsThem,
  aHandlerThatDoesNotFitIsAnError,
  aHonoAppIsGuardedWhole,
  allWaysToWriteAConfigCompile,
  aMisusedOptionIsAnError,
  anAuthenticatorSaysWhoOrWhatToAnswer,
  aNextRouteKeepsRequestAndParams,
  anObjectKeepsItsMembers,
  aVerifierAnswersQuestions,
  aWorkerIsAWorkerAgain,
  errorsHaveCodes,
  eventsAndReasonsAreUnions,
  onlyARequestHasAnIdentity,
  ownWrappersCompile,
  theHelpersSeeWhatTheyMust,
  theTableHasEveryOptionWithItsType,
  theIdentityIsReadOnly,
  theMiddlewareGoesWithOwnBindings,
  theMiddlewareTypesTheContext,
}
