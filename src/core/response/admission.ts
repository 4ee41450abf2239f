import type { CredentialsSource } from '../auth-config.ts'
import type { Auth } from '../types.ts'

/** Why a request may reach the handler. */
export type Admission = { readonly admitted: true } & (
  | { readonly auth: Auth; readonly exemption?: undefined }
  | { readonly auth?: undefined; readonly exemption: Exemption }
)

/** The reason that admits a request without an allow. `shadow`: the decision was a denial in shadow mode. */
export type Exemption = 'public' | 'preflight' | 'shadow'

/** Where a request may hold a secret: a source of its token, or a header that is for the verifier alone. */
export type SecretSource = CredentialsSource | { readonly consumed: string }

type Sources = readonly SecretSource[]

// Makes the constructor of a subclass work on an object that exists already.
// oxlint-disable-next-line no-extraneous-class
class Given {
  constructor(request: Request) {
    return request
  }
}

/**
 * Keeps the admission in private fields of the very Request. They are as invisible as in a WeakMap, and no header, copy or
 * other object can forge them; but a WeakMap of short-lived keys costs a quarter of a hit.
 */
class Admitted extends Given {
  #admission: Admission
  #credentials: Sources

  constructor(request: Request, admission: Admission, credentials: Sources) {
    super(request)
    this.#admission = admission
    this.#credentials = credentials
  }

  static read(request: unknown): (Admission & { readonly credentials: Sources }) | undefined {
    if (typeof request !== 'object' || request === null || !(#admission in request))
      return undefined
    return { ...request.#admission, credentials: request.#credentials }
  }

  // With a wrapper inside another the identity of the outer one stays if the inner one asks nothing, and the tokens of both
  // are known.
  static write(request: Request, admission: Admission, credentials: Sources): object {
    if (!(#admission in request)) return new Admitted(request, admission, credentials)
    if (admission.auth !== undefined) request.#admission = admission
    request.#credentials = [...new Set([...request.#credentials, ...credentials])]
    return request
  }
}

/** Remembers that a wrapper admitted a request, and returns the admission. `credentials`: where the request may hold a secret. */
export function rememberAdmission(
  request: Request,
  admission: Admission,
  credentials: Sources,
): Admission {
  Admitted.write(request, admission, credentials)
  return admission
}

/** How a request was admitted, and where it may hold a secret. `undefined` if no wrapper admitted it. */
export function admissionOf(request: Request): ReturnType<typeof Admitted.read> {
  return Admitted.read(request)
}

/**
 * Returns the identity of the caller, in a handler that `withAuth` wraps.
 *
 * @param request The very object that the handler was given, not a copy of it.
 * @returns The identity; without `principal` if the endpoint named none.
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
  // A copy looks like a Request that no wrapper saw.
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
