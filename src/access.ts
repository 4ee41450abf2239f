/**
 * Decides what callers may do, once a guard knows them.
 *
 * @module with-auth/access
 */
import { createPolicy } from './access/policy.ts'
import { parseNeed } from './needs/need.ts'
import { isHandler } from './core/gate.ts'
import { checkNeed } from './needs/route-check.ts'
import type { RouteRule, RouteScope } from './access/rules.ts'
import type { Access } from './core/types.ts'
import type { Need } from './needs/need.ts'

export type { Need, RouteRule, RouteScope }

/**
 * Makes a policy of rules about paths, as OGX has them in `route_policy`: the first rule that applies decides, and a request
 * without such a rule gets 403 `forbidden`. An empty list permits everything. It is for the option `routePolicy`, and for
 * `authorize` too. Public paths need no rule.
 *
 * In doubt it forbids. A `permit` applies only if the path matches as it was sent and decoded, a `forbid` if one of them does, in any
 * case of its letters.
 * A condition about an attribute that the caller does not have is unknown: a `permit` does not apply then, and a `forbid`
 * does. A path of more than 2,048 characters is forbidden, and so is one that begins with `//`, is not UTF-8, or holds a control
 * character, `%5c`, or `%25` before two hex digits. So is one that takes the `regex:` patterns more than a few milliseconds: then a `warning` event says
 * so, once.
 *
 * A check at the route, such as {@link withAccess}, is safer: your router may match paths in another way.
 *
 * @param rules In their order. The decision event of a denial has the index of its rule, counted from 0.
 * @throws AuthConfigError for a rule that cannot be used: a pattern that is broken or can match nothing, a condition about
 * owners, an unknown key.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { routePolicy } from 'with-auth/access'
 *
 * export default withAuth(() => new Response('hello'), {
 *   endpoint: 'https://auth.example.com/validate',
 *   routePolicy: routePolicy([
 *     { forbid: { paths: '/v1/admin*' }, unless: 'user with admin in roles' },
 *     { permit: { paths: ['/v1/models', '/v1/models/*'], methods: ['GET'] } },
 *     { permit: { paths: '*' }, when: 'user with admin in roles' },
 *   ]),
 * })
 * ```
 */
export function routePolicy(rules: readonly RouteRule[]): (access: Access) => boolean {
  return createPolicy(rules, ['rules'])
}

/**
 * Checks what the caller of a guarded request may do.
 *
 * @param request The very Request that the handler was given, not a copy of it.
 * @param need What the caller must have. All of it must hold.
 * @returns The response to send if the caller lacks something: 403, or 401 on a public path. `undefined` if it has everything,
 * and in shadow mode. 500 for a request that no guard admitted.
 * @throws AuthConfigError for a need that cannot be used.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { checkAccess } from 'with-auth/access'
 *
 * export default withAuth(
 *   (request: Request) => {
 *     const rejection = request.method === 'DELETE' && checkAccess(request, { roles: ['admin'] })
 *     return rejection || new Response('done')
 *   },
 *   { endpoint: 'https://auth.example.com/validate' },
 * )
 * ```
 */
export function checkAccess(request: Request, need: Need): Response | undefined {
  return checkNeed(request, parseNeed(need))?.response
}

/**
 * Wraps a handler behind a guard, so that it is called only for callers who have what is needed. Every other request is
 * answered as {@link checkAccess} says.
 *
 * @param handler A function. Put it inside `withAuth`, which must see the request first.
 * @param need What the caller must have. All of it must hold.
 * @returns A function with the same parameters.
 * @throws AuthConfigError for a need that cannot be used; TypeError for a value that is not a handler.
 *
 * @example
 * ```ts
 * import { withAuth } from 'with-auth'
 * import { withAccess } from 'with-auth/access'
 *
 * const handler = withAccess(() => new Response('saved'), { scopes: ['notes:write'] })
 * export default withAuth(handler, { endpoint: 'https://auth.example.com/validate' })
 * ```
 */
export function withAccess<
  Req extends Request,
  Args extends unknown[],
  Res extends Response | undefined | Promise<Response | undefined>,
>(
  handler: (request: Req, ...args: Args) => Res,
  need: Need,
): (request: Req, ...args: Args) => Res | Response
export function withAccess(handler: unknown, need: Need): unknown {
  if (!isHandler(handler)) {
    throw new TypeError('Cannot check access to the handler: it must be a function')
  }
  const parsed = parseNeed(need)
  return function checked(this: unknown, request: Request, ...args: unknown[]): unknown {
    const rejection = checkNeed(request, parsed)
    return rejection === undefined ? handler.call(this, request, ...args) : rejection.response
  }
}
