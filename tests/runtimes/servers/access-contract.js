// Routes with checks, of withAuth and of Hono. A token names the caller's scopes, with dots between them.
import { Hono } from 'hono'
import { withAuth } from 'with-auth'
import { checkAccess, withAccess } from 'with-auth/access'
import { access, auth } from 'with-auth/hono'
import { protectedResource } from 'with-auth/mcp'

const config = {
  verifier: ({ token }) => ({
    outcome: 'allow',
    scopes: token.split('.'),
    attributes: { roles: token.split('.') },
  }),
  resource: protectedResource({
    identifier: 'https://mcp.example.com/mcp',
    authorizationServers: ['https://login.example.com'],
  }),
}
const write = { scopes: ['read', 'write'] }
const copied = async (c, next) => {
  c.req.raw = new Request(c.req.raw.url, c.req.raw)
  await next()
}

const app = new Hono()
app.use('/hono/*', auth(config))
app.get('/hono/write', access({ scopes: ['read'] }), access(write), (c) => c.text('in'))
app.get('/hono/copied', copied, access(write), (c) => c.text('in'))

const checked = withAuth(
  withAccess(() => new Response('in'), write),
  config,
)
const copying = withAuth(
  (request) => checkAccess(request.clone(), write) ?? new Response('in'),
  config,
)
app.get('/plain/write', (c) => checked(c.req.raw))
app.get('/plain/copied', (c) => copying(c.req.raw))

export default { fetch: (request, ...args) => app.fetch(request, ...args) }
