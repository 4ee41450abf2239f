import { auth as guardExpress } from '../src/express.ts'
import { auth as guardFastify } from '../src/fastify.ts'
import { access, auth as guardHono, resourceMetadata } from '../src/hono.ts'
import { Hono } from 'hono'
import { protectedResource } from '../src/mcp.ts'
import { config, fits, same, use } from './support/types.ts'
import type { Context, ExecutionContext } from 'hono'
import type { AuthRequest, Guarded as GuardedExpress } from '../src/express.ts'
import type { Guarded as GuardedFastify } from '../src/fastify.ts'
import type { AuthEnv } from '../src/hono.ts'
import type { Auth, AuthConfig } from '../src/index.ts'
import type { loadConfig } from '../src/yaml.ts'
import type { Answer, Env } from './support/types.ts'

type Maybe = Auth | undefined
const endpoint = 'https://auth.example.test/validate'
const strict = { endpoint, preflight: 'deny', mode: 'enforce' } as const
const open = { endpoint, public: ['/open'] }
const crossing = { endpoint, preflight: 'allow' } as const
const watching = { endpoint, mode: 'shadow' } as const
declare const mode: 'enforce' | 'shadow'
const either = { endpoint, mode }
const checked = { endpoint, unavailableStatus: 503 } satisfies AuthConfig

export function aConfigSaysWhetherThereIsACaller(): void {
  same<GuardedExpress<typeof strict>['auth'], Auth>()
  same<GuardedFastify<typeof checked>['auth'], Auth>()
  same<GuardedExpress<undefined>['auth'], Maybe>()
  same<GuardedExpress['auth'], Maybe>()
  same<GuardedFastify<typeof open>['auth'], Maybe>()
  same<GuardedFastify<typeof crossing>['auth'], Maybe>()
  same<GuardedFastify<typeof watching>['auth'], Maybe>()
  same<GuardedFastify<typeof either>['auth'], Maybe>()
  same<GuardedFastify<typeof strict | typeof open>['auth'], Maybe>()
  same<GuardedFastify<() => typeof strict>['auth'], Auth>()
  same<GuardedFastify<() => typeof open>['auth'], Maybe>()
  same<GuardedFastify<Awaited<ReturnType<typeof loadConfig>>>['auth'], Maybe>()
  same<AuthRequest['auth'], Maybe>()
  use(guardExpress(strict), guardFastify(open))
}

export function honoKnowsTheCallerOfItsGuard(): void {
  const app = new Hono<AuthEnv<typeof strict>>()
  app.use(guardHono(strict)).get('/', (c) => {
    same<typeof c.var.auth, Auth>()
    return c.text(c.var.auth.principal ?? '')
  })
  new Hono().use(guardHono({ endpoint, realm: 'api' })).get('/', (c) => {
    same<typeof c.var.auth, Auth>()
    return c.text('')
  })
  new Hono().use(guardHono()).get('/', (c) => {
    same<typeof c.var.auth, Auth>()
    return c.text('')
  })
  new Hono<{ Bindings: Env }>()
    .use(guardHono((env: Env) => ({ endpoint: env.AUTH_ENDPOINT })))
    .get('/', (c) => {
      same<typeof c.var.auth, Auth>()
      return c.text('')
    })
}

export function honoDoesNotPromiseACallerOthersMayNotHave(): void {
  new Hono().use(guardHono({ endpoint, public: ['/open'] })).get('/', (c) => {
    same<typeof c.var.auth, Maybe>()
    return c.text('')
  })
  new Hono().use(guardHono({ endpoint, preflight: 'allow' })).get('/', (c) => {
    same<typeof c.var.auth, Maybe>()
    return c.text('')
  })
  new Hono().use(guardHono(either)).get('/', (c) => {
    same<typeof c.var.auth, Maybe>()
    return c.text('')
  })
  new Hono<{ Bindings: Env }>()
    .use(guardHono((env: Env) => ({ endpoint: env.AUTH_ENDPOINT, mode: 'shadow' })))
    .get('/', (c) => {
      same<typeof c.var.auth, Maybe>()
      return c.text('')
    })
  // @ts-expect-error -- misspelt
  guardHono({ endpoint, publik: ['/open'] })
  // @ts-expect-error -- misspelt
  guardHono(() => ({ endpoint, publik: ['/open'] }))
}

export function honoNeedsChainingOrATypeForItsContext(): void {
  const app = new Hono<AuthEnv>()
  app.use('/v1/*', guardHono(open))
  const readAuth = (c: Context<AuthEnv>): Maybe => c.get('auth')
  app.get('/v1/me', (c) => {
    same<typeof c.var.auth, Maybe>()
    same<ReturnType<typeof readAuth>, Maybe>()
    // @ts-expect-error -- a public path has no identity
    return c.text(c.var.auth.principal)
  })
  const untyped = new Hono()
  untyped.use(guardHono(open))
  // @ts-expect-error -- without chaining, write new Hono<AuthEnv>()
  untyped.get('/', (c) => c.json(c.get('auth')))
}

interface AppEnv extends AuthEnv {
  Bindings: Env
}

export function theMiddlewareGoesWithOwnBindings(): void {
  const app = new Hono<AppEnv>()
  app.use(guardHono((env: Env) => ({ endpoint: env.AUTH_ENDPOINT })))
  app.use('/v1/*', guardHono(config))
  app.use(guardHono())
  app.get('/', (c) => {
    same<typeof c.env, Env>()
    same<typeof c.var.auth, Maybe>()
    return c.text(c.env.AUTH_ENDPOINT)
  })
  fits<{ fetch: (given: Request, env: Env, ctx: ExecutionContext) => Answer }>(app)

  const own = new Hono<AppEnv & { Variables: { user: string } }>()
  own.use(guardHono(config))
  own.use((c, next) => {
    c.set('user', c.var.auth?.principal ?? 'nobody')
    return next()
  })
  own.get('/', (c) => {
    same<typeof c.var.user, string>()
    same<typeof c.var.auth, Maybe>()
    return c.text(c.var.user)
  })
}

export function checksGoWithEveryEnvironment(): void {
  new Hono().use(guardHono(config), access({ roles: ['admin'] })).get('/', (c) => {
    same<typeof c.var.auth, Maybe>()
    return c.text('')
  })
  const own = new Hono<AppEnv & { Variables: { user: string } }>()
  const resource = protectedResource({
    identifier: 'https://api.example.com/',
    authorizationServers: ['https://login.example.com'],
  })
  own.use(resourceMetadata(resource))
  own.use(guardHono((env: Env) => ({ endpoint: env.AUTH_ENDPOINT, resource })))
  own.delete('/notes/:id', access({ scopes: ['notes:write'] }), (c) => {
    same<typeof c.var.user, string>()
    return c.text(c.req.param('id'))
  })
  // @ts-expect-error -- misspelt
  access({ role: ['admin'] })
  // @ts-expect-error -- the resource is needed
  resourceMetadata()
  // @ts-expect-error -- not the config that holds it
  resourceMetadata({ ...config, resource })
}

export function typesThatDifferAreAnError(): void {
  // @ts-expect-error -- they differ
  same<Maybe, Auth>()
  // @ts-expect-error -- `any` is like nothing else
  same<ReturnType<typeof JSON.parse>, string>()
}
