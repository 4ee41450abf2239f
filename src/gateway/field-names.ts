/** A header field: its name and its value. */
export type Field = readonly [name: string, value: string]

// RFC 9110 §7.6.1, and the fields of proxy authentication (§11.7).
const HOP_BY_HOP: ReadonlySet<string> = new Set(
  words(`
    connection http2-settings keep-alive proxy-authenticate proxy-authentication-info proxy-authorization proxy-connection te
    trailer transfer-encoding upgrade`),
)

// `fetch` sets these for the connection to the upstream.
const SET_BY_FETCH = words('accept-encoding content-length expect host')

// Upstreams believe these about the client or the hops on the way. RFC 9440 §2.4: a proxy must remove `Client-Cert`.
const ABOUT_THE_CLIENT = words(`
  ali-cdn-real-ip cdn-src-ip cf-connecting-ip cf-connecting-ipv6 cf-pseudo-ipv4 cf-visitor client-cert client-cert-chain
  client-ip do-connecting-ip fastly-client-ip fly-client-ip forwarded front-end-https incap-client-ip proxy-client-ip
  true-client-ip via x-azure-clientip x-azure-socketip x-client-ip x-cluster-client-ip x-forwarded x-host
  x-nf-client-connection-ip x-originating-ip x-proxyuser-ip x-real-ip x-scheme x-true-client-ip x-url-scheme
  x-vercel-forwarded-for`)

// Some upstreams take the path or the method from these, and the decision was about another. gunicorn cuts SCRIPT_NAME off the
// path. With the last two Rack turns a response into an internal redirect (CVE-2025-61780).
const ABOUT_THE_TARGET = words(`
  x-http-destinationurl x-http-host-override x-http-method x-http-method-override x-method-override x-override-url
  x-rewrite-url path-info script-name x-script-name x-accel-mapping x-sendfile-type`)

const REMOVED_FROM_REQUESTS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  ...SET_BY_FETCH,
  ...ABOUT_THE_CLIENT,
  ...ABOUT_THE_TARGET,
  // CGI turns it into HTTP_PROXY (CVE-2016-5385).
  'proxy',
])

// `Alt-Svc` would lead clients past the gateway (RFC 7838).
const REMOVED_FROM_RESPONSES: ReadonlySet<string> = new Set([...HOP_BY_HOP, 'alt-svc'])

// Prefixes of names. For example `x-middleware-subrequest` made Next.js skip authorization (CVE-2025-29927).
const REMOVED_PREFIXES =
  /^(?:fly-forwarded|remote|ssl-client|wl-proxy|x-(?:envoy|forwarded|middleware|original|remote|ssl-client))-/

// Names with these prefixes in which the gateway itself may send the identity, such as `Remote-User`.
const IDENTITY_NAME = /^(?:x-)?remote-(?!(?:addr|host|ip|port)$)/

/** Whether the gateway removes a client's field with this folded name. */
export function isRemovedFromRequest(folded: string): boolean {
  return REMOVED_FROM_REQUESTS.has(folded) || REMOVED_PREFIXES.test(folded)
}

/** Whether a field with this folded name is for one connection (RFC 9110 §7.6.1). */
export function isHopByHop(folded: string): boolean {
  return HOP_BY_HOP.has(folded)
}

/** Whether an identity header may have this folded name. */
export function mayCarryIdentity(folded: string): boolean {
  return !isRemovedFromRequest(folded) || IDENTITY_NAME.test(folded)
}

/** Whether the gateway removes a field from the upstream's response. */
export function isRemovedFromResponse(name: string): boolean {
  return REMOVED_FROM_RESPONSES.has(name)
}

/** The names in `Connection`: those fields are for this hop too (RFC 9110 §7.6.1). */
export function namesInConnection(connection: string | null): ReadonlySet<string> {
  const names = connection?.split(',') ?? []
  return new Set(names.map((name) => name.trim().toLowerCase()))
}

/**
 * Whether a body has a transfer coding other than chunked (RFC 9112 §6.1). Servers decode only the chunks, so the gateway would
 * forward gzip as plain content.
 */
export function hasUnknownCoding(coding: string | null): boolean {
  return coding !== null && !/^chunked$/i.test(coding)
}

/** Whether an `Upgrade` field names WebSockets. RFC 9110 §7.8: it may list several protocols, with versions. */
export function namesWebSocket(upgrade: string | null): boolean {
  return /(?:^|[\s,])websocket(?:$|[\s,/])/i.test(upgrade ?? '')
}

/** The fields of a request in the order of sending: the gateway's own, then those of the client. */
export function inOrder(headers: Headers, own: readonly string[]): [name: string, value: string][] {
  const fields = [...headers]
  const isOwn = ([name]: Field): boolean => own.includes(name)
  return [...fields.filter(isOwn), ...fields.filter((field) => !isOwn(field))]
}

/** The fields in a list of Node, where names and values alternate. */
export function fieldsOf(rawHeaders: readonly string[]): [name: string, value: string][] {
  const fields: [string, string][] = []
  for (let at = 0; at < rawHeaders.length; at += 2) {
    fields.push([(rawHeaders[at] ?? '').toLowerCase(), rawHeaders[at + 1] ?? ''])
  }
  return fields
}

/** The value of a field that may stand in several lines (RFC 9110 §5.3), or `null`. */
export function valueOf(fields: Iterable<Field>, wanted: string): string | null {
  let found: string | null = null
  for (const [name, value] of fields) {
    if (name === wanted) found = found === null ? value : `${found}, ${value}`
  }
  return found
}

function words(text: string): readonly string[] {
  return text.trim().split(/\s+/)
}
