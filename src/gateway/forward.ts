import { admissionOf } from '../core/response/admission.ts'
import { parseTarget } from '../core/request/target.ts'
import { fieldsOf, hasUnknownCoding, namesWebSocket } from './field-names.ts'
import { createFacts, hasTooManyFields, incomingOf, readBody } from './incoming.ts'
import { passageOf } from './passage.ts'
import { mayPass } from './refusal.ts'
import { identityFields, identityValues } from './identity-headers.ts'
import { createCopyHeaders, secretSourcesOf } from './request-headers.ts'
import { locate } from './upstream-url.ts'
import { GATEWAY_HEADERS } from '../verifiers/upstream/signature.ts'
import type { Forwarding, UpstreamRequest } from './exchange.ts'
import type { Field } from './field-names.ts'
import type { Incoming } from './incoming.ts'
import type { ResolvedGateway } from './options.ts'
import type { GatewayFailureCode } from './refusal.ts'
import type { SecretSource } from '../core/response/admission.ts'

/**
 * Turns a client's request into one for the upstream, or says why the gateway rejects it. Never throws. For `final_recipient` the
 * request asks about this gateway, and not about the upstream. With `direct` the fields are those of Node's request, and the body
 * stays there.
 */
type Forward = (
  request: Request,
  args: readonly unknown[],
  direct?: Incoming,
) => Forwarding | GatewayFailureCode | 'final_recipient'

/** The options that decide what is sent. */
type ForwardOptions = Omit<ResolvedGateway, 'timeoutMs' | 'onFailure' | 'sign'>

export function createForward(gateway: ForwardOptions): Forward {
  const followHops = createHops()
  const copyHeaders = createCopyHeaders(gateway)
  const factsOf = createFacts(gateway)

  const plan: Forward = (request, args, direct) => {
    const entry = admissionOf(request)
    if (entry === undefined) return 'not_configured'
    const { method } = request
    const target = parseTarget(request.url)
    const url = target && locate(gateway.upstream, target)
    const facts = factsOf(request, args)
    if (target === undefined || url === undefined || facts === undefined) return 'malformed_request'
    if (!mayPass(method)) return 'method_not_allowed'
    const incoming = direct ?? incomingOf(request, args)
    if (hasTooManyFields(request, incoming)) return 'too_many_headers'
    if (hasUnknownCoding(request.headers.get('transfer-encoding'))) {
      return 'transfer_coding_not_supported'
    }
    const passage = passageOf(request)
    const isUpgrade = namesWebSocket(request.headers.get('upgrade'))
    if (isUpgrade && passage?.offer === undefined) return 'upgrade_not_supported'
    const secretSources = secretSourcesOf(entry)
    if (isUpgrade && !isFromOwnPage(request, secretSources, gateway.publicOrigin)) {
      return 'origin_not_allowed'
    }
    const hopsLeft = method === 'OPTIONS' ? readMaxForwards(request.headers) : undefined
    if (hopsLeft === 0) return 'final_recipient'
    const via = followHops(request.headers.get('via'))
    if (via === undefined) return 'loop_detected'
    const { auth } = entry.admission
    const values = auth && identityValues(auth, gateway.identityHeaders, gateway.encoding)
    if (auth !== undefined && values === undefined) return 'identity_not_forwardable'
    const identity = values === undefined ? [] : identityFields(values, gateway.identityHeaders)
    const body =
      direct === undefined
        ? bodyOf(request, gateway.upstreamFetch.sendsAnyBody ? incoming : undefined)
        : null
    if (body === undefined) return 'body_not_allowed'
    const hasDirectBody = direct !== undefined && !isBodiless(request.headers, true)
    const length = body === null && !hasDirectBody ? [] : lengthOf(request.headers)
    const fields = direct === undefined ? request.headers : fieldsOf(direct.rawHeaders)
    const copied = copyHeaders(fields, secretSources, passage?.sentId)
    if (method === 'OPTIONS') copied.delete('max-forwards')
    const hops = hopsLeft === undefined ? [] : ([['max-forwards', `${hopsLeft - 1}`]] as const)
    // The gateway would have to decode a compressed response.
    const always = [
      ['via', via],
      ['accept-encoding', 'identity'],
    ] as const
    const own = [...length, ...hops, ...always, ...facts, ...identity]
    const init = {
      method,
      ...headersOf(own, copied),
      body,
      duplex: 'half',
      redirect: 'manual',
    } as const
    const forwarding = { url, init, mayBeEmpty: mayBeEmpty(request), hasDirectBody }
    if (values === undefined) return forwarding
    const path = gateway.upstream.basePath + target.path
    return { ...forwarding, statement: { method, path, ...values } }
  }

  return (request, args, direct) => {
    try {
      return plan(request, args, direct)
    } catch {
      // A Request that is none of the runtime may fail when it is read.
      return 'malformed_request'
    }
  }
}

/** Puts the gateway's own fields before those of the client, which can neither add to them nor remove them with `Connection`. */
function headersOf(
  own: readonly Field[],
  copied: ReadonlyMap<string, string>,
): Pick<Forwarding['init'], 'headers' | 'ownHeaders'> {
  const headers = new Map(own)
  for (const [name, value] of copied) if (!headers.has(name)) headers.set(name, value)
  // The signature is added later.
  return { headers, ownHeaders: [...own.map(([name]) => name), GATEWAY_HEADERS.signature] }
}

// Any website can make a browser open a WebSocket with the cookies of the user (RFC 6455 §10.2). Programs that send the token
// elsewhere need no `Origin`.
function isFromOwnPage(
  { headers, url }: Request,
  sources: readonly SecretSource[],
  publicOrigin: URL | undefined,
): boolean {
  const cookie = headers.get('cookie') ?? ''
  const holdsToken = (source: SecretSource): boolean =>
    typeof source === 'object' && 'cookie' in source && cookie.includes(source.cookie)
  if (!sources.some(holdsToken)) return true
  return headers.get('origin') === (publicOrigin ?? new URL(url)).origin
}

// More hops than any chain of proxies has.
const MOST_FORWARDS = 255

// RFC 9110 §7.6.2. Only a number can be counted down, so no other value is sent.
function readMaxForwards(headers: Headers): number | undefined {
  const value = headers.get('max-forwards')
  if (value === null || !/^\d{1,64}$/.test(value)) return undefined
  return Math.min(Number(value), MOST_FORWARDS)
}

/** `undefined` for a GET or HEAD whose body cannot be sent. Fetch allows none, since it has no meaning (RFC 9110 §9.3.1). */
function bodyOf(
  { method, headers, body }: Request,
  incoming: Incoming | undefined,
): UpstreamRequest['body'] | undefined {
  const needsLength = method === 'GET' || method === 'HEAD'
  if (isBodiless(headers, needsLength)) return null
  return needsLength ? readBody(incoming) : body
}

/** Whether there is no body. A request of HTTP/1 needs a length or chunks for one (RFC 9112 §6.3), one of HTTP/2 does not. */
function isBodiless(headers: Headers, needsLength: boolean): boolean {
  const length = headers.get('content-length') ?? (needsLength ? '0' : null)
  return length === '0' && !headers.has('transfer-encoding')
}

// RFC 9112 §6.3. Node's servers give a body to every request but GET and HEAD, and HTTP/2 bodies need no length.
function mayBeEmpty({ headers }: Request): boolean {
  return !headers.has('content-length') && !headers.has('transfer-encoding')
}

// Many small servers cannot read chunks, so a known length is sent. Chunks override `Content-Length` (RFC 9112 §6.3).
function lengthOf(headers: Headers): readonly Field[] {
  const length = headers.get('content-length')
  if (length === null || headers.has('transfer-encoding')) return []
  return /^\d{1,15}$/.test(length) ? [['content-length', length]] : []
}

/** Returns the `Via` of a request with this gateway added, or `undefined` for a request that loops. */
type FollowHops = (via: string | null) => string | undefined

// A loop can run through several processes behind one address, each with its own name.
const MAX_HOPS = 8
const OWN_HOPS = /(?<=^|[\s,])with-auth-[a-z\d]{1,12}(?=$|[\s,])/g

/** Names this gateway in `Via` (RFC 9110 §7.6.3). Of a client's `Via` only hops with such a name are kept. */
export function createHops(random: () => number = Math.random): FollowHops {
  let own: string | undefined
  return (via) => {
    // Workers provide random numbers only during a request.
    own ??= `with-auth-${random().toString(36).slice(2, 12)}`
    const hops: readonly string[] = via?.match(OWN_HOPS) ?? []
    if (hops.includes(own) || hops.length >= MAX_HOPS) return undefined
    return [...hops, own].map((hop) => `1.1 ${hop}`).join(', ')
  }
}
