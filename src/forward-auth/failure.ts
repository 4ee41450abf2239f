import { createErrorResponse } from '../gateway/refusal.ts'
import type { ErrorRow } from '../gateway/refusal.ts'

/** Why forward auth rejected a subrequest in place of the guard. */
export type ForwardAuthFailureCode =
  | 'proxy_misconfigured'
  | 'malformed_request'
  | 'method_not_allowed'
  | 'too_many_headers'
  | 'identity_not_forwardable'

/** Describes one subrequest that forward auth rejected in place of the guard. */
export interface ForwardAuthFailure {
  readonly code: ForwardAuthFailureCode
  readonly status: number
  /** The names of the headers with the problem, in lower case. */
  readonly headers: readonly string[]
}

const ROWS: Readonly<Record<ForwardAuthFailureCode, ErrorRow>> = {
  proxy_misconfigured: { status: 500, message: 'The proxy is not configured for forward auth' },
  malformed_request: { status: 400, message: 'Malformed request target' },
  method_not_allowed: { status: 405, message: 'Method not allowed' },
  too_many_headers: { status: 431, message: 'More than 200 header fields' },
  identity_not_forwardable: { status: 503, message: 'Authentication service unavailable' },
}

export function createFailure(
  code: ForwardAuthFailureCode,
  headers: readonly string[],
): ForwardAuthFailure {
  return Object.freeze({ code, status: ROWS[code].status, headers: Object.freeze(headers) })
}

export function createFailureResponse({ code }: ForwardAuthFailure): Response {
  return createErrorResponse(code, ROWS[code])
}
