import { Hono } from 'hono'
import { access, auth, resourceMetadata } from '../src/hono.ts'
import { protectedResource } from '../src/mcp.ts'
import { config, fits, same, use } from './support/types.ts'
import type { Context, ExecutionContext } from 'hono'
import type { AuthEnv } from '../src/hono.ts'
import type { Auth } from '../src/index.ts'
import type { Answer, Env } from './support/types.ts'

interface AppEnv extends AuthEnv {
  Bindings: Env
}

export function theMiddlewareTypesTheContext(): void {
  new Hono().use(auth(config)).get('/', (c) => {
    same<typeof c.var.auth, Auth | undefined>()
    return c.json({ principal: c.var.auth?.principal })
  })

  const app = new Hono<AuthEnv>()
  app.use('/v1/*', auth(config))
  app.get('/v1/me', (c) => {
    same<typeof c.var.auth, Auth | undefined>()
    same<ReturnType<typeof readAuth>, Auth | undefined>()
    // @ts-expect-error -- a public path has no identity
    return c.text(c.var.auth.principal)
  })
  const readAuth = (c: Context<AuthEnv>): Auth | undefined => c.get('auth')
  use(readAuth)

  const untyped = new Hono()
  untyped.use(auth(config))
  // @ts-expect-error -- without chaining, write new Hono<AuthEnv>()
  untyped.get('/', (c) => c.json(c.get('auth')))
}

export function theMiddlewareGoesWithOwnBindings(): void {
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

export function checksGoWithEveryEnvironment(): void {
  new Hono().use(auth(config), access({ roles: ['admin'] })).get('/', (c) => {
    same<typeof c.var.auth, Auth | undefined>()
    return c.text('')
  })
  const own = new Hono<AppEnv & { Variables: { user: string } }>()
  const resource = protectedResource({
    identifier: 'https://api.example.com/',
    authorizationServers: ['https://login.example.com'],
  })
  own.use(resourceMetadata(resource))
  own.use(auth((env: Env) => ({ endpoint: env.AUTH_ENDPOINT, resource })))
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
