import { addsTraceContext } from '../runtime.ts'

/** Headers by which a tracing system knows that a call belongs to a request. */
export type TraceContext = Readonly<Record<string, string>>

// A later version may add fields at the end.
const VERSION_0 = /^00-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}$/
const LATER_VERSION =
  /^(?!00|ff)[\da-f]{2}-(?!0{32})[\da-f]{32}-(?!0{16})[\da-f]{16}-[\da-f]{2}(?:-[\x21-\x7e]{0,200})?$/

// W3C Trace Context §3.3.1.5: at least 512 characters must be passed on. More could make the endpoint reject the call.
const STATE = /^[\t\x20-\x7e]{1,512}$/
const MEMBER = /^[a-z\d][a-z\d_\-*/@]{0,255}=[\x20-\x2b\x2d-\x3c\x3e-\x7e]{1,256}$/
const MOST_MEMBERS = 32

/**
 * The trace context of a request (W3C Trace Context §3), if it is valid. Where other code adds its own to the call, this would be
 * a second one, and the endpoint would have to drop both.
 */
export function readTraceContext(headers: Pick<Headers, 'get'>): TraceContext | undefined {
  const traceparent = headers.get('traceparent')
  if (traceparent === null || !isParent(traceparent) || addsTraceContext()) return undefined
  const tracestate = headers.get('tracestate')
  return tracestate !== null && isState(tracestate) ? { traceparent, tracestate } : { traceparent }
}

/** The id of the trace that a request belongs to, if it is valid. */
export function readTraceId(headers: Headers): string | undefined {
  const traceparent = headers.get('traceparent')
  return traceparent !== null && isParent(traceparent) ? traceparent.slice(3, 35) : undefined
}

function isParent(text: string): boolean {
  return VERSION_0.test(text) || LATER_VERSION.test(text)
}

function isState(text: string): boolean {
  const members = text.split(',').map((member) => member.trim())
  if (!STATE.test(text) || members.length > MOST_MEMBERS) return false
  // Empty members are allowed.
  return members.every((member) => member === '' || MEMBER.test(member))
}
