import type { Asked, Expected } from '../scenario.ts'
import type { EndpointAnswer } from '../support/endpoint-answer.ts'

export const ALICE = { principal: 'alice', attributes: { roles: ['admin'] } }
export const ALLOW = allow(JSON.stringify(ALICE))

/** A 200 with this body. */
export function allow(body: string): EndpointAnswer & { readonly headers: object } {
  return { status: 200, headers: { 'content-type': 'application/json' }, body }
}

/** The result of `getAuth` for an allow without a principal. */
export const NOBODY = { attributes: {} }

const TYPES: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
}

export const BAD_HEADER = 'Missing or invalid Authorization header'
export const FAILED = 'Authentication failed'
export const SERVICE_ERROR = 'Authentication service error'

export const missing = unauthorized('missing_credentials', BAD_HEADER)
export const malformed = unauthorized('malformed_credentials', BAD_HEADER, 'invalid_token')
export const denied = unauthorized('denied', FAILED, 'invalid_token')
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

export function unauthorized(code: string, message: string, error?: 'invalid_token'): Expected {
  const challenge = `Bearer realm="api"${error === undefined ? '' : `, error="${error}"`}`
  const expected = refusal(401, code, message)
  return { ...expected, fields: { ...expected.fields, 'www-authenticate': challenge } }
}

export function withQuestion(expected: Expected, ...asked: readonly Asked[]): Expected {
  return { ...expected, asked }
}

/** HEAD has the same head and no body. */
export function withoutBody(expected: Expected): Expected {
  return { ...expected, body: '' }
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
