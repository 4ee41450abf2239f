import type { FetchHandler } from '../serving/serve.ts'

const CONTENT_SECURITY_POLICY = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
  "require-trusted-types-for 'script'",
].join('; ')

const HEADERS = {
  'content-security-policy': CONTENT_SECURITY_POLICY,
  'cache-control': 'no-store',
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
  // For browsers without frame-ancestors.
  'x-frame-options': 'DENY',
  'cross-origin-opener-policy': 'same-origin',
  'cross-origin-resource-policy': 'same-origin',
}

/**
 * Lets through what the page of this origin sends, and gives each response the headers of the console. A name that an attacker's DNS points at
 * this machine has another `Host`, and the page of another origin or port another `Origin`.
 */
export function guardOrigin(origin: string, next: FetchHandler): FetchHandler {
  const { host } = new URL(origin)
  return async (request) => {
    const response = findFault(request, host, origin) ?? (await next(request))
    const { body, status, statusText } = response
    const headers = new Headers(response.headers)
    for (const [name, value] of Object.entries(HEADERS)) headers.set(name, value)
    return new Response(body, { status, statusText, headers })
  }
}

function findFault({ method, headers }: Request, host: string, own: string): Response | undefined {
  if (headers.get('host') !== host) {
    return new Response(`This is the console of ${own}/. Open it at that address.\n`, {
      status: 421,
    })
  }
  const origin = headers.get('origin')
  // Browsers leave `Origin` out of a navigation, and of what a page gets from its own origin. Neither changes anything.
  const mayBeAbsent = method === 'GET' || method === 'HEAD'
  if (origin === own || (origin === null && mayBeAbsent)) return undefined
  return new Response(`Only the page of ${own}/ may do this.\n`, { status: 403 })
}
