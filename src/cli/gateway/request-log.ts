import { admissionOf } from '../../core/response/admission.ts'
import { followPassage } from '../../gateway/passage.ts'
import { isId } from '../../keys/file/fields.ts'
import { ID_CLAIM, LABEL } from '../../keys/verifier.ts'
import { observeWithSpans } from '../../telemetry/spans.ts'
import type { AuthConfig } from '../../core/auth-config.ts'
import type { BeginSpan } from '../../core/seams.ts'
import type { Passage } from '../../gateway/passage.ts'
import type { DecisionLog } from '../log.ts'
import { describeRequest } from '../watch/decision.ts'
import type { Feed } from '../watch/feed.ts'
import type { ClientAddresses } from './client-address.ts'

/** Writes one line for each request, with the status that the client got. */
export interface RequestLog {
  /** Holds each decision until its response. Writes every other event immediately. */
  readonly onEvent: NonNullable<AuthConfig['onEvent']>
  /** Wraps the handler behind the guard: records the upstream's status, and passes on the request id. */
  readonly follow: (handler: Handler) => Handler
  /** Writes the decision about a request whose response has started. */
  readonly answered: (request: Request, status: number) => void
  /** Writes the line of a request that was rejected before the guard. */
  readonly rejected: (request: Request, described: Described, rejection: Rejection) => void
}

export interface Described {
  readonly path: string
  readonly method: string
  readonly requestId?: string
}

interface Rejection {
  readonly reason: string
  readonly status: number
  readonly cause?: string | undefined
}

export interface RequestLogOptions {
  readonly log: DecisionLog
  /** Sends each decision, with its principal. */
  readonly watch?: Feed['send'] | undefined
  readonly addressOf: ClientAddresses['addressOf']
  /** The header that carries the request id to the upstream. */
  readonly requestIdHeader: string | undefined
  readonly logsPrincipal: boolean
  /** Begins the span of a check. */
  readonly beginSpan?: BeginSpan | undefined
}

type Handler = (request: Request) => Promise<Response>

export function createRequestLog(options: RequestLogOptions): RequestLog {
  const { log, watch, addressOf, requestIdHeader, logsPrincipal, beginSpan } = options
  return {
    onEvent: observeWithSpans(beginSpan, (event, request) => {
      if (event.type !== 'decision' || request === undefined) return log(event)
      followPassage(request).decision = event
    }),
    follow: (handler) => async (request) => {
      const passage = followPassage(request)
      if (requestIdHeader !== undefined) {
        passage.sentId = [requestIdHeader, passage.decision?.requestId ?? crypto.randomUUID()]
      }
      const startedAt = performance.now()
      const response = await handler(request)
      passage.upstreamMs = performance.now() - startedAt
      passage.upstreamStatus = response.status
      return response
    },
    answered: (request, status) => {
      const passage = followPassage(request)
      if (passage.decision === undefined) return
      const { principal, requestId, ...decision } = passage.decision
      const seen = { ...decision, status, ...describeUpstream(passage) }
      watch?.(describeRequest({ ...seen, principal, keyId: keyIdOf(request, decision.verifier) }))
      log({
        ...seen,
        ...(logsPrincipal ? { principal } : {}),
        requestId: requestId ?? passage.sentId?.[1] ?? crypto.randomUUID(),
        clientAddress: addressOf(request),
      })
    },
    rejected: (request, described, rejection) => {
      const seen = { type: 'decision', outcome: 'deny', ...rejection, ...described }
      watch?.(describeRequest(seen))
      const requestId = described.requestId ?? crypto.randomUUID()
      log({ ...seen, requestId, clientAddress: addressOf(request) })
    },
  }
}

/** The id of the key of a request that came through. Other verifiers may know a claim of this name. */
function keyIdOf(request: Request, verifier: string | undefined): string | undefined {
  if (verifier !== LABEL) return undefined
  const id = admissionOf(request)?.admission?.auth?.claims?.[ID_CLAIM]
  return isId(id) ? id : undefined
}

function describeUpstream({ failure, isAboutGateway, upstreamStatus, upstreamMs }: Passage) {
  if (isAboutGateway === true) return {}
  if (failure === undefined) return { upstreamStatus, upstreamMs }
  return { failure: failure.code, upstreamCause: failure.cause }
}
