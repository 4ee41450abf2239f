import { parseTarget } from '../../core/request/target.ts'
import { reasonPhrase } from '../../core/runtime.ts'
import { createFailureResponse } from '../../forward-auth/failure.ts'
import { createErrorResponse } from '../../gateway/refusal.ts'
import type { Answers } from '../../forward-auth/answer.ts'
import type { Preset } from '../../forward-auth/preset.ts'
import type { Receiver } from '../../forward-auth/receive.ts'
import type { DecisionLog } from '../log.ts'
import type { EndpointProof } from '../proof.ts'
import type { ClientAddresses } from './client-address.ts'
import type { Described, RequestLog } from './request-log.ts'

export interface FrontOptions {
  readonly guarded: (request: Request) => Response | Promise<Response>
  readonly proof: Pick<EndpointProof, 'state' | 'cause'>
  readonly healthz: boolean
  readonly requestLog: Pick<RequestLog, 'answered' | 'rejected'>
  /** Describes a request that is rejected here, for the log. */
  readonly describe: (request: Request, path: string, method: string) => Described
}

type Front = (request: Request) => Promise<Response>

const UNPROVEN = {
  code: 'endpoint_unproven',
  row: { status: 503, message: 'Authentication service unavailable' },
  headers: { 'retry-after': '2' },
} as const
const CONFLICTING = {
  code: 'conflicting_forwarded_headers',
  row: { status: 400, message: 'Forwarded and X-Forwarded-For name different clients' },
  headers: {},
} as const

/**
 * The handler in front of the guard. Rejects every request until the endpoint has denied a random key, and requests whose headers
 * name two clients. Answers `/healthz` without a key, because a load balancer has none.
 */
export function createFront(options: FrontOptions & Pick<ClientAddresses, 'isConflicting'>): Front {
  const { healthz, isConflicting } = options
  return async (request) => {
    // First, because a closed connection no longer has an address.
    const isUnclear = isConflicting(request)
    if (healthz && isHealthCheck(request)) return answerHealth(request, options)
    const described = { path: parseTarget(request.url)?.path ?? '', method: request.method }
    return enter(request, { judged: request, ...described }, options, isUnclear)
  }
}

interface SubrequestFrontOptions extends FrontOptions {
  readonly preset: Preset
  readonly receive: Receiver['receive']
  readonly answers: Answers
  readonly log: DecisionLog
}

/**
 * The same for subrequests. Rejects those that describe no request. A request for `/healthz` that describes no target is from a load
 * balancer; one that does is from a proxy that passes on the client's path, and must not get a 200.
 */
export function createSubrequestFront(options: SubrequestFrontOptions): Front {
  const { preset, receive, answers, healthz, requestLog, describe, log } = options
  const decide: Front = async (subrequest) => {
    const { judged, path, method } = receive(subrequest)
    if (!('code' in judged)) return enter(subrequest, { judged, path, method }, options)
    const { code, status, headers } = judged
    requestLog.rejected(subrequest, describe(subrequest, path, method), { reason: code, status })
    if (code === 'proxy_misconfigured') {
      const message = 'the proxy must set these headers, each once: see the example for it'
      log({ type: 'failure', code, headers: headers.join(', '), message })
    }
    return createFailureResponse(judged)
  }
  return async (subrequest) => {
    const isCheck = isHealthCheck(subrequest) && !subrequest.headers.has(preset.target)
    if (healthz && isCheck) return answerHealth(subrequest, options)
    return answers.finish(subrequest, await decide(subrequest))
  }
}

interface Judged {
  readonly judged: Request
  readonly path: string
  readonly method: string
}

/** Asks the guard, and logs the status of the response. Rejects what must not reach it. */
async function enter(
  request: Request,
  { judged, path, method }: Judged,
  { guarded, proof, requestLog, describe }: FrontOptions,
  isUnclear = false,
): Promise<Response> {
  const isReady = proof.state() === 'proven'
  if (!isReady || isUnclear) {
    const { code, row, headers } = isReady ? CONFLICTING : UNPROVEN
    const cause = isReady ? undefined : proof.cause()
    const rejection = { reason: code, status: row.status, cause }
    requestLog.rejected(request, describe(request, path, method), rejection)
    return createErrorResponse(code, row, headers)
  }
  // The server answers 500 if the handler throws.
  let status = 500
  try {
    const response = await guarded(judged)
    status = response.status
    return response
  } finally {
    requestLog.answered(judged, status)
  }
}

function isHealthCheck({ method, url }: Request): boolean {
  return (method === 'GET' || method === 'HEAD') && parseTarget(url)?.path === '/healthz'
}

/** Tells a load balancer only whether the endpoint is proven. */
function answerHealth({ method }: Request, { proof }: FrontOptions): Response {
  const isReady = proof.state() === 'proven'
  const status = isReady ? 200 : 503
  const body = JSON.stringify({ status: isReady ? 'ok' : UNPROVEN.code })
  return new Response(method === 'HEAD' ? null : body, {
    status,
    statusText: reasonPhrase(status),
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  })
}
