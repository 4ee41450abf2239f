import { parseTarget } from '../core/target.ts'
import type { DecisionLog, RequestLog } from './decision-log.ts'
import type { ProofState } from './endpoint-proof.ts'

/** What stands before the guard. */
export interface FrontOptions {
  readonly guarded: (request: Request) => Response | Promise<Response>
  readonly proofState: () => ProofState
  /** Whether `/healthz` is answered here. */
  readonly healthz: boolean
  readonly log: DecisionLog
  /** Is told the status that a guarded request is answered with. */
  readonly answered: RequestLog['answered']
  /** Describes a request that the guard does not see, for the log. */
  readonly describe: (request: Request, path: string) => { path: string; requestId?: string }
}

const RETRY_AFTER_SECONDS = 2

/**
 * Refuses everybody until the endpoint is proven to say no, and answers `/healthz`, which needs no key: a load balancer
 * has none, and learns no more than whether it should send requests here.
 */
export function createFront(options: FrontOptions): (request: Request) => Promise<Response> {
  const { guarded, proofState, healthz, answered } = options
  return async (request) => {
    const path = parseTarget(request.url)?.path
    const isReady = proofState() === 'proven'
    if (healthz && path === '/healthz' && isRead(request)) return answerHealth(isReady, request)
    if (isReady) return serve(request, guarded, answered)
    logUnproven(request, path ?? '', options)
    return refuse()
  }
}

async function serve(
  request: Request,
  guarded: FrontOptions['guarded'],
  answered: FrontOptions['answered'],
): Promise<Response> {
  // The server answers so if something is thrown.
  let status = 500
  try {
    const response = await guarded(request)
    status = response.status
    return response
  } finally {
    answered(request, status)
  }
}

function logUnproven(request: Request, path: string, { log, describe }: FrontOptions): void {
  log({
    type: 'decision',
    outcome: 'deny',
    reason: 'endpoint_unproven',
    status: 503,
    method: request.method.slice(0, 32),
    ...describe(request, path),
  })
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

function refuse(): Response {
  const error = {
    message: 'Authentication service error',
    type: 'api_error',
    code: 'endpoint_unproven',
  }
  return new Response(JSON.stringify({ error }), {
    status: 503,
    headers: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'retry-after': String(RETRY_AFTER_SECONDS),
    },
  })
}
