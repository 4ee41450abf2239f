import { observeWithRequest } from '../../core/events.ts'
import { followPassage } from '../../core/response/passage.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { Passage } from '../../core/response/passage.ts'
import type { DecisionLog } from '../log.ts'
import type { ClientAddresses } from './client-address.ts'

/** Writes one line for each request that reaches the guard or is rejected before it, with the status that its client got. */
export interface RequestLog {
  /** Keeps each decision for its request, and writes every other event at once. */
  readonly onEvent: NonNullable<AuthConfig['onEvent']>
  /** Wraps the handler behind the guard: keeps what the upstream answers, and passes on the request id. */
  readonly follow: (handler: Handler) => Handler
  /** Writes the decision about a request, now that the head of the response is there. */
  readonly answered: (request: Request, status: number) => void
  /** Writes that a request was rejected before the guard. */
  readonly rejected: (request: Request, described: Described, rejection: Rejection) => void
}

/** The fields of the log for a request that is rejected before the guard. */
export interface Described {
  readonly path: string
  readonly requestId?: string
}

export interface Rejection {
  readonly reason: string
  readonly status: number
  readonly cause?: string | undefined
}

export interface RequestLogOptions {
  readonly log: DecisionLog
  readonly addressOf: ClientAddresses['addressOf']
  /** The header in which the upstream gets the request id. */
  readonly requestIdHeader: string | undefined
  readonly logsPrincipal: boolean
}

type Handler = (request: Request) => Promise<Response>

export function createRequestLog(options: RequestLogOptions): RequestLog {
  const { log, addressOf, requestIdHeader, logsPrincipal } = options
  return {
    onEvent: observeWithRequest((event, request) => {
      if (event.type !== 'decision' || request === undefined) return log(event)
      followPassage(request).decision = event
    }),
    follow: (handler) => async (request) => {
      const passage = followPassage(request)
      if (requestIdHeader !== undefined) {
        passage.sentId = [requestIdHeader, passage.decision?.requestId ?? crypto.randomUUID()]
      }
      const response = await handler(request)
      passage.upstreamStatus = response.status
      return response
    },
    answered: (request, status) => {
      const passage = followPassage(request)
      if (passage.decision === undefined) return
      const { principal, requestId, ...decision } = passage.decision
      log({
        ...decision,
        ...(logsPrincipal && principal !== undefined ? { principal } : {}),
        status,
        ...describeUpstream(passage),
        requestId: requestId ?? passage.sentId?.[1] ?? crypto.randomUUID(),
        clientAddress: addressOf(request),
      })
    },
    rejected: (request, described, rejection) =>
      log({
        type: 'decision',
        outcome: 'deny',
        method: request.method.slice(0, 32),
        ...rejection,
        requestId: crypto.randomUUID(),
        ...described,
        clientAddress: addressOf(request),
      }),
  }
}

function describeUpstream({ failure, upstreamStatus }: Passage) {
  if (failure === undefined) return { upstreamStatus }
  return { failure: failure.code, upstreamCause: failure.cause }
}
