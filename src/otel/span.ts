import { SpanKind, SpanStatusCode, trace } from '@opentelemetry/api'
import { isOutage } from '../telemetry/measures.ts'
import type { Attributes } from '@opentelemetry/api'
import type { DecisionEvent } from '../core/types.ts'

/** Makes a span of a decision that has just been made, in the context of its request. */
export function recordSpan(event: DecisionEvent, namesCaller: boolean): void {
  const { reason, durationMs } = event
  const hasFailed = isOutage(event)
  const attributes = describe(event)
  if (hasFailed) attributes['error.type'] = reason
  if (namesCaller && event.principal !== undefined) attributes['user.id'] = event.principal
  const endTime = Date.now()
  // Looked up each time: a program may register its provider later, or exchange it.
  const span = trace.getTracer('with-auth').startSpan('with-auth check', {
    kind: SpanKind.INTERNAL,
    startTime: endTime - durationMs,
    attributes,
  })
  // To turn a caller away is not an error of the server.
  if (hasFailed) span.setStatus({ code: SpanStatusCode.ERROR })
  span.end(endTime)
}

// The path is in the span of the server, as the route, and a token is nowhere.
function describe({
  outcome,
  reason,
  detail,
  cache,
  verifier,
  attempts,
}: DecisionEvent): Attributes {
  return {
    'with_auth.outcome': outcome,
    ...(reason === undefined ? {} : { 'with_auth.reason': reason }),
    ...(detail === undefined ? {} : { 'with_auth.detail': detail }),
    'with_auth.cache': cache,
    ...(verifier === undefined ? {} : { 'with_auth.verifier': verifier }),
    'with_auth.attempts': attempts,
  }
}
