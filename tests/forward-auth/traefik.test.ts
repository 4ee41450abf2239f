import { describe, expect, it } from 'vitest'
import { parse } from 'yaml'
import { createForwardAuth } from '../../src/forward-auth.ts'
import { GATEWAY_HEADERS } from '../../src/verifiers/upstream/signature.ts'
import { readText } from '../support/project.ts'
import { words } from '../support/words.ts'

/** Traefik is not in Debian: `tests/recorded` has its subrequests, and these are those that its documentation and source describe. */

const answer = createForwardAuth(
  {
    verifier: ({ token }) =>
      token === 'good' ? { outcome: 'allow', principal: 'alice' } : { outcome: 'deny' },
    public: ['/open'],
  },
  { for: 'traefik' },
)

/** With `trustForwardHeader: false` Traefik sets all of these itself. */
function ask(more: Readonly<Record<string, string>> = {}, url = 'http://127.0.0.1:8323/') {
  const headers = {
    accept: '*/*',
    authorization: 'Bearer good',
    'user-agent': 'curl/8',
    'x-forwarded-for': '203.0.113.7',
    'x-forwarded-host': 'shop.example:8080',
    'x-forwarded-method': 'POST',
    'x-forwarded-port': '8080',
    'x-forwarded-proto': 'http',
    'x-forwarded-server': 'edge',
    'x-forwarded-uri': '/v1/notes?a=1',
    'x-real-ip': '203.0.113.7',
    ...more,
  }
  return answer(new Request(url, { headers }))
}

describe('a subrequest of Traefik', () => {
  it('gets a 200 with every header that authResponseHeaders names', async () => {
    const response = await ask()
    expect(response.status).toBe(200)
    const { middlewares } = CONFIG.http
    const { authResponseHeaders } = middlewares['with-auth'].forwardAuth
    const { signature: _signature, ...identity } = GATEWAY_HEADERS
    expect(new Set(authResponseHeaders.map((name) => name.toLowerCase()))).toEqual(
      new Set(Object.values(identity)),
    )
    for (const name of authResponseHeaders) expect(response.headers.has(name)).toBe(true)
  })

  it('is decided about also for a WebSocket, whose scheme Traefik calls ws', async () => {
    expect((await ask({ 'x-forwarded-proto': 'wss', upgrade: 'websocket' })).status).toBe(200)
  })

  it('gets a body that Traefik passes on to the client', async () => {
    const response = await ask({ authorization: '' })
    expect(response.status).toBe(401)
    expect(response.headers.get('www-authenticate')).toBe('Bearer realm="api"')
    expect(await response.text()).toContain('missing_credentials')
  })

  it('with a client’s X-Original-URI is about the path of the request', async () => {
    const forged = { authorization: '', 'x-original-uri': '/open', 'x-original-method': 'OPTIONS' }
    expect((await ask(forged)).status).toBe(401)
    expect((await ask(forged, 'http://127.0.0.1:8323/open')).status).toBe(401)
  })

  it.each(['/a%2fb', '//a', '/a%5cb', '/a;/..;/b'])(
    'about %s, which sanitizePath may change before the app gets it, is a 400',
    async (target) => {
      expect((await ask({ 'x-forwarded-uri': target })).status).toBe(400)
    },
  )
})

interface TraefikConfig {
  readonly entryPoints: { readonly web: { readonly http: Readonly<Record<string, unknown>> } }
  readonly http: {
    readonly routers: { readonly app: { readonly middlewares: readonly string[] } }
    readonly middlewares: {
      readonly 'with-auth': {
        readonly forwardAuth: Readonly<Record<string, unknown>> & {
          readonly authResponseHeaders: readonly string[]
        }
      }
      readonly 'without-claims': {
        readonly headers: { readonly customRequestHeaders: Readonly<Record<string, string>> }
      }
    }
  }
}

const CONFIG = parse(readText('examples/forward-auth/traefik.yaml')) as TraefikConfig

it('examples/forward-auth/traefik.yaml trusts no header of a client, and asks first', () => {
  const { http, entryPoints } = CONFIG
  expect(http.routers.app.middlewares).toEqual(['with-auth', 'without-claims'])
  expect(http.middlewares['with-auth'].forwardAuth).toMatchObject({
    address: 'http://127.0.0.1:8323/',
    trustForwardHeader: false,
    maxResponseBodySize: 65_536,
  })
  // X.Auth.Principal too, which `underscoreHeadersStrategy` lets through.
  expect(entryPoints.web.http).toEqual({
    aliasHeadersStrategy: 'delete',
    sanitizePath: true,
    encodedCharacters: { allowEncodedSlash: false },
  })
})

it.each(
  words(`Authorization Forwarded X-Original-URI X-Original-URL X-Original-Method X-Rewrite-URL X-HTTP-Method
    X-HTTP-Method-Override X-Method-Override X-Auth-Signature X-Forwarded-User X-Forwarded-Email X-Forwarded-Groups`),
)('examples/forward-auth/traefik.yaml passes no %s of a client on', (name) => {
  const { customRequestHeaders } = CONFIG.http.middlewares['without-claims'].headers
  expect(customRequestHeaders[name]).toBe('')
})
