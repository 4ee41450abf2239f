import { ignore } from '../core/async.ts'
import { readTraceContext } from '../core/request/trace-context.ts'
import { observeWithRequest } from '../core/response/events.ts'
import { isOutage } from './measures.ts'
import type * as openTelemetry from '@opentelemetry/api'
import type { Attributes, Span } from '@opentelemetry/api'
import type { AuthConfig } from '../core/auth-config.ts'
import type { BeginSpan, CheckSpan } from '../core/seams.ts'
import type { AuthEvent, DecisionEvent } from '../core/types.ts'

/** What is used of `@opentelemetry/api`. */
export type OpenTelemetry = Pick<
  typeof openTelemetry,
  'context' | 'propagation' | 'trace' | 'SpanStatusCode'
>

/** Makes a function that begins the span of a check in the span that is active then. */
export function createTracing(api: OpenTelemetry, namesCaller: boolean): BeginSpan {
  return (startedAt) => {
    const now = Date.now()
    const elapsed = performance.now() - startedAt
    // Other spans begin at whole milliseconds. Rounded up, this one never begins before the span that it is in.
    const startTime = Math.min(now, Math.floor(now + 1 - elapsed))
    // Looked up each time: a program may register its provider later, or exchange it.
    const span = api.trace.getTracer('with-auth').startSpan('with-auth check', { startTime })
    return wrap(api, span, startTime, namesCaller)
  }
}

/** Makes an observer that ends the span of each decision, records each event, and passes it on, also if OpenTelemetry throws. */
export function observeWithSpans(
  begin: BeginSpan | undefined,
  next: (event: AuthEvent, request?: Request) => unknown,
  record?: (event: AuthEvent) => void,
): NonNullable<AuthConfig['onEvent']> {
  const end = (event: DecisionEvent, span: CheckSpan | undefined): void =>
    // An observer that is called by another one is not asked for a span.
    (span ?? begin?.(performance.now() - event.durationMs))?.end(event)
  // What it throws, the end of the check meets and reports.
  const beginQuietly: BeginSpan = (startedAt) => attempt(() => begin?.(startedAt))
  return observeWithRequest((event, request, span) => {
    try {
      if (event.type === 'decision') end(event, span)
      record?.(event)
    } catch (error) {
      ignore(next(event, request))
      throw error
    }
    return next(event, request)
  }, beginQuietly)
}

function attempt<Value>(make: () => Value): Value | undefined {
  try {
    return make()
  } catch {
    // A decision must not depend on telemetry.
    return undefined
  }
}

const TRACE_ID = /^(?!0{32})[\da-f]{32}$/

function wrap(api: OpenTelemetry, span: Span, startTime: number, namesCaller: boolean): CheckSpan {
  const { traceId } = span.spanContext()
  const enter = (): openTelemetry.Context => api.trace.setSpan(api.context.active(), span)
  return {
    traceId: TRACE_ID.test(traceId) ? traceId : undefined,
    context: () => attempt(() => inject(api, enter())),
    run: (call) => api.context.with(enter(), call),
    end: (event) => {
      span.setAttributes(describe(event, namesCaller))
      // To turn a caller away is not an error of the server.
      if (isOutage(event)) span.setStatus({ code: api.SpanStatusCode.ERROR })
      span.end(startTime + event.durationMs)
    },
  }
}

/** The fields of W3C Trace Context alone: `baggage` would carry what the client has sent to the endpoint. */
function inject(
  { propagation }: OpenTelemetry,
  context: openTelemetry.Context,
): ReturnType<typeof readTraceContext> {
  const carrier = new Map<string, string>()
  propagation.inject(context, carrier, {
    set: (fields, name, value) => void fields.set(name.toLowerCase(), value),
  })
  return readTraceContext({ get: (name) => carrier.get(name) ?? null })
}

// The path is in the span of the server, as the route, and a token is nowhere.
function describe(event: DecisionEvent, namesCaller: boolean): Attributes {
  const { outcome, reason, detail, cache, verifier, attempts, shadow, principal } = event
  return {
    'with_auth.outcome': outcome,
    ...(reason === undefined ? {} : { 'with_auth.reason': reason }),
    ...(detail === undefined ? {} : { 'with_auth.detail': detail }),
    ...(reason !== undefined && isOutage(event) ? { 'error.type': reason } : {}),
    'with_auth.cache': cache,
    ...(verifier === undefined ? {} : { 'with_auth.verifier': verifier }),
    'with_auth.attempts': attempts,
    ...(shadow === undefined ? {} : { 'with_auth.shadow': true }),
    ...(namesCaller && principal !== undefined ? { 'user.id': principal } : {}),
  }
}
