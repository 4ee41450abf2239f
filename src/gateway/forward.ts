import { admissionOf } from '../core/response/admission.ts'
import { passageOf } from '../core/response/passage.ts'
import { parseTarget } from '../core/request/target.ts'
import { hasUnknownCoding } from './field-names.ts'
import { createCopyHeaders, createFacts, identityFields } from './request-headers.ts'
import { locate } from './upstream-url.ts'
import type { Admission } from '../core/response/admission.ts'
import type { Forwarding, UpstreamRequest } from './exchange.ts'
import type { Field } from './field-names.ts'
import type { ResolvedGateway } from './options.ts'
import type { GatewayFailureCode } from './refusal.ts'

/** Says what a request becomes, or why it is not passed on. Never throws. */
export type Forward = (
  request: Request,
  args: readonly unknown[],
) => Forwarding | GatewayFailureCode

/** The options that decide what is sent. */
export type ForwardOptions = Omit<ResolvedGateway, 'timeoutMs' | 'upstreamFetch' | 'onFailure'>

// CONNECT asks for a tunnel, and TRACE would give back what only the upstream may see (RFC 9110 §9.3.8). Methods are
// case-sensitive, but `fetch` makes GET of `get`: the guard decided about something else.
const METHOD = /^(?!(?:CONNECT|TRACE|TRACK)$)[A-Z][A-Z\d_-]*$/

// A compressed answer would have to be unpacked here.
const FIXED: readonly Field[] = [['accept-encoding', 'identity']]

/** Makes the function that turns requests into those for the upstream. */
export function createForward(gateway: ForwardOptions): Forward {
  const hops = createHops()
  const copyHeaders = createCopyHeaders(gateway)
  const factsOf = createFacts(gateway)

  function plan(request: Request, args: readonly unknown[]): Forwarding | GatewayFailureCode {
    const admission = admissionOf(request)
    // Without a guard before it the gateway serves nobody.
    if (admission === undefined) return 'not_configured'
    const target = parseTarget(request.url)
    const url = target && locate(gateway.upstream, target)
    const facts = factsOf(request, args)
    if (url === undefined || facts === undefined) return 'malformed_request'
    if (!METHOD.test(request.method)) return 'method_not_allowed'
    if (hasUnknownCoding(request.headers)) return 'transfer_coding_not_supported'
    if (asksForWebSocket(request.headers)) return 'upgrade_not_supported'
    const via = hops.follow(request.headers.get('via'))
    if (via === undefined) return 'loop_detected'
    const identity = identityOf(admission)
    if (identity === undefined) return 'identity_not_forwardable'
    const { method } = request
    const body = bodyOf(request)
    const length = body === null ? [] : lengthOf(request.headers)
    // First what the client sent, less what it may not say; then what is set: so it can neither add to that, nor have it
    // taken away again by `Connection`.
    const { sentId } = passageOf(request) ?? {}
    const headers = copyHeaders(request.headers, admission.credentials, sentId)
    headers.set('via', via)
    for (const [name, value] of [...FIXED, ...length, ...facts, ...identity]) {
      headers.set(name, value)
    }
    const init = { method, headers, body, duplex: 'half', redirect: 'manual' } as const
    return { url, init, mayBeEmpty: mayBeEmpty(request) }
  }

  function identityOf(admission: Admission): readonly Field[] | undefined {
    return admission.auth === undefined
      ? []
      : identityFields(admission.auth, gateway.identityHeaders)
  }

  return (request, args) => {
    try {
      return plan(request, args)
    } catch {
      // A field that this runtime let in, and does not let out.
      return 'malformed_request'
    }
  }
}

// RFC 9110 §7.8 lets a server ignore the wish: Java's client asks for `h2c` with every first request.
function asksForWebSocket(headers: Headers): boolean {
  return /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(headers.get('upgrade') ?? '')
}

// Fetch has none for these two, and a body of theirs means nothing (RFC 9110 §9.3.1).
function bodyOf({ method, headers, body }: Request): UpstreamRequest['body'] {
  if (method === 'GET' || method === 'HEAD') return null
  const isEmpty = headers.get('content-length') === '0' && !headers.has('transfer-encoding')
  return isEmpty ? null : body
}

// RFC 9112 §6.3. Servers on Node give every request of these methods a body, and HTTP/2 needs no length for one.
function mayBeEmpty({ headers }: Request): boolean {
  return !headers.has('content-length') && !headers.has('transfer-encoding')
}

// Many small servers cannot read chunks. What came in chunks has no length, whatever it says (RFC 9112 §6.3).
function lengthOf(headers: Headers): readonly Field[] {
  const length = headers.get('content-length')
  if (length === null || headers.has('transfer-encoding')) return []
  return /^\d{1,15}$/.test(length) ? [['content-length', length]] : []
}

/** The path of a request from gateway to gateway, so that none passes it on for ever. */
export interface Hops {
  /** The value of `Via` with this gateway's hop, or `undefined` for a request that goes in circles. */
  readonly follow: (via: string | null) => string | undefined
}

// Several processes behind one address are several gateways: a circle through them is cut as well.
const MAX_HOPS = 8
const OWN_HOPS = /(?<=^|[\s,])with-auth-[a-z\d]{1,12}(?=$|[\s,])/g

/**
 * Makes the gateway's name in `Via` (RFC 9110 §7.6.3), and finds out whether a request has been here. Of what a client
 * sends the hops of gateways of this kind are kept, and nothing else.
 */
export function createHops(random: () => number = Math.random): Hops {
  let own: string | undefined
  return {
    follow: (via) => {
      // Not before the first request: Workers give no random number at the top level.
      own ??= `with-auth-${random().toString(36).slice(2, 12)}`
      const hops: readonly string[] = via?.match(OWN_HOPS) ?? []
      if (hops.includes(own) || hops.length >= MAX_HOPS) return undefined
      return [...hops, own].map((hop) => `1.1 ${hop}`).join(', ')
    },
  }
}
