import { ignore } from '../core/async.ts'
import { readTraceContext } from '../core/request/trace-context.ts'
import { addsTraceContext } from '../core/runtime.ts'
import { observeWithRequest } from '../core/response/events.ts'
import { isOutage } from './measures.ts'
import type * as openTelemetry from '@opentelemetry/api'
import type { Attributes, Span } from '@opentelemetry/api'
import type { AuthConfig } from '../core/auth-config.ts'
import type { BeginSpan, CheckSpan } from '../core/seams.ts'
import type { AuthEvent, DecisionEvent } from '../core/types.ts'

/** The part of `@opentelemetry/api` that is used. */
export type OpenTelemetry = Pick<
  typeof openTelemetry,
  'context' | 'propagation' | 'trace' | 'SpanStatusCode'
>

/** Makes a function that begins the span of a check in the span that is active then. */
export function createTracing(api: OpenTelemetry, namesCaller: boolean): BeginSpan {
  return (startedAt) => {
    // Read first, so that a pause between the two clocks makes the start later, not earlier.
    const elapsed = performance.now() - startedAt
    const now = Date.now()
    // Other spans begin at whole milliseconds. Rounded up, this one never begins before the span that it is in.
    const startTime = Math.min(now, Math.floor(now + 1 - elapsed))
    // Looked up each time: a program may register its provider later, or exchange it.
    const span = api.trace.getTracer('with-auth').startSpan('with-auth check', { startTime })
    const { traceId } = span.spanContext()
    // Without an SDK, the span of a request that is in none is not valid.
    return TRACE_ID.test(traceId) ? new ActiveSpan(api, span, startTime, namesCaller) : NO_SPAN
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
  // If it throws, so does the end of the check, which is reported.
  const beginQuietly = begin && ((startedAt: number) => attempt(() => begin(startedAt)))
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

const NO_SPAN: CheckSpan = {
  traceId: undefined,
  context: () => undefined,
  run: (call) => call(),
  end: () => undefined,
}

class ActiveSpan implements CheckSpan {
  readonly traceId: string
  readonly #api: OpenTelemetry
  readonly #span: Span
  readonly #startTime: number
  readonly #namesCaller: boolean
  #made: openTelemetry.Context | undefined

  constructor(api: OpenTelemetry, span: Span, startTime: number, namesCaller: boolean) {
    this.#api = api
    this.#span = span
    this.#startTime = startTime
    this.#namesCaller = namesCaller
    this.traceId = span.spanContext().traceId
  }

  context(): ReturnType<typeof readTraceContext> {
    return attempt(() => inject(this.#api, this.#context))
  }

  run<Value>(call: () => Value): Value {
    return this.#api.context.with(this.#context, call)
  }

  end(event: DecisionEvent): void {
    const hasFailed = isOutage(event)
    const attributes = describe(event)
    if (hasFailed && event.reason !== undefined) attributes['error.type'] = event.reason
    if (this.#namesCaller && event.principal !== undefined) attributes['user.id'] = event.principal
    this.#span.setAttributes(attributes)
    // To turn a caller away is not an error of the server.
    if (hasFailed) this.#span.setStatus({ code: this.#api.SpanStatusCode.ERROR })
    this.#span.end(this.#startTime + event.durationMs)
  }

  /** Made once, since it copies the whole context that it is in. */
  get #context(): openTelemetry.Context {
    this.#made ??= this.#api.trace.setSpan(this.#api.context.active(), this.#span)
    return this.#made
  }
}

/** Fields of other propagators: B3 and Jaeger. */
const OTHER = /^(?:b3|x-b3-(?:traceid|spanid|parentspanid|sampled|flags)|uber-trace-id)$/
const VALUE = /^[\x21-\x7e]{1,256}$/

/** The fields of trace contexts alone: `baggage` would carry what the client has sent to the endpoint. */
function inject(
  { propagation }: OpenTelemetry,
  context: openTelemetry.Context,
): ReturnType<typeof readTraceContext> {
  const carrier = new Map<string, string>()
  propagation.inject(context, carrier, {
    set: (fields, name, value) => void fields.set(name.toLowerCase(), value),
  })
  const own = readTraceContext({ get: (name) => carrier.get(name) ?? null })
  const others = [...carrier].filter(([name, value]) => OTHER.test(name) && VALUE.test(value))
  return others.length === 0 || addsTraceContext() ? own : { ...Object.fromEntries(others), ...own }
}

// The path is in the span of the server, as the route, and a token is nowhere. Spreading objects would cost a cache hit more.
function describe({
  outcome,
  reason,
  detail,
  cache,
  verifier,
  attempts,
  shadow,
}: DecisionEvent): Attributes {
  const attributes: Attributes = {
    'with_auth.outcome': outcome,
    'with_auth.cache': cache,
    'with_auth.attempts': attempts,
  }
  if (reason !== undefined) attributes['with_auth.reason'] = reason
  if (detail !== undefined) attributes['with_auth.detail'] = detail
  if (verifier !== undefined) attributes['with_auth.verifier'] = verifier
  if (shadow !== undefined) attributes['with_auth.shadow'] = true
  return attributes
}
