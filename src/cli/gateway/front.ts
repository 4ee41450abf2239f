import { parseTarget } from '../../core/request/target.ts'
import type { EndpointProof } from '../proof.ts'
import type { ClientAddresses } from './client-address.ts'
import type { Described, RequestLog } from './request-log.ts'

/** The options of the handler in front of the guard. */
export interface FrontOptions {
  readonly guarded: (request: Request) => Response | Promise<Response>
  readonly proof: Pick<EndpointProof, 'state' | 'cause'>
  readonly isConflicting: ClientAddresses['isConflicting']
  /** Whether `/healthz` is answered here. */
  readonly healthz: boolean
  readonly requestLog: Pick<RequestLog, 'answered' | 'rejected'>
  /** Describes a request that the guard does not see, for the log. */
  readonly describe: (request: Request, path: string) => Described
}

const RETRY_AFTER_SECONDS = 2

const UNPROVEN = {
  status: 503,
  error: {
    message: 'Authentication service error',
    type: 'api_error',
    code: 'endpoint_unproven',
  },
  headers: { 'retry-after': String(RETRY_AFTER_SECONDS) },
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
 * Rejects every request until the endpoint is proven to deny a random key, and a request whose headers name two clients. Answers
 * `/healthz` without a key: a load balancer has none, and learns only whether it should send requests here.
 */
export function createFront(options: FrontOptions): (request: Request) => Promise<Response> {
  const { guarded, proof, isConflicting, healthz, requestLog, describe } = options
  return async (request) => {
    // Asked first: a connection that has ended has no address.
    const isUnclear = isConflicting(request)
    const path = parseTarget(request.url)?.path
    const isReady = proof.state() === 'proven'
    if (healthz && path === '/healthz' && isRead(request)) return answerHealth(isReady, request)
    if (isReady && !isUnclear) return serve(request, guarded, requestLog.answered)
    const refusal = isReady ? CONFLICTING : UNPROVEN
    const cause = isReady ? undefined : proof.cause()
    const { status, error } = refusal
    requestLog.rejected(request, describe(request, path ?? ''), {
      reason: error.code,
      status,
      cause,
    })
    return refuse(refusal)
  }
}

async function serve(
  request: Request,
  guarded: FrontOptions['guarded'],
  answered: RequestLog['answered'],
): Promise<Response> {
  // The status that the server sends if something is thrown.
  let status = 500
  try {
    const response = await guarded(request)
    status = response.status
    return response
  } finally {
    answered(request, status)
  }
}

function isRead({ method }: Request): boolean {
  return method === 'GET' || method === 'HEAD'
}

function answerHealth(isReady: boolean, { method }: Request): Response {
  const body = JSON.stringify({ status: isReady ? 'ok' : 'endpoint_unproven' })
  return new Response(method === 'HEAD' ? null : body, {
    status: isReady ? 200 : 503,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}

function refuse({ status, error, headers }: typeof UNPROVEN | typeof CONFLICTING): Response {
  return new Response(JSON.stringify({ error }), {
    status,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store', ...headers },
  })
}
