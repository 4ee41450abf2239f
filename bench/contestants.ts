/** A measured server. The keys of `CONTESTANTS` are those of the gates in `app/`. */
export interface Contestant {
  readonly name: string
  /** How often it asks the endpoint: never, once per cached token, or for each request. */
  readonly asks: 'never' | 'once' | 'always'
  /** It allows every request. */
  readonly isOpen?: true
  /** The server, if it is not a JavaScript runtime. */
  readonly server?: 'nginx' | 'caddy' | 'fastapi' | 'endpoint'
  /** The query of the endpoint's URL. */
  readonly query?: string
}

const open = { asks: 'never', isOpen: true } as const

export const CONTESTANTS = {
  bare: { name: 'the bare handler', ...open },
  'bare-hono': { name: 'Hono, open', ...open },
  map: { name: 'hand-written gate, a Map', asks: 'never' },
  'map-hono': { name: 'Hono, hand-written gate, a Map', asks: 'never' },
  'bearer-static': { name: 'Hono, bearerAuth, static token', asks: 'never' },
  kept: { name: '**withAuth**, cached', asks: 'once' },
  'kept-hono': { name: '**with-auth/hono**, cached', asks: 'once' },
  post: { name: 'hand-written gate, fetch', asks: 'always' },
  'post-http': { name: 'hand-written gate, node:http', asks: 'always' },
  'post-undici': { name: 'hand-written gate, undici', asks: 'always' },
  'post-hono': { name: 'Hono, hand-written gate, fetch', asks: 'always' },
  'post-hono-undici': { name: 'Hono, hand-written gate, undici', asks: 'always' },
  'bearer-verify': { name: 'Hono, bearerAuth, verifyToken', asks: 'always' },
  asked: { name: '**withAuth**, over fetch', asks: 'always' },
  'asked-hono': { name: '**with-auth/hono**, over fetch', asks: 'always' },
  transported: { name: '**withAuth**, nodeTransport', asks: 'always' },
  'transported-hono': { name: '**with-auth/hono**, nodeTransport', asks: 'always' },
  nginx: { name: 'nginx, open', server: 'nginx', ...open },
  'nginx-auth': { name: 'nginx, auth_request', server: 'nginx', asks: 'always' },
  'nginx-auth-empty': {
    name: 'nginx, auth_request, no body',
    server: 'nginx',
    asks: 'always',
    query: '?body=none',
  },
  'nginx-cache': { name: 'nginx, auth_request, proxy_cache', server: 'nginx', asks: 'once' },
  'nginx-cache-empty': {
    name: 'nginx, auth_request, proxy_cache, no body',
    server: 'nginx',
    asks: 'once',
    query: '?body=none',
  },
  caddy: { name: 'Caddy, open', server: 'caddy', ...open },
  'caddy-auth': { name: 'Caddy, forward_auth', server: 'caddy', asks: 'always' },
  fastapi: { name: 'FastAPI, open', server: 'fastapi', ...open },
  origin: { name: 'FastAPI, one httpx client a request', server: 'fastapi', asks: 'always' },
  endpoint: { name: 'the auth endpoint itself', server: 'endpoint', ...open },
} as const satisfies Record<string, Contestant>

export type ContestantId = keyof typeof CONTESTANTS
