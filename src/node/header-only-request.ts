import type { IncomingMessage } from 'node:http'

/** What is read of a request of Node's own server, over HTTP/1.1 or HTTP/2. */
export type NodeRequest = Pick<IncomingMessage, 'method' | 'url' | 'rawHeaders'>

// Nobody decides by it: a client may send any Host, and what it sent is among the headers.
const ORIGIN = 'http://localhost'
// No URL, and so no target that could have one meaning.
const REFUSED = ''

/**
 * Makes a Request of what Node's server read before the body. The stream is not touched: whoever handles the request
 * reads it as if nothing had happened.
 */
export function toHeaderOnlyRequest(incoming: NodeRequest): Request {
  const fields = copyFields(incoming.rawHeaders)
  const request = new Request(ORIGIN, { headers: fields ?? {} })
  // A URL parser would resolve `/public/../admin`, and Fetch refuses TRACE. Routers see both as they were sent.
  return Object.defineProperties(request, {
    url: { value: fields === undefined ? REFUSED : targetOf(incoming) },
    method: { value: incoming.method ?? '' },
  })
}

// Of `//h/admin` some handlers make the path `/admin`, by `new URL(target, base)`, and routers see `//h/admin`. So is it
// with a target that brings its own scheme.
function targetOf(incoming: NodeRequest): string {
  const target = originalUrlOf(incoming)
  return target.startsWith('/') && !target.startsWith('//') ? `${ORIGIN}${target}` : REFUSED
}

// Express cuts the path where a middleware is mounted from `url`, and keeps all of it here.
function originalUrlOf(incoming: NodeRequest): string {
  const original: unknown = Reflect.get(incoming, 'originalUrl')
  return typeof original === 'string' ? original : (incoming.url ?? '')
}

// All that were sent: in `incoming.headers` a second Authorization is left out. `undefined` for what Fetch does not take
// for fields, which a lenient parser may let through.
function copyFields(rawHeaders: readonly string[]): Headers | undefined {
  const fields = new Headers()
  try {
    rawHeaders.forEach((name, index) => {
      // Names and values take turns.
      if (index % 2 === 0) copyField(fields, name, rawHeaders[index + 1] ?? '')
    })
    return fields
  } catch {
    return undefined
  }
}

// HTTP/2 has `:path` and the like among the fields, and the host as `:authority` (RFC 9113 §8.3.1).
function copyField(fields: Headers, name: string, value: string): void {
  if (name === ':authority') fields.append('host', value)
  if (!name.startsWith(':')) fields.append(name, value)
}
