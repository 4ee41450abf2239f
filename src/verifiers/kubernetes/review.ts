import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { AuthUnavailableError } from '../../core/errors.ts'
import { mapAttributes, readTenant } from '../claims.ts'
import type { Verdict } from '../../core/verifier.ts'
import type { Claims } from '../claims.ts'
import type { ResolvedKubernetes } from './options.ts'

type Mapping = Pick<ResolvedKubernetes, 'attributes' | 'tenant'>

/** The denial of a token of which the cluster says nothing more. */
export const UNKNOWN: Verdict = { outcome: 'deny', detail: 'unknown_token' }
const ANONYMOUS = 'system:anonymous'
const OTHER_AUDIENCE: Verdict = { outcome: 'deny', detail: 'audience' }
const SERVICE_ACCOUNT = /^system:serviceaccount:(?<namespace>[^:]+):(?<serviceaccount>[^:]+)$/
const FACTS = ['username', 'uid', 'groups', 'extra'] as const

/** The verdict of a TokenReview, for tokens of these audiences. */
export function judgeTokenReview(
  review: unknown,
  audiences: readonly string[],
  mapping: Mapping,
): Verdict {
  const status = statusOf(review)
  const error = readName(status, 'error')
  const isGood = readName(status, 'authenticated') === true && (error === undefined || error === '')
  if (!isGood) return UNKNOWN
  // Without them the API server did not look, and the token is one for itself.
  const found = readName(status, 'audiences')
  const isOurs = Array.isArray(found) && audiences.some((one) => found.includes(one))
  return isOurs ? allow(readName(status, 'user'), mapping) : OTHER_AUDIENCE
}

/** The verdict of a SelfSubjectReview. */
export function judgeSelfReview(review: unknown, mapping: Mapping): Verdict {
  return allow(readName(statusOf(review), 'userInfo'), mapping)
}

function statusOf(review: unknown): Claims {
  const status = readName(review, 'status')
  if (isRecord(status)) return status
  throw invalid('without a "status"')
}

function allow(user: unknown, { attributes, tenant }: Mapping): Verdict {
  const username = readName(user, 'username')
  if (typeof username !== 'string' || username === '') {
    throw invalid('without a "username"')
  }
  // The API server gives this name to requests without a token that it knows.
  if (username === ANONYMOUS) return UNKNOWN
  // Other users may have similar names.
  const account = SERVICE_ACCOUNT.exec(username)?.groups ?? {}
  const claims = {
    ...Object.fromEntries(FACTS.map((name) => [name, readName(user, name)])),
    ...account,
  }
  const ownNames = Object.fromEntries(Object.keys(account).map((name) => [name, name]))
  return {
    outcome: 'allow',
    principal: username,
    attributes: mapAttributes(claims, { ...ownNames, ...attributes }),
    tenant: tenant === undefined ? undefined : readTenant(claims, tenant),
  }
}

function invalid(what: string): AuthUnavailableError {
  const explanation = `the API server of Kubernetes sent a review ${what}`
  return new AuthUnavailableError('invalid_response', { explanation })
}
