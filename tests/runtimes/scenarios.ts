import type { Runtime } from './runtimes.ts'
import type { HttpRequest } from './support/http.ts'

/** One request, and everything that must come of it on every runtime. */
export interface Scenario {
  /** Completes "it ...". */
  readonly name: string
  readonly request: HttpRequest
  /** How the auth endpoint is; `running` if left out. */
  readonly endpoint?: EndpointState
  /** Only for guards with the options of `servers/handler.js`. */
  readonly needsOptions?: true
  readonly expected: Expected
  /** What is expected instead where the server makes another Request of the same bytes. */
  readonly deviations?: Partial<Record<Runtime['server'], Expected>>
}

/** `stopped`: nobody listens there any more. `absent`: AUTH_ENDPOINT is not set. */
export type EndpointState = 'running' | 'stopped' | 'absent'

export interface Expected {
  readonly status: number
  /** Fields that are sent exactly once, with this value, or (`undefined`) not at all. */
  readonly fields: Readonly<Record<string, string | undefined>>
  readonly body: string
  /** Whether the handler runs. */
  readonly handled: boolean
  /** What the endpoint is asked, if it is, less the headers that come with every scenario. */
  readonly asked?: Asked
}

export interface Asked {
  readonly api_key: string
  readonly request: {
    readonly path: string
    readonly params: object
    readonly headers: Readonly<Record<string, string>>
  }
}

const CHALLENGE = 'Bearer realm="api"'
const INVALID_TOKEN = `${CHALLENGE}, error="invalid_token"`

const missing = unauthorized('missing_credentials', 'Missing or invalid Authorization header')
const malformedTarget = refusal(400, 'Malformed request target', {
  type: 'invalid_request_error',
  code: 'malformed_request',
})
const notConfigured = refusal(500, 'Authentication is not configured', {
  type: 'api_error',
  code: 'not_configured',
})
const denied = unauthorized('denied', 'Authentication failed', INVALID_TOKEN)
const unreachable = unauthorized('unreachable', 'Authentication service error')
const timeout = unauthorized('timeout', 'Authentication service error')
const ALICE = { principal: 'alice', attributes: { roles: ['admin'] } }

export const SCENARIOS: readonly Scenario[] = [
  {
    name: 'refuses a request without credentials and asks nobody',
    request: { target: '/chats' },
    expected: missing,
  },
  {
    name: 'answers HEAD without credentials with the same head and no body',
    request: { method: 'HEAD', target: '/chats' },
    expected: { ...missing, body: '' },
  },
  {
    name: 'refuses a token that the endpoint denies',
    request: { target: '/chats', headers: bearer('wrong') },
    expected: { ...denied, asked: question('wrong') },
  },
  {
    name: 'calls the handler with the identity that the endpoint gave',
    request: { target: '/chats', headers: bearer('good') },
    expected: { ...handled(ALICE), asked: question('good') },
  },
  {
    name: 'tells the endpoint path, parameters and headers, less the cookie',
    request: {
      method: 'DELETE',
      target: '/%63hats/a%2Fb?page=1&tag=x&tag=y&__proto__=z&empty=',
      headers: {
        ...bearer('good'),
        'X-Team': 'red',
        Cookie: 'session=secret',
        'Proxy-Authorization': 'Basic secret',
      },
    },
    expected: {
      ...handled(ALICE),
      asked: question('good', {
        path: '/chats/a%2Fb',
        params: JSON.parse('{"page":"1","tag":["x","y"],"__proto__":"z","empty":""}') as object,
        headers: { authorization: 'Bearer good', 'x-team': 'red' },
      }),
    },
  },
  {
    name: 'does not follow the endpoint to another page that answers 200',
    request: { target: '/chats', headers: bearer('redirect') },
    expected: { ...denied, asked: question('redirect') },
  },
  {
    name: 'gives up an endpoint that does not answer',
    request: { target: '/chats', headers: bearer('hang') },
    needsOptions: true,
    expected: { ...timeout, asked: question('hang') },
  },
  {
    name: 'refuses everybody when the endpoint is down',
    request: { target: '/chats', headers: bearer('good') },
    endpoint: 'stopped',
    expected: unreachable,
  },
  {
    name: 'refuses everybody when no endpoint is configured',
    request: { target: '/chats', headers: bearer('good') },
    endpoint: 'absent',
    expected: notConfigured,
  },
  {
    name: 'calls the handler for a public path without credentials',
    request: { target: '/public/logo' },
    needsOptions: true,
    expected: handled({}),
  },
  {
    name: 'does not take what climbs out of a public path for public',
    request: { target: '/public/../admin' },
    needsOptions: true,
    // The others resolve the path before anybody sees it: it is that of `/admin`.
    expected: missing,
    deviations: { deno: malformedTarget, workerd: malformedTarget },
  },
]

function bearer(token: string): Record<string, string> {
  return { Authorization: `Bearer ${token}` }
}

function question(token: string, told: Partial<Asked['request']> = {}): Asked {
  const headers = { authorization: `Bearer ${token}` }
  return { api_key: token, request: { path: '/chats', params: {}, headers, ...told } }
}

function handled(auth: object): Expected {
  const body = JSON.stringify({ handler: 'HANDLER', ...auth })
  return { status: 200, fields: { 'www-authenticate': undefined }, body, handled: true }
}

function unauthorized(code: string, message: string, challenge = CHALLENGE): Expected {
  return refusal(401, message, { type: 'authentication_error', code }, challenge)
}

function refusal(
  status: number,
  message: string,
  reason: { type: string; code: string },
  challenge?: string,
): Expected {
  return {
    status,
    fields: {
      'content-type': 'application/json',
      'cache-control': 'no-store',
      'www-authenticate': challenge,
    },
    body: JSON.stringify({ error: { message, ...reason } }),
    handled: false,
  }
}
