import type { IncomingMessage } from 'node:http'

/** The parts of a request of Node's own server that are read, over HTTP/1.1 or HTTP/2. */
export type NodeRequest = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>

// No decision depends on the origin. The client's `Host` is among the headers.
const ORIGIN = 'http://localhost'
// Not a URL, so the request is rejected as malformed.
const REJECTED = ''

/**
 * Creates a Request with the method, target and headers of a request of Node's server. The body stays unread for the handler.
 *
 * @param origin Comes before the target. With `''` the request is rejected as malformed.
 */
export function toHeaderOnlyRequest(incoming: NodeRequest, origin: string = ORIGIN): Request {
  const fields = copyFields(incoming.rawHeaders)
  const request = new Request(ORIGIN, { headers: fields ?? {} })
  // A URL parser would resolve `/public/../admin`, and Fetch rejects TRACE. Routers see both as they were sent.
  return Object.defineProperties(request, {
    url: { value: fields === undefined ? REJECTED : targetOf(incoming, origin) },
    method: { value: incoming.method ?? '' },
  })
}

// Some handlers read the path of `//h/admin` with `new URL(target, base)` and get `/admin`, while routers see `//h/admin`. The
// same is true of a target with a scheme.
function targetOf(incoming: NodeRequest, origin: string): string {
  const target = originalUrlOf(incoming)
  return target.startsWith('/') && !target.startsWith('//') ? `${origin}${target}` : REJECTED
}

// Express removes the path of a mounted middleware from `url`, and keeps the whole in `originalUrl`.
function originalUrlOf(incoming: NodeRequest): string {
  const original: unknown = Reflect.get(incoming, 'originalUrl')
  return typeof original === 'string' ? original : (incoming.url ?? '')
}

// Copies every header, since `incoming.headers` lacks a second Authorization. Returns `undefined` for headers that a lenient
// parser accepts and Fetch does not.
function copyFields(rawHeaders: readonly string[]): Headers | undefined {
  const fields = new Headers()
  try {
    rawHeaders.forEach((name, index) => {
      // Names and values alternate.
      if (index % 2 === 0) copyField(fields, name, rawHeaders[index + 1] ?? '')
    })
    return fields
  } catch {
    return undefined
  }
}

// HTTP/2 has pseudo-fields such as `:path`, and the host in `:authority` (RFC 9113 §8.3.1).
function copyField(fields: Headers, name: string, value: string): void {
  if (name === ':authority') fields.append('host', value)
  if (!name.startsWith(':')) fields.append(name, value)
}
