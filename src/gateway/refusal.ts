import { ignore } from '../core/async.ts'
import { createCredentialsReader } from '../core/request/credentials.ts'
import { parseTarget } from '../core/request/target.ts'
import { reasonPhrase } from '../core/runtime.ts'
import { admissionOf } from '../core/response/admission.ts'
import { addFacts } from '../core/response/decision-event.ts'
import { passageOf } from './passage.ts'

/** Why the gateway answered in place of the upstream. */
export type GatewayFailureCode =
  | 'not_configured'
  | 'malformed_request'
  | 'method_not_allowed'
  | 'too_many_headers'
  | 'body_not_allowed'
  | 'transfer_coding_not_supported'
  | 'upgrade_not_supported'
  | 'origin_not_allowed'
  | 'loop_detected'
  | 'client_left'
  | 'identity_not_forwardable'
  | 'upstream_unreachable'
  | 'upstream_timeout'
  | 'invalid_response'

/** Describes one request that the gateway answered itself. */
export interface GatewayFailure {
  readonly code: GatewayFailureCode
  readonly status: number
  /** At most 32 characters; `''` if it holds the token. */
  readonly method: string
  /** Without the query, at most 256 characters; `''` if it holds the token. */
  readonly path: string
  /** The runtime's name for the error, such as `ECONNREFUSED`. Never its message. */
  readonly cause?: string
}

/** The facts about an error that its response holds. */
export interface ErrorRow {
  readonly status: number
  readonly message: string
}

const ROWS: Readonly<Record<GatewayFailureCode, ErrorRow>> = {
  not_configured: { status: 500, message: 'Authentication is not configured' },
  malformed_request: { status: 400, message: 'Malformed request target' },
  method_not_allowed: { status: 405, message: 'Method not allowed' },
  too_many_headers: { status: 431, message: 'More than 200 header fields' },
  body_not_allowed: { status: 400, message: 'No body of a GET or HEAD can pass the gateway here' },
  transfer_coding_not_supported: { status: 501, message: 'Transfer coding not supported' },
  upgrade_not_supported: { status: 501, message: 'No WebSocket can pass the gateway here' },
  origin_not_allowed: { status: 403, message: 'The page of this WebSocket has another origin' },
  // For the log: the client is gone.
  client_left: { status: 499, message: 'The client disconnected' },
  loop_detected: { status: 508, message: 'The gateway forwards requests to itself' },
  identity_not_forwardable: { status: 502, message: 'Authentication service error' },
  upstream_unreachable: { status: 502, message: 'Upstream service error' },
  invalid_response: { status: 502, message: 'Upstream service error' },
  upstream_timeout: { status: 504, message: 'Upstream service error' },
}

// RFC 9110 §15.5.6: a 405 lists the allowed methods.
const ALLOW = { allow: 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS' }

// CONNECT opens a tunnel. TRACE returns headers that only the upstream may see (RFC 9110 §9.3.8). `fetch` turns `get` into
// GET, but the decision was about `get`.
const METHOD = /^(?!(?:CONNECT|TRACE|TRACK)$)[A-Z][A-Z\d_-]*$/

/** Whether a request with this method may pass. */
export function mayPass(method: string): boolean {
  return METHOD.test(method)
}

// The clients of OpenAI and Anthropic repeat a 504, also where the upstream is still at work on the first request.
const NOT_AGAIN = { 'x-should-retry': 'false' }

/** Builds the gateway's own response. It holds nothing from the upstream. */
export function createRefusal(code: GatewayFailureCode, method: string): Response {
  const isRepeatable = method === 'GET' || method === 'HEAD'
  const mayBeAtWork = code === 'upstream_timeout' && !isRepeatable
  return createErrorResponse(code, ROWS[code], mayBeAtWork ? NOT_AGAIN : {})
}

/** Builds a response with an error in it. */
export function createErrorResponse(
  code: string,
  { status, message }: ErrorRow,
  headers: Readonly<Record<string, string>> = {},
): Response {
  const type = status < 500 ? 'invalid_request_error' : 'api_error'
  return new Response(JSON.stringify({ error: { message, type, code } }), {
    status,
    statusText: reasonPhrase(status),
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      ...(status === 405 ? ALLOW : {}),
      ...headers,
    },
  })
}

/** Answers an `OPTIONS` request about the gateway itself (RFC 9110 §7.6.2). */
export function createOptionsAnswer(request: Request): Response {
  const passage = passageOf(request)
  if (passage !== undefined) passage.isAboutGateway = true
  return new Response(null, { status: 204, headers: ALLOW })
}

/** Calls `onFailure`, whose errors change no response. An unhandled rejection would end a Node process. */
export function tellOwner<Failure>(
  onFailure: ((failure: Failure) => unknown) | undefined,
  failure: Failure,
): void {
  try {
    ignore(onFailure?.(failure))
  } catch {
    // It has no other receiver.
  }
}

// For a request that no guard saw, so that there is no config that could say where its token is.
const UNGUARDED = {
  config: { requestIdHeader: false },
  readCredentials: createCredentialsReader(['bearer']),
} as const

/** Describes a failure for `onFailure` and the log, without headers, query, token and error messages. */
export function describeFailure(
  request: Request,
  code: GatewayFailureCode,
  error?: unknown,
): GatewayFailure {
  const guards = admissionOf(request)?.guards
  const seen = guards && { setup: guards.deciding, others: guards.all }
  const { method, path } = addFacts(
    { method: '', path: '' },
    { request, target: parseTarget(request.url), ...(seen ?? { setup: UNGUARDED }) },
  )
  const { status } = ROWS[code]
  const cause = nameOf(error)
  const failure = Object.freeze({
    code,
    status,
    method,
    path,
    ...(cause === undefined ? {} : { cause }),
  })
  const passage = passageOf(request)
  if (passage !== undefined) passage.failure = failure
  return failure
}

// Node has the code in `error.cause.code`, Bun in `error.code`. Otherwise the class says most.
function nameOf(error: unknown): string | undefined {
  if (!(error instanceof Error)) return undefined
  return [codeOf(error.cause), codeOf(error), error.name].find(isName)
}

function codeOf(value: unknown): unknown {
  return Reflect.get(Object(value), 'code')
}

function isName(value: unknown): value is string {
  return typeof value === 'string' && /^\w{1,64}$/.test(value)
}
