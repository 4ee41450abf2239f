import { hidesStructure, isPlainHost } from '../request/target.ts'
import type { CredentialsReader } from '../request/credentials.ts'
import type { Target } from '../request/target.ts'
import type { Admission, Exemption, Guard } from './admission.ts'

/** The admissions without an identity. `auth` is an own property: one on Object.prototype must not become the identity. */
export const EXEMPT: Readonly<Record<Exemption, Admission>> = {
  public: { admitted: true, auth: undefined, exemption: 'public' },
  preflight: { admitted: true, auth: undefined, exemption: 'preflight' },
  shadow: { admitted: true, auth: undefined, exemption: 'shadow' },
}

/** Whether a canonical path is public for the method of a request, which is read only if there is such a path. */
export type PublicCheck = (path: string, request: Pick<Request, 'method'>) => boolean

interface ExemptionOptions extends Pick<Guard, 'readCredentials'> {
  readonly config: { readonly preflight: 'deny' | 'allow' }
  readonly isPublic: PublicCheck | undefined
}

/** The headers by which a framework runs another method than that of the request. */
export const OVERRIDE_HEADERS: readonly string[] = [
  'x-http-method-override',
  'x-http-method',
  'x-method-override',
]

// The query parameter that does the same. Each of its characters may be percent-encoded.
const OVERRIDE_PARAM = /(?:^|[?&;])(?:_|%5f)(?:m|%6d)(?:e|%65)(?:t|%74)(?:h|%68)(?:o|%6f)(?:d|%64)/i

/** Why a request needs no token. `undefined` if it needs one, also because another method may run than the one that is exempt. */
export function exemptionOf(
  request: Request,
  target: Target,
  { config, readCredentials, isPublic }: ExemptionOptions,
): 'public' | 'preflight' | undefined {
  const isNamed = isPublic?.(target.path, request) === true
  if (isNamed && isPlainHost(request.headers.get('host'))) {
    return isOverridden(request, target) ? undefined : 'public'
  }
  const isAllowed = config.preflight === 'allow' && isPreflight(request, readCredentials)
  return isAllowed && !isOverridden(request, target) ? 'preflight' : undefined
}

/** Makes the check of the paths that need no token. `undefined` if there are none. */
export function createPublicCheck(
  rules: readonly { readonly path: string; readonly methods: readonly string[] }[],
): PublicCheck | undefined {
  if (rules.length === 0) return undefined
  const parsed = rules.map(({ path, methods }) => ({
    path,
    methods,
    // `/prefix/*` is everything below `/prefix/`.
    prefix: path.endsWith('/*') ? path.slice(0, -1) : undefined,
  }))
  return (path, request) =>
    parsed.some((rule) => covers(rule, path) && rule.methods.includes(request.method)) &&
    !hidesStructure(path)
}

function covers(rule: { path: string; prefix: string | undefined }, path: string): boolean {
  if (rule.prefix === undefined) return path === rule.path
  return path.length > rule.prefix.length && path.startsWith(rule.prefix)
}

function isOverridden({ headers }: Request, { query }: Target): boolean {
  return OVERRIDE_HEADERS.some((name) => headers.has(name)) || OVERRIDE_PARAM.test(query)
}

/** Whether a request is a CORS preflight (Fetch standard): `OPTIONS` with its two fields and without credentials. */
export function isPreflight(
  { method, headers }: Request,
  readCredentials: CredentialsReader,
): boolean {
  if (method !== 'OPTIONS' || !headers.has('origin')) return false
  if (!headers.has('access-control-request-method')) return false
  // No browser upgrades a preflight, and an upgrade that is admitted stays open.
  if (headers.has('upgrade')) return false
  if (headers.has('authorization') || headers.has('cookie')) return false
  const credentials = readCredentials(headers)
  return typeof credentials !== 'string' && credentials.reason === 'missing_credentials'
}
