import { checkAccess, withAccess } from '../src/access.ts'
import { withAuthRoutes } from '../src/bun.ts'
import { withAuth } from '../src/index.ts'
import { config, fits, handler, request, same, use } from './support/types.ts'
import type { Need } from '../src/access.ts'
import type { RouteRequest } from '../src/bun.ts'
import type { Answer, Env } from './support/types.ts'

const need: Need = { scopes: ['notes:write'] }

export function aNeedHasKnownNames(): void {
  fits<Need>({ scopes: ['a'], anyScope: ['b'], roles: ['c'], principal: ['d'] })
  fits<Need>({ attributes: { team: ['red'], 'x-y': ['z'] } })
  // @ts-expect-error -- misspelt
  fits<Need>({ scope: ['a'] })
  // @ts-expect-error -- a text is no list
  fits<Need>({ roles: 'admin' })
  // @ts-expect-error -- so is the value of an attribute
  fits<Need>({ attributes: { team: 'red' } })
  same<ReturnType<typeof checkAccess>, Response | undefined>()
  // @ts-expect-error -- it says what is needed
  checkAccess(request)
  // @ts-expect-error -- the very Request, and no object around it
  checkAccess({ request }, need)
}

export function aHandlerKeepsItsParameters(): void {
  const plain = withAccess(handler, need)
  same<typeof plain, (request: Request) => Response>()
  const later = withAccess(async () => new Response('in'), need)
  fits<Answer>(later(request))
  const withEnv = withAccess((_: Request, env: Env) => new Response(env.AUTH_ENDPOINT), need)
  fits<Answer>(withEnv(request, { AUTH_ENDPOINT: 'u' }))
  // @ts-expect-error -- the environment is missing
  withEnv(request)
  withAccess((given) => {
    same<typeof given, Request>()
    return new Response('in')
  }, need)
  // @ts-expect-error -- no Response
  withAccess(() => 'in', need)
  // @ts-expect-error -- no handler
  withAccess({ fetch: handler }, need)
  // @ts-expect-error -- it says what is needed
  withAccess(handler)
}

export function aGuardTakesIt(): void {
  fits<(given: Request) => Answer>(withAuth(withAccess(handler, need), config))
  const worker = withAuth(
    withAccess((_: Request, env: Env) => new Response(env.AUTH_ENDPOINT), need),
    (env: Env) => ({ endpoint: env.AUTH_ENDPOINT }),
  )
  fits<(given: Request, env: Env) => Answer>(worker)
}

export function aRouteOfBunKnowsItsParameters(): void {
  const routes = withAuthRoutes(
    {
      '/notes/:id': withAccess((given) => {
        same<typeof given, RouteRequest<'/notes/:id'>>()
        return new Response(given.params.id)
      }, need),
      '/files/:name': { GET: withAccess((given) => new Response(given.params.name), need) },
    },
    config,
  )
  fits<(given: RouteRequest<'/notes/:id'>) => Answer>(routes['/notes/:id'])
  // Bun answers an upgrade itself.
  use(withAccess((): Response | undefined => undefined, need))
  withAccess((given: RouteRequest<'/a/:b'>) => new Response(given.params.b), need)
}
