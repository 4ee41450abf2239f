import { isPreflight } from '../request/credentials.ts'
import { isPlainHost } from '../request/target.ts'
import type { Target } from '../request/target.ts'
import type { Admission, Exemption, Guard } from './admission.ts'

/** The admissions without an identity. `auth` is an own property: one on Object.prototype must not become the identity. */
export const EXEMPT: Readonly<Record<Exemption, Admission>> = {
  public: { admitted: true, auth: undefined, exemption: 'public' },
  preflight: { admitted: true, auth: undefined, exemption: 'preflight' },
  shadow: { admitted: true, auth: undefined, exemption: 'shadow' },
}

interface Exempting {
  readonly hasPublicPaths: boolean
  readonly isPublic: (path: string, method: string) => boolean
  readonly preflight: 'deny' | 'allow'
}

/** Why a request needs no token. `undefined` if it needs one. */
export function exemptionOf(
  request: Request,
  target: Target,
  { config, readCredentials }: Pick<Guard, 'readCredentials'> & { readonly config: Exempting },
): 'public' | 'preflight' | undefined {
  const isPublic = config.hasPublicPaths && config.isPublic(target.path, request.method)
  if (isPublic && isPlainHost(request.headers.get('host'))) return 'public'
  const isAllowed = config.preflight === 'allow' && isPreflight(request, readCredentials)
  return isAllowed ? 'preflight' : undefined
}
