import type { CredentialsSource } from '../auth-config.ts'
import type { Auth } from '../types.ts'

/** Why a request may reach the handler, and where its guard looks for credentials. */
export type Admission = {
  readonly admitted: true
  readonly credentials: readonly CredentialsSource[]
} & (
  | { readonly auth: Auth; readonly exemption?: undefined }
  | { readonly auth?: undefined; readonly exemption: Exemption }
)

/** The reason that admits a request without an allow. `shadow`: the decision was a denial in shadow mode. */
export type Exemption = 'public' | 'preflight' | 'shadow'

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

/** Remembers that a guard admitted a request, and returns the admission. */
export function rememberAdmission(request: Request, admission: Admission): Admission {
  const earlier = Admitted.read(request)
  Admitted.write(request, earlier === undefined ? admission : join(earlier, admission))
  return admission
}

/** How a request was admitted, or `undefined` if no guard did. For what must not serve without a guard. */
export function admissionOf(request: Request): Admission | undefined {
  return Admitted.read(request)
}

// A guard behind another: whom the first named is still known where the second asks nobody, and neither's key is forgotten.
function join(earlier: Admission, later: Admission): Admission {
  const isAllowed = later.auth !== undefined
  if (earlier.credentials === later.credentials && isAllowed) return later
  const credentials = [...new Set([...earlier.credentials, ...later.credentials])]
  return { ...(isAllowed ? later : earlier), credentials }
}

/**
 * Says who sent a request, in a handler that `withAuth` guards.
 *
 * @param request The very object that the handler was given, and no copy of it.
 * @returns The identity; without `principal` if the endpoint named nobody.
 * @throws TypeError if this request has no allow: no wrapper saw it, or it is a copy; the path is public; it is a
 * preflight; or it was denied and the mode is `shadow`. The message says which.
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
  if (admission?.auth !== undefined) return admission.auth
  throw new TypeError(`getAuth: ${WHY_NOT[admission?.exemption ?? 'unknown']}`)
}

const WHY_NOT: Readonly<Record<Exemption | 'unknown', string>> = {
  // A copy cannot be told from a Request that was never seen.
  unknown:
    'with-auth did not decide about this object: the request was not guarded, or this is a copy of it. ' +
    'Guard the handler, and pass on the very Request that it was given, not `new Request(request)` or `request.clone()`',
  public:
    'the path is public, so no token was checked. ' +
    'Take the path out of "public", or do not call getAuth there',
  preflight:
    'the request is a CORS preflight, which carries no token. ' +
    'Answer it before you call getAuth, or leave "preflight" out',
  shadow:
    'the request would be rejected, and reached the handler because "mode" is "shadow". ' +
    'Catch this error until you set "mode" to "enforce"',
}
