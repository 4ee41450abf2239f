import type { Runtime } from '../runtimes.ts'
import type { EndpointAnswer } from '../../support/auth-endpoint.ts'
import type { HttpRequest } from '../support/http.ts'
import type { EndpointState } from './bench.ts'
import type { ProfileName } from './profiles.ts'

/** The requests of clients, and the results that every runtime must give. */
export interface Scenario extends Step {
  /** Completes "it ...". Unique, because it marks the requests of a scenario. */
  readonly name: string
  /** The options of the guard. Default: `defaults`. */
  readonly profile?: ProfileName
  readonly before?: Step
  /** The answers of the endpoint, one for each call; the last one repeats. Or its state. Default: it answers by the token. */
  readonly endpoint?: readonly EndpointAnswer[] | Exclude<EndpointState, 'running'>
  /** Another expectation for servers that build a different Request from the same bytes. */
  readonly deviation?: {
    readonly servers: readonly Runtime['server'][]
    readonly expected: Expected
  }
}

/** One request, or the same request `times` times at once. */
export interface Step {
  readonly request: HttpRequest
  readonly times?: number
  readonly expected: Expected
}

/** The result of each request of a step. */
export interface Expected {
  readonly status: number
  /** Headers that occur exactly once with this value, or never (`undefined`). */
  readonly fields: Readonly<Record<string, string | undefined>>
  /** Default: any body, because the server writes it. */
  readonly body?: string
  /** Whether the handler runs. */
  readonly handled: boolean
  /** The calls to the endpoint in the whole step, without the headers that every scenario sends. */
  readonly asked?: readonly Asked[]
}

export interface Asked {
  readonly api_key: string
  readonly request: {
    readonly path: string
    readonly params: object
    readonly headers: Readonly<Record<string, string>>
  }
}

/** Every step of a scenario, in the order in which they begin. */
export function stepsOf({ before, ...last }: Scenario): readonly Step[] {
  return before === undefined ? [last] : [before, last]
}

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
}
const BAD_HEADER = 'Missing or invalid Authorization header'

export const ALICE = { principal: 'alice', attributes: { roles: ['admin'] } }

export const missing = unauthorized('missing_credentials', BAD_HEADER)
export const malformed = unauthorized('malformed_credentials', BAD_HEADER, 'invalid_token')
export const denied = unauthorized('denied', 'Authentication failed', 'invalid_token')
export const timedOut = unauthorized('timeout', 'Authentication service error')
export const unreachable = unauthorized('unreachable', 'Authentication service error')
export const malformedTarget = refusal(400, 'malformed_request', 'Malformed request target')
export const notConfigured = refusal(500, 'not_configured', 'Authentication is not configured')

export function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

/** A call to the endpoint with the default `context`. */
export function question(token: string, told: Partial<Asked['request']> = {}): Asked {
  const headers = { authorization: `Bearer ${token}` }
  return { api_key: token, request: { path: '/chats', params: {}, headers, ...told } }
}

/** The handler ran and returned the identity. */
export function handled(auth: object, ...asked: readonly Asked[]): Expected {
  return answered(JSON.stringify({ handler: 'HANDLER', ...auth }), ...asked)
}

/** The handler ran and returned this body. */
export function answered(body: string, ...asked: readonly Asked[]): Expected {
  return { status: 200, fields: { 'www-authenticate': undefined }, body, handled: true, asked }
}

export function withQuestion(expected: Expected, ...asked: readonly Asked[]): Expected {
  return { ...expected, asked }
}

/** HEAD has the same head and no body. */
export function withoutBody(expected: Expected): Expected {
  return { ...expected, body: '' }
}

function unauthorized(code: string, message: string, error?: 'invalid_token'): Expected {
  const challenge = `Bearer realm="api"${error === undefined ? '' : `, error="${error}"`}`
  const expected = refusal(401, code, message)
  return { ...expected, fields: { ...expected.fields, 'www-authenticate': challenge } }
}

function refusal(status: number, code: string, message: string): Expected {
  return {
    status,
    fields: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'www-authenticate': undefined,
      'retry-after': undefined,
      'set-cookie': undefined,
    },
    body: JSON.stringify({ error: { message, type: TYPES[status] ?? 'api_error', code } }),
    handled: false,
  }
}
