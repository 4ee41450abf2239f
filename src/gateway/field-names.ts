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
  'cf-connecting-ip',
  'cf-connecting-ipv6',
  'client-ip',
  'fastly-client-ip',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-forwarded-for',
  'x-original-host',
  'x-real-ip',
  // What makes some upstreams read another path or method than the one that was decided about.
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-uri',
  'x-original-url',
  'x-rewrite-url',
  // CGI makes HTTP_PROXY of it (CVE-2016-5385).
  'proxy',
])

const OF_RESPONSES: ReadonlySet<string> = new Set([
  ...HOP_BY_HOP,
  // Where the upstream can be reached as well, past the gateway (RFC 7838).
  'alt-svc',
])

/**
 * One spelling of a field name for all that servers take for the same: CGI and its heirs make `_` of `-`, and some of `.` and
 * others too.
 */
export function foldName(name: string): string {
  return name.toLowerCase().replace(/[^a-z\d]/g, '-')
}

/** Whether a client's field, by its folded name, ends at the gateway. */
export function endsAtGateway(folded: string): boolean {
  return OF_REQUESTS.has(folded) || folded.startsWith('x-forwarded-')
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
