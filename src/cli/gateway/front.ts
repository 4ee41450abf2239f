import { parseTarget } from '../../core/request/target.ts'
import { reasonPhrase } from '../../core/runtime.ts'
import type { EndpointProof } from '../proof.ts'
import type { ClientAddresses } from './client-address.ts'
import type { Described, RequestLog } from './request-log.ts'

export interface FrontOptions {
  readonly guarded: (request: Request) => Response | Promise<Response>
  readonly proof: Pick<EndpointProof, 'state' | 'cause'>
  readonly isConflicting: ClientAddresses['isConflicting']
  readonly healthz: boolean
  readonly requestLog: Pick<RequestLog, 'answered' | 'rejected'>
  /** Describes a request that is rejected here, for the log. */
  readonly describe: (request: Request, path: string, method: string) => Described
}

const JSON_HEADERS = { 'content-type': 'application/json', 'cache-control': 'no-store' } as const

export const UNPROVEN = {
  status: 503,
  error: {
    message: 'Authentication service unavailable',
    type: 'api_error',
    code: 'endpoint_unproven',
  },
  headers: { 'retry-after': '2' },
} as const

const CONFLICTING = {
  status: 400,
  error: {
    message: 'Forwarded and X-Forwarded-For name different clients',
    type: 'invalid_request_error',
    code: 'conflicting_forwarded_headers',
  },
  headers: {},
} as const

/**
 * The handler in front of the guard. Rejects every request until the endpoint has denied a random key, and requests whose headers
 * name two clients. Answers `/healthz` without a key, because a load balancer has none.
 */
export function createFront(options: FrontOptions): (request: Request) => Promise<Response> {
  const { guarded, proof, isConflicting, healthz, requestLog, describe } = options
  return async (request) => {
    // First, because a closed connection no longer has an address.
    const isUnclear = isConflicting(request)
    const path = parseTarget(request.url)?.path
    const isReady = proof.state() === 'proven'
    if (healthz && path === '/healthz' && isRead(request)) return answerHealth(isReady, request)
    if (isReady && !isUnclear) return serve(request, guarded, requestLog.answered)
    const rejected = isReady ? CONFLICTING : UNPROVEN
    const cause = isReady ? undefined : proof.cause()
    const rejection = { reason: rejected.error.code, status: rejected.status, cause }
    requestLog.rejected(request, describe(request, path ?? '', request.method), rejection)
    return createRejection(rejected)
  }
}

/** The response of a rejection before the guard. */
export function createRejection({
  status,
  error,
  headers,
}: typeof UNPROVEN | typeof CONFLICTING): Response {
  return new Response(JSON.stringify({ error }), {
    status,
    statusText: reasonPhrase(status),
    headers: { ...JSON_HEADERS, ...headers },
  })
}

/** Asks the guard, and logs the status of the response. */
export async function serve(
  request: Request,
  guarded: FrontOptions['guarded'],
  answered: RequestLog['answered'],
): Promise<Response> {
  // The server answers 500 if the handler throws.
  let status = 500
  try {
    const response = await guarded(request)
    status = response.status
    return response
  } finally {
    answered(request, status)
  }
}

/** Whether a request only reads. */
export function isRead({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD'
}

/** Tells a load balancer only whether the endpoint is proven. */
export function answerHealth(isReady: boolean, { method }: Request): Response {
  const status = isReady ? 200 : 503
  const body = JSON.stringify({ status: isReady ? 'ok' : 'endpoint_unproven' })
  return new Response(method === 'HEAD' ? null : body, {
    status,
    statusText: reasonPhrase(status),
    headers: JSON_HEADERS,
  })
}
