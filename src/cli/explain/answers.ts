import { isRecord, readName } from '../../core/endpoint/claim-path.ts'
import { parseJson } from '../../core/endpoint/verdict.ts'
import { showUrl } from '../shown-value.ts'
import { showFact, showTime } from './shown-fact.ts'
import type { Call } from './watch.ts'

const MOST_KEYS = 3
const LONGEST_KID = 16

/** A question to a service, and what it answered. */
export interface Answer {
  readonly method: string
  readonly url: string
  readonly status?: number
  /** Why there is no status. */
  readonly cause?: string
  readonly durationMs?: number
  /** Selected members of the body. */
  readonly said: Readonly<Record<string, string>>
}

/** The members of bodies that say something about a decision: RFC 7662, Kubernetes, GitHub, an auth endpoint, and metadata. */
const MEMBERS = [
  'active',
  'error',
  'error_description',
  'iss',
  'aud',
  'client_id',
  'username',
  'sub',
  'scope',
  'exp',
  'token_use',
  'status.authenticated',
  'status.error',
  'status.audiences',
  'status.user.username',
  'status.user.groups',
  'status.userInfo.username',
  'reason',
  'message',
  'login',
  'user.login',
  'app.client_id',
  'principal',
  'attributes',
  'error.message',
  'error.code',
  'issuer',
  'introspection_endpoint',
]

export function describeCall(call: Call): Answer {
  const { method, url, status, cause, durationMs, text } = call
  return {
    method,
    url: showUrl(url),
    ...(status === undefined ? {} : { status }),
    ...(cause === undefined ? {} : { cause }),
    ...(durationMs === undefined ? {} : { durationMs: Math.round(durationMs) }),
    said: selectMembers(parseJson(text)),
  }
}

function selectMembers(body: unknown): Readonly<Record<string, string>> {
  if (Array.isArray(body)) {
    return {
      organizations: showFact(body.map((one) => readName(one, 'login'))),
    }
  }
  const keys = readName(body, 'keys')
  if (Array.isArray(keys)) return { keys: describeKeys(keys) }
  const found = MEMBERS.map((path) => [path, readAt(body, path)] as const)
  const told = found.filter(([, value]) => value !== undefined && !isNested(value))
  return Object.fromEntries(told.map(([path, value]) => [path, showMember(path, value)]))
}

function showMember(path: string, value: unknown): string {
  return path === 'exp' && typeof value === 'number' ? showTime(value * 1000) : showFact(value)
}

function describeKeys(keys: readonly unknown[]): string {
  const names = keys.slice(0, MOST_KEYS).map((key) => {
    const [alg = readName(key, 'kty'), kid] = ['alg', 'kid'].map((name) => readName(key, name))
    return `${showFact(alg)} ${showFact(kid, LONGEST_KID)}`
  })
  const left = keys.length - names.length
  return [...names, ...(left > 0 ? [`${left} more`] : [])].join(', ') || 'an empty list'
}

function readAt(body: unknown, path: string): unknown {
  let found = body
  for (const name of path.split('.')) found = readName(found, name)
  return found
}

// Its own members are selected. The attributes of a caller are shown as they are.
function isNested(value: unknown): boolean {
  return isRecord(value) && Object.values(value).some((one) => !Array.isArray(one))
}
