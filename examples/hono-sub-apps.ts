// npm install hono srvx with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx srvx hono-sub-apps.ts
import { Hono } from 'hono'
import { getAuth, withAuth } from 'with-auth'
import { auth } from 'with-auth/hono'

const notes: string[] = []
const guard = auth()
const routes = new Hono()
  .use(guard)
  .get('/notes', (c) => c.json({ principal: c.var.auth?.principal, notes }))
  .post('/notes', async (c) => {
    const { text } = await c.req.json<{ text: string }>()
    notes.push(text)
    return c.json({ principal: c.var.auth?.principal, notes })
  })
const mounted = (request: Request) => Response.json({ principal: getAuth(request).principal })

const app = new Hono().route('/v1', routes)
const second = app.basePath('/v2').use(guard)
second.get('/me', (c) => c.json({ principal: c.var.auth?.principal }))
// Below a mount the endpoint is told what is left of the path: '/me' for '/v3/me'.
app.mount('/v3', withAuth(mounted))
export default app
