import type { Admission } from './decision.ts'
import type { Auth } from './types.ts'

// Makes the constructor of a subclass work on an object that is there already.
// oxlint-disable-next-line no-extraneous-class
class Given {
  constructor(request: Request) {
    return request
  }
}

/**
 * Keeps the admission in a private field of the very Request. It is as invisible as in a WeakMap, and no header, copy or
 * other object can stand for it; but a WeakMap of short-lived keys costs a quarter of a hit.
 */
class Admitted extends Given {
  #admission: Admission

  constructor(request: Request, admission: Admission) {
    super(request)
    this.#admission = admission
  }

  static read(request: unknown): Admission | undefined {
    if (typeof request !== 'object' || request === null) return undefined
    return #admission in request ? request.#admission : undefined
  }

  static write(request: Request, admission: Admission): object {
    if (!(#admission in request)) return new Admitted(request, admission)
    request.#admission = admission
    return request
  }
}

/** Remembers that a guard admitted a request. */
export function rememberAdmission(request: Request, admission: Admission): void {
  const earlier = Admitted.read(request)
  Admitted.write(request, earlier === undefined ? admission : join(earlier, admission))
}

/** How a request was admitted, or `undefined` if no guard did. For what must not serve without a guard. */
export function admissionOf(request: Request): Admission | undefined {
  return Admitted.read(request)
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
  const admission = Admitted.read(request)
  if (admission?.outcome === 'allow') return admission.auth
  throw new TypeError(
    'No verdict let this request through: it was not guarded by withAuth, is a copy, is public or a preflight, or the mode is "shadow"',
  )
}
