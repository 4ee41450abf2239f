import type { Admission } from './decision.ts'
import type { Auth } from './types.ts'

// Keyed by the Request object: nothing is added to it, and no header or other object can stand for it.
const admissions = new WeakMap<Request, Admission>()

/** Remembers that a guard admitted a request. */
export function rememberAdmission(request: Request, admission: Admission): void {
  const earlier = admissions.get(request)
  admissions.set(request, earlier === undefined ? admission : join(earlier, admission))
}

/** How a request was admitted, or `undefined` if no guard did. For what must not serve without a guard. */
export function admissionOf(request: Request): Admission | undefined {
  return admissions.get(request)
}

// A guard behind another: whom the first named is still known where the second asks nobody, and neither's key is forgotten.
function join(earlier: Admission, later: Admission): Admission {
  const { outcome } = later
  if (earlier.credentials === later.credentials && outcome === 'allow') return later
  const credentials = [...new Set([...earlier.credentials, ...later.credentials])]
  return { ...(outcome === 'allow' ? later : earlier), credentials }
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
  const admission = admissions.get(request)
  if (admission?.outcome === 'allow') return admission.auth
  throw new TypeError(
    'No verdict let this request through: it was not guarded by withAuth, is a copy, is public or a preflight, or the mode is "shadow"',
  )
}
