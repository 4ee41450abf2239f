import type { Auth } from './types.ts'

// Keyed by the Request object: nothing is added to it, and no header or other object can stand for it.
const identities = new WeakMap<Request, Auth>()

export function rememberAuth(request: Request, auth: Auth): void {
  identities.set(request, auth)
}

/**
 * Says who sent a request, in a handler that `withAuth` guards.
 *
 * @param request The very object that the handler was given, and no copy of it.
 * @returns The identity; without `principal` if the endpoint named nobody.
 * @throws TypeError if no verdict let this request through: it was not guarded, or is a copy, or the path is public,
 * or it is a preflight, or the mode is `shadow`.
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
export function getAuth(request: Request): Auth {
  const auth = identities.get(request)
  if (auth !== undefined) return auth
  throw new TypeError(
    'No verdict let this request through: it was not guarded by withAuth, is a copy, is public or a preflight, or the mode is "shadow"',
  )
}
