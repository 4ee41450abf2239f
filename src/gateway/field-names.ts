/** A field that is set. */
export type Field = readonly [name: string, value: string]

// RFC 9110 §7.6.1, and the challenges and credentials of the hop before this one (§11.7).
const HOP_BY_HOP: readonly string[] = [
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authentication-info',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]

const OF_REQUESTS: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // What `fetch` makes for the hop to the upstream.
  'accept-encoding',
  'content-length',
  'expect',
  'host',
  // What upstreams take for facts about the client or the hops on the way.
  'ali-cdn-real-ip',
  'cdn-src-ip',
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'cf-pseudo-ipv4',
  'cf-visitor',
  'client-ip',
  'do-connecting-ip',
  'fastly-client-ip',
  'fly-client-ip',
  'forwarded',
  'front-end-https',
  'incap-client-ip',
  'proxy-client-ip',
  'true-client-ip',
  'via',
  'x-azure-clientip',
  'x-azure-socketip',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-forwarded',
  'x-host',
  'x-nf-client-connection-ip',
  'x-originating-ip',
  'x-proxyuser-ip',
  'x-real-ip',
  'x-scheme',
  'x-true-client-ip',
  'x-url-scheme',
  'x-vercel-forwarded-for',
  // RFC 9440 §2.4: a server believes these two, so a proxy removes those of clients.
  'client-cert',
  'client-cert-chain',
  // What makes some upstreams read another path or method than the one that was decided about.
  'x-http-destinationurl',
  'x-http-host-override',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-override-url',
  'x-rewrite-url',
  // gunicorn cuts SCRIPT_NAME off the path when a proxy on its own machine sends it.
  'path-info',
  'script-name',
  'x-script-name',
  // Rack turns a response into an internal redirect by these two (CVE-2025-61780).
  'x-accel-mapping',
  'x-sendfile-type',
  // CGI makes HTTP_PROXY of it (CVE-2016-5385).
  'proxy',
])

const OF_RESPONSES: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // Where the upstream can be reached as well, past the gateway (RFC 7838).
  'alt-svc',
])

// Families of fields, by how they begin. `x-middleware-subrequest` made Next.js skip its authorization (CVE-2025-29927).
const FAMILIES =
  /^(?:fly-forwarded|remote|ssl-client|wl-proxy|x-(?:envoy|forwarded|middleware|original|remote|ssl-client))-/

// The members of a family that may carry the gateway's own identity headers, such as `Remote-User`.
const OF_THE_CALLER = /^(?:x-)?remote-(?!addr$|host$|ip$|port$)/

/** Whether a client's field, by its folded name, ends at the gateway. */
export function endsAtGateway(folded: string): boolean {
  return OF_REQUESTS.has(folded) || FAMILIES.test(folded)
}

/** Whether the gateway may set a field, by its folded name, to tell the upstream who the caller is. */
export function mayTellIdentity(folded: string): boolean {
  return !endsAtGateway(folded) || OF_THE_CALLER.test(folded)
}

/** Whether a field of the upstream's response ends at the gateway. */
export function isForGateway(name: string): boolean {
  return OF_RESPONSES.has(name)
}

/** The names in a `Connection` field: those fields are for this hop as well (RFC 9110 §7.6.1). */
export function namesInConnection(headers: Headers): ReadonlySet<string> {
  const names = headers.get('connection')?.split(',') ?? []
  return new Set(names.map((name) => name.trim().toLowerCase()))
}

/** Whether a body has another coding than chunks (RFC 9112 §6.1). Servers take away the chunks only: gzip would pass as plain content. */
export function hasUnknownCoding(headers: Headers): boolean {
  return !/^chunked$/i.test(headers.get('transfer-encoding') ?? 'chunked')
}
