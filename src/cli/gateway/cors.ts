import { wrongValue } from '../errors.ts'

type Front = (request: Request) => Promise<Response>

/** The headers that a client in a browser may read: the challenge of a 401, the session of an MCP server, and how long to wait. */
const EXPOSED = 'WWW-Authenticate, Mcp-Session-Id, Mcp-Protocol-Version, Retry-After, X-Request-Id'
const METHODS = 'GET, HEAD, POST, PUT, PATCH, DELETE'
const NAMES = /^[\w!#$%&'*+.^`|~, -]{1,1024}$/

/** Reads an origin exactly as browsers send it, so that comparing texts is enough. */
export function readOrigin(text: string): string {
  const isOrigin = /^https?:\/\//.test(text) && URL.canParse(text) && new URL(text).origin === text
  if (isOrigin) return text
  const allowed = 'an origin as browsers send it, such as https://app.example.com, without a path'
  throw wrongValue('--cors-origin', text, allowed)
}

/**
 * Lets pages of these origins read the responses (Fetch standard, §3.3). Answers their preflights, which carry no key. A response
 * in which the upstream names an origin stays as it is, since browsers refuse two. The gateway itself never allows cookies.
 */
export function allowOrigins(origins: readonly string[], front: Front): Front {
  if (origins.length === 0) return front
  return async (request) => {
    const given = request.headers.get('origin')
    const origin = origins.find((one) => one === given)
    if (origin !== undefined && isPreflight(request)) return answerPreflight(origin, request)
    const response = await front(request)
    // The head of a WebSocket: browsers do not compare origins there.
    if (response.status === 101) return response
    const { headers } = response
    if (headers.has('access-control-allow-origin')) return response
    headers.append('vary', 'Origin')
    if (origin === undefined) return response
    headers.set('access-control-allow-origin', origin)
    // Of an upstream that names no origin: Starlette sends it also to one that it refuses.
    headers.delete('access-control-allow-credentials')
    if (!headers.has('access-control-expose-headers'))
      headers.set('access-control-expose-headers', EXPOSED)
    return response
  }
}

function isPreflight({ method, headers }: Request): boolean {
  return method === 'OPTIONS' && headers.has('access-control-request-method')
}

function answerPreflight(origin: string, { headers: asked }: Request): Response {
  const headers = new Headers({
    'access-control-allow-origin': origin,
    'access-control-allow-methods': METHODS,
    'access-control-max-age': '3600',
    vary: 'Origin',
  })
  // `*` would not cover `Authorization`.
  const names = asked.get('access-control-request-headers') ?? ''
  if (NAMES.test(names)) headers.set('access-control-allow-headers', names)
  return new Response(null, { status: 204, headers })
}
