import { rememberFirst } from './admission.ts'
import { tellsNothing } from '../request/question.ts'
import { isUsualTarget } from '../request/target.ts'
import type { CredentialsSource } from '../auth-config.ts'
import type { Context } from '../request/question.ts'
import type { Admission, Guards, KnownAdmission } from './admission.ts'

/**
 * Admits a request whose token alone is decided about, and is allowed in the cache. Returns `undefined` for every other, and never
 * throws: the gate then decides, so that no rule stands twice.
 */
export type Recall = (request: Request) => Admission | undefined

interface RecallParts {
  readonly config: {
    readonly cache: unknown
    readonly context: Context
    readonly credentials: readonly CredentialsSource[]
    readonly resource: unknown
    readonly public: readonly unknown[]
    readonly authorize: unknown
    readonly routePolicy: unknown
  }
  readonly decisions: { readonly recall: (field: string) => KnownAdmission | undefined }
  readonly guards: Guards
  readonly report: unknown
}

/** Makes the short way of a guard. `undefined` if more may count than the token, or if each decision has an event. */
export function createRecall(parts: RecallParts): Recall | undefined {
  if (!isByTokenAlone(parts)) return undefined
  const { decisions, guards } = parts
  let isOutermost = true
  return (request) => {
    if (!isOutermost) return undefined
    try {
      const field = request.headers.get('authorization')
      const admission = field === null ? undefined : decisions.recall(field)
      if (admission === undefined || !isUsualTarget(request.url)) return undefined
      return rememberFirst(request, admission, guards)
    } catch {
      // Most likely another guard has marked the request, and will mark the next one. To throw for each costs more than the long way.
      isOutermost = false
      return undefined
    }
  }
}

function isByTokenAlone({ config, report }: RecallParts): boolean {
  const { cache, context, credentials, resource, authorize, routePolicy } = config
  if (cache === false || resource !== false || !tellsNothing(context)) return false
  if (credentials.length !== 1 || credentials[0] !== 'bearer') return false
  return config.public.length === 0 && (authorize ?? routePolicy ?? report) === undefined
}
