// Creates the measured handlers for every runtime from the URL of the endpoint. gates-node.js has those for Node only.
import { Hono } from 'hono'
import { bearerAuth } from 'hono/bearer-auth'
import { memoryCache, withAuth } from 'with-auth'
import { auth } from 'with-auth/hono'
import { HOT_TOKEN, MANY_TOKENS } from './tokens.js'

export const answer = () => new Response('ok')
const refuse = () =>
  new Response('{"error":"unauthorized"}', {
    status: 401,
    headers: { 'content-type': 'application/json', 'www-authenticate': 'Bearer realm="api"' },
  })

/** Tells the endpoint only the token. Caches decisions for longer than a run. */
export const keeping = (endpoint) => ({
  endpoint,
  context: { headers: [], params: 'none', path: false },
  cache: memoryCache({ allowTtlMs: 3_600_000, maxEntries: 20_000 }),
})

function mapGate() {
  const known = new Set(MANY_TOKENS.map((token) => `Bearer ${token}`))
  return (request) => (known.has(request.headers.get('authorization')) ? answer() : refuse())
}

/** A hand-written gate. It sends the JSON of the contract and allows on 200. */
export function postGate(post) {
  return async (request) => {
    const token = readToken(request)
    if (token === undefined) return refuse()
    const status = await post(JSON.stringify(questionOf(request, token)))
    return status === 200 ? answer() : refuse()
  }
}

function readToken(request) {
  const header = request.headers.get('authorization')
  return header?.startsWith('Bearer ') ? header.slice(7) : undefined
}

function questionOf(request, token) {
  const url = new URL(request.url)
  return {
    api_key: token,
    request: {
      path: url.pathname,
      headers: Object.fromEntries(request.headers),
      params: Object.fromEntries(url.searchParams),
    },
  }
}

export function postByFetch(endpoint) {
  return async (body) => {
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(endpoint, { method: 'POST', headers, body })
    await response.text()
    return response.status
  }
}

export function honoApp(...guards) {
  const app = new Hono()
  for (const guard of guards) app.use(guard)
  app.get('/v1/models', answer)
  return (request, env) => app.fetch(request, env)
}

// A hand-written gate that passes the identity to the handler.
function honoMap() {
  const known = new Map(MANY_TOKENS.map((token) => [`Bearer ${token}`, { principal: 'ada' }]))
  return async (c, next) => {
    const caller = known.get(c.req.header('authorization'))
    if (caller === undefined) return refuse()
    c.set('auth', caller)
    await next()
  }
}

export function honoPost(post) {
  return async (c, next) => {
    const token = readToken(c.req.raw)
    if (token === undefined) return refuse()
    const status = await post(JSON.stringify(questionOf(c.req.raw, token)))
    return status === 200 ? next() : refuse()
  }
}

function honoVerify(endpoint) {
  const post = postByFetch(endpoint)
  return bearerAuth({
    verifyToken: async (token, c) =>
      (await post(JSON.stringify(questionOf(c.req.raw, token)))) === 200,
  })
}

export const GATES = {
  bare: () => answer,
  'bare-hono': () => honoApp(),
  map: () => mapGate(),
  'map-hono': () => honoApp(honoMap()),
  post: (endpoint) => postGate(postByFetch(endpoint)),
  'post-hono': (endpoint) => honoApp(honoPost(postByFetch(endpoint))),
  'bearer-static': () => honoApp(bearerAuth({ token: HOT_TOKEN })),
  'bearer-verify': (endpoint) => honoApp(honoVerify(endpoint)),
  kept: (endpoint) => withAuth(answer, keeping(endpoint)),
  // Expires during a run.
  expiring: (endpoint) =>
    withAuth(answer, { ...keeping(endpoint), cache: memoryCache({ allowTtlMs: 500 }) }),
  'kept-hono': (endpoint) => honoApp(auth(keeping(endpoint))),
  asked: (endpoint) => withAuth(answer, { endpoint }),
  'asked-hono': (endpoint) => honoApp(auth({ endpoint })),
}
