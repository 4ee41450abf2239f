import { parseTarget } from '../../core/request/target.ts'
import { createFailureResponse } from '../../forward-auth/failure.ts'
import { answerHealth, createRejection, isRead, serve, UNPROVEN } from './front.ts'
import type { Answers } from '../../forward-auth/answer.ts'
import type { Preset } from '../../forward-auth/preset.ts'
import type { Receiver } from '../../forward-auth/receive.ts'
import type { DecisionLog } from '../log.ts'
import type { FrontOptions } from './front.ts'

export interface SubrequestFrontOptions extends Omit<FrontOptions, 'isConflicting'> {
  readonly preset: Preset
  readonly receive: Receiver['receive']
  readonly answers: Answers
  readonly log: DecisionLog
}

/**
 * The handler in front of the guard, for subrequests. Rejects those that describe no request, and every other until the endpoint
 * has denied a random key. A request for `/healthz` that describes no target is from a load balancer; one that does is from a proxy
 * that passes on the client's path, and must not get a 200.
 */
export function createSubrequestFront(
  options: SubrequestFrontOptions,
): (subrequest: Request) => Promise<Response> {
  const { preset, answers, proof, healthz } = options
  const isHealthCheck = (request: Request): boolean =>
    isRead(request) &&
    parseTarget(request.url)?.path === '/healthz' &&
    !request.headers.has(preset.target)
  return async (subrequest) => {
    const isReady = proof.state() === 'proven'
    if (healthz && isHealthCheck(subrequest)) return answerHealth(isReady, subrequest)
    return answers.finish(subrequest, await decide(subrequest, isReady, options))
  }
}

async function decide(
  subrequest: Request,
  isReady: boolean,
  { receive, guarded, proof, requestLog, describe, log }: SubrequestFrontOptions,
): Promise<Response> {
  const { judged, path, method } = receive(subrequest)
  const reject = (reason: string, status: number, cause?: string): void => {
    const described = describe(subrequest, path, method)
    requestLog.rejected(subrequest, described, { reason, status, cause })
  }
  if ('code' in judged) {
    const { code, status, headers } = judged
    reject(code, status)
    if (code === 'proxy_misconfigured') {
      const message = 'the proxy must set these headers, each once: see the example for it'
      log({ type: 'failure', code, headers: headers.join(', '), message })
    }
    return createFailureResponse(judged)
  }
  if (isReady) return serve(judged, guarded, requestLog.answered)
  reject(UNPROVEN.error.code, UNPROVEN.status, proof.cause())
  return createRejection(UNPROVEN)
}
