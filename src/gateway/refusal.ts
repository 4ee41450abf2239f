import { passageOf } from '../core/response/passage.ts'
import { parseTarget } from '../core/request/target.ts'

/** Why the gateway itself answers, and not the upstream. */
export type GatewayFailureCode =
  | 'not_configured'
  | 'malformed_request'
  | 'method_not_allowed'
  | 'transfer_coding_not_supported'
  | 'upgrade_not_supported'
  | 'loop_detected'
  | 'client_left'
  | 'identity_not_forwardable'
  | 'upstream_unreachable'
  | 'upstream_timeout'
  | 'invalid_response'

interface Row {
  readonly status: number
  readonly message: string
  readonly headers?: Readonly<Record<string, string>>
}

const ROWS: Readonly<Record<GatewayFailureCode, Row>> = {
  not_configured: { status: 500, message: 'Authentication is not configured' },
  malformed_request: { status: 400, message: 'Malformed request target' },
  // RFC 9110 §15.5.6: the answer names what is allowed.
  method_not_allowed: {
    status: 405,
    message: 'Method not allowed',
    headers: { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' },
  },
  transfer_coding_not_supported: { status: 501, message: 'Transfer coding not supported' },
  upgrade_not_supported: { status: 501, message: 'The gateway passes no WebSockets on' },
  // Nobody reads it: a log does.
  client_left: { status: 499, message: 'The client has left' },
  loop_detected: { status: 508, message: 'The gateway passes requests on to itself' },
  identity_not_forwardable: { status: 502, message: 'Authentication service error' },
  upstream_unreachable: { status: 502, message: 'Upstream service error' },
  invalid_response: { status: 502, message: 'Upstream service error' },
  upstream_timeout: { status: 504, message: 'Upstream service error' },
}

/** The status that goes with a code. */
export function statusOf(code: GatewayFailureCode): number {
  return ROWS[code].status
}

/** The gateway's own answer. Nothing in it comes from the upstream. */
export function createRefusal(code: GatewayFailureCode): Response {
  const { status, message, headers } = ROWS[code]
  const type = status < 500 ? 'invalid_request_error' : 'api_error'
  return new Response(JSON.stringify({ error: { message, type, code } }), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}

/** Why the gateway itself answered. */
export interface GatewayFailure {
  readonly code: GatewayFailureCode
  readonly status: number
  readonly method: string
  /** Without the query, and not more than 256 characters. */
  readonly path: string
  /** The name that the runtime has for what went wrong, such as `ECONNREFUSED`. Never a message. */
  readonly cause?: string
}

/** Describes why the gateway answered itself. Nothing of headers, query and messages is in it. */
export function describeFailure(
  request: Request,
  code: GatewayFailureCode,
  error: unknown,
): GatewayFailure {
  const { method, url } = request
  const path = parseTarget(url)?.path.slice(0, 256) ?? ''
  const failure = { code, status: statusOf(code), method: method.slice(0, 32), path }
  const cause = nameOf(error)
  const described = Object.freeze(cause === undefined ? failure : { ...failure, cause })
  const passage = passageOf(request)
  if (passage !== undefined) passage.failure = described
  return described
}

// Where a runtime says what it was: `error.cause.code` on Node, `error.code` on Bun, else the class.
function nameOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  const candidates = [codeOf(error.cause), codeOf(error), error.name]
  return candidates.find(isName)
}

function codeOf(value: unknown): unknown {
  return Reflect.get(Object(value), 'code')
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^\w{1,64}$/.test(value)
}
