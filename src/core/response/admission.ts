import { Existing } from '../runtime.ts'
import type { AuthConfig, CredentialsSource } from '../auth-config.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { GuardedResource } from '../resource.ts'
import type { Auth } from '../types.ts'
import type { Denials } from './denial.ts'
import type { Report } from './events.ts'

/** Why a request may reach the handler. */
export type Admission = { readonly admitted: true } & (
  | { readonly auth: Auth; readonly exemption?: undefined }
  | { readonly auth?: undefined; readonly exemption: Exemption }
)

/** The admission of a request with an allow. */
export type KnownAdmission = Extract<Admission, { readonly auth: Auth }>

/** The reason that admits a request without an allow. `shadow`: the decision was a denial in shadow mode. */
export type Exemption = 'public' | 'preflight' | 'shadow'

/** Where a request may hold a secret: a source of its token, or a header that is for the verifier alone. */
export type SecretSource = CredentialsSource | { readonly consumed: string }

/** The guard that admitted a request, as later checks of the same request need it. */
export interface Guard {
  readonly config: {
    readonly mode: 'enforce' | 'shadow'
    readonly resource: false | GuardedResource
    readonly scopeImplies: AuthConfig['scopeImplies']
    readonly requestIdHeader: string | false
    readonly traits?: { readonly namesCaller: boolean } | undefined
  }
  readonly denials: Denials
  readonly report: Report | undefined
  readonly readCredentials: CredentialsReader
  /** Where a request may hold a secret. */
  readonly secretSources: readonly SecretSource[]
}

/** How a request was admitted, by all guards that it came through. */
export interface Entry {
  /** By the guard that named the caller, or else by the last one. */
  readonly admission: Admission
  /** From the outer ones to the inner one. */
  readonly guards: readonly [...Guard[], Guard]
  /** The scopes that have been required of it so far. */
  readonly required: readonly string[]
}

const NO_SCOPES: readonly string[] = Object.freeze([])
const NO_GUARDS: readonly Guard[] = Object.freeze([])

/**
 * Keeps the admission in private fields of the very Request. They are as invisible as in a WeakMap, and no header, copy or
 * other object can forge them; but a WeakMap of short-lived keys costs a quarter of a hit.
 */
class Admitted extends Existing {
  /** `undefined` after the guard whose admission it was has denied the same request. */
  #admission: Admission | undefined
  /** The guard whose admission it is. */
  #by: Guard
  #guard: Guard
  #outer = NO_GUARDS
  #required: readonly string[]

  constructor(request: Request, admission: Admission, guard: Guard) {
    super(request)
    this.#admission = admission
    this.#by = guard
    this.#guard = guard
    this.#required = requiredBy(guard)
  }

  static read(request: unknown): Entry | undefined {
    if (typeof request !== 'object' || request === null || !(#admission in request))
      return undefined
    const admission = request.#admission
    if (admission === undefined) return undefined
    return { admission, guards: [...request.#outer, request.#guard], required: request.#required }
  }

  // With a wrapper inside another, the identity of the outer one stays if the inner one has none.
  static write(request: Request, admission: Admission, guard: Guard): object {
    if (!(#admission in request)) return new Admitted(request, admission, guard)
    const required = Admitted.requiredFor(request, guard)
    const isFirst = request.#admission === undefined || admission.auth !== undefined
    const isHeard = isFirst && !isWatching(guard, request.#by)
    if (isHeard || isWatching(request.#by, guard)) {
      request.#admission = admission
      request.#by = guard
    }
    request.#required = isWatching(guard, request.#by) ? request.#required : required
    request.#outer = [...request.#outer, request.#guard].filter((other) => other !== guard)
    request.#guard = guard
    return request
  }

  static withdraw(request: Request, guard: Guard): void {
    if (#admission in request && request.#by === guard) request.#admission = undefined
  }

  static require(request: Request, scopes: readonly string[]): void {
    if (#admission in request) request.#required = united(request.#required, scopes)
  }

  static requiredFor(request: Request, guard: Guard): readonly string[] {
    const isFirst = !(#admission in request) || isWatching(request.#by, guard)
    return united(isFirst ? NO_SCOPES : request.#required, requiredBy(guard))
  }
}

/** Whether a guard is in shadow mode beside one that enforces: it watches, and changes nothing. */
function isWatching(guard: Guard, other: Guard): boolean {
  return guard.config.mode === 'shadow' && other.config.mode !== 'shadow'
}

/** The innermost guard, but not one in shadow mode beside others. */
export function decidingGuard({ guards }: Entry): Guard {
  return guards.reduce((outer, inner) => (isWatching(inner, outer) ? outer : inner))
}

function requiredBy({ config }: Guard): readonly string[] {
  return config.resource === false ? NO_SCOPES : config.resource.require
}

/** All scopes of two lists, each once. */
export function united(scopes: readonly string[], more: readonly string[]): readonly string[] {
  return more.length === 0 ? scopes : Object.freeze([...new Set([...scopes, ...more])])
}

/** Remembers that a guard admitted a request, and returns the admission. */
export function rememberAdmission(request: Request, admission: Admission, guard: Guard): Admission {
  Admitted.write(request, admission, guard)
  return admission
}

/** How a request was admitted. `undefined` if no guard admitted it. */
export function admissionOf(request: Request): Entry | undefined {
  return Admitted.read(request)
}

/** Where an admitted request may hold a secret, by all its guards. */
export function secretSourcesOf({ guards }: Entry): readonly SecretSource[] {
  return [...new Set(guards.flatMap(({ secretSources }) => secretSources))]
}

/** Adds scopes to those that an admitted request needs. They are kept for the request alone: a cached decision is shared. */
export function requireScopes(request: Request, scopes: readonly string[]): void {
  Admitted.require(request, scopes)
}

/** The scopes that have been required of a request, and those that this guard requires. */
export function scopesFor(request: Request, guard: Guard): readonly string[] {
  return Admitted.requiredFor(request, guard)
}

/** Takes back what this guard remembered of a request, because it rejects the same Request now. */
export function withdrawAdmission(request: Request, guard: Guard): void {
  Admitted.withdraw(request, guard)
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
  const admission = Admitted.read(request)?.admission
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
