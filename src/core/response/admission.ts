import { Existing } from '../runtime.ts'
import type { AuthConfig, CredentialsSource } from '../auth-config.ts'
import type { GuardedResource } from '../seams.ts'
import type { Auth } from '../types.ts'
import type { Denials } from './denial.ts'
import type { Report, RequestReader } from './events.ts'

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
export interface Guard extends RequestReader {
  readonly config: RequestReader['config'] & {
    readonly mode: 'enforce' | 'shadow'
    readonly resource: false | GuardedResource
    readonly scopeImplies: AuthConfig['scopeImplies']
  }
  readonly denials: Denials
  readonly report: Report | undefined
  /** Where a request may hold a secret. */
  readonly secretSources: readonly SecretSource[]
}

/** The guards that a request came through: `guardsOf` makes them of one, and `nest` joins them. */
export interface Guards {
  /** From the outer ones to the inner one. Each may read other secrets. */
  readonly all: readonly Guard[]
  /** The guard that made the admission. */
  readonly admitting: Guard
  /** The one that route checks ask. */
  readonly deciding: Guard
  /** The scopes that have been required so far. */
  readonly required: readonly string[]
}

/** How a request was admitted. */
export interface Entry {
  readonly admission: Admission
  readonly guards: Guards
}

/** An entry whose admission may have been withdrawn. */
type Mark = Pick<Entry, 'guards'> & { readonly admission: Admission | undefined }

const NO_SCOPES: readonly string[] = Object.freeze([])

/** The guards of a request that came through this one alone. */
export function guardsOf(guard: Guard): Guards {
  const { resource } = guard.config
  const required = resource === false ? NO_SCOPES : resource.require
  return { all: [guard], admitting: guard, deciding: guard, required }
}

/**
 * Joins what the outer guards of a request have noted with what an inner one notes. All guards are kept, since each reads
 * secrets that a gateway must not forward. The rest:
 *
 * | outer                  | inner          | admission | required scopes | asked by route checks |
 * | ---------------------- | -------------- | --------- | --------------- | --------------------- |
 * | enforce                | shadow         | outer     | outer           | outer                 |
 * | shadow                 | enforce        | inner     | inner           | inner                 |
 * | same mode              | names a caller | inner     | both            | inner                 |
 * | same mode              | names nobody   | outer     | both            | inner                 |
 * | same mode, denied since | any           | inner     | both            | inner                 |
 */
export function nest(outer: Mark, inner: Mark): Mark {
  const [before, after] = [outer.guards, inner.guards]
  const all = [...before.all.filter((guard) => !after.all.includes(guard)), ...after.all]
  if (isShadow(after) && !isShadow(before)) return { ...outer, guards: { ...before, all } }
  if (isShadow(before) && !isShadow(after)) return { ...inner, guards: { ...after, all } }
  const isInner = outer.admission === undefined || inner.admission?.auth !== undefined
  const { admission, guards } = isInner ? inner : outer
  const required = union(before.required, after.required)
  return { admission, guards: { ...after, all, admitting: guards.admitting, required } }
}

/** Whether guards are in shadow mode, so that beside one that enforces they change nothing. */
export function isShadow({ deciding }: Guards): boolean {
  return deciding.config.mode === 'shadow'
}

/** All scopes of two lists, each once. */
export function union(scopes: readonly string[], more: readonly string[]): readonly string[] {
  return more.length === 0 ? scopes : Object.freeze([...new Set([...scopes, ...more])])
}

/**
 * Keeps the mark in a private field of the very Request. It is as invisible as in a WeakMap, and no header, copy or other object can
 * forge it; but a WeakMap of short-lived keys costs a quarter of a hit. It is never kept with a cached
 * decision, which guards share.
 */
class MarkedRequest extends Existing {
  #mark: Mark

  /** Throws for a request that is marked. */
  constructor(request: Request, mark: Mark) {
    super(request)
    this.#mark = mark
  }

  static read(request: unknown): Mark | undefined {
    return typeof request === 'object' && request !== null && #mark in request
      ? request.#mark
      : undefined
  }

  static write(request: Request, mark: Mark): object {
    if (!(#mark in request)) return new MarkedRequest(request, mark)
    request.#mark = mark
    return request
  }
}

/** Remembers that a guard admitted a request, and returns the admission. */
export function rememberAdmission(
  request: Request,
  admission: Admission,
  guards: Guards,
): Admission {
  const outer = MarkedRequest.read(request)
  const inner = { admission, guards }
  MarkedRequest.write(request, outer === undefined ? inner : nest(outer, inner))
  return admission
}

/** The same for a request that no guard has marked. Throws for every other: to look first costs a tenth of a hit. */
export function rememberFirst(request: Request, admission: Admission, guards: Guards): Admission {
  void new MarkedRequest(request, { admission, guards })
  return admission
}

/** Takes back what this guard remembered of a request, because it rejects the same Request now. */
export function withdrawAdmission(request: Request, { deciding }: Guards): void {
  const mark = MarkedRequest.read(request)
  if (mark?.guards.admitting !== deciding) return
  MarkedRequest.write(request, { admission: undefined, guards: mark.guards })
}

/** How a request was admitted. `undefined` if no guard admitted it. */
export function admissionOf(request: Request): Entry | undefined {
  const mark = MarkedRequest.read(request)
  return mark?.admission && { admission: mark.admission, guards: mark.guards }
}

/** Adds scopes to those that an admitted request needs. They are kept for the request alone: a cached decision is shared. */
export function requireScopes(request: Request, scopes: readonly string[]): void {
  const mark = MarkedRequest.read(request)
  if (mark === undefined || scopes.length === 0) return
  const required = union(mark.guards.required, scopes)
  MarkedRequest.write(request, { ...mark, guards: { ...mark.guards, required } })
}

/** The scopes that have been required of a request, and those that this guard requires. */
export function scopesFor(request: Request, guards: Guards): readonly string[] {
  const outer = MarkedRequest.read(request)
  if (outer === undefined) return guards.required
  return nest(outer, { admission: undefined, guards }).guards.required
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
  const admission = MarkedRequest.read(request)?.admission
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
