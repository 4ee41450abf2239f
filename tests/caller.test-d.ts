import { auth as guardExpress } from '../src/express.ts'
import { auth as guardFastify } from '../src/fastify.ts'
import { auth as guardHono } from '../src/hono.ts'
import { Hono } from 'hono'
import { same, use } from './support/types.ts'
import type { AuthRequest, Guarded as GuardedExpress } from '../src/express.ts'
import type { Guarded as GuardedFastify } from '../src/fastify.ts'
import type { AuthEnv } from '../src/hono.ts'
import type { Auth, AuthConfig } from '../src/index.ts'
import type { loadConfig } from '../src/yaml.ts'
import type { Env } from './support/types.ts'

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
