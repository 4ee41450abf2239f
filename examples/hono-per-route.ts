// npm install hono srvx with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx srvx hono-per-route.ts
import { Hono } from 'hono'
import { auth } from 'with-auth/hono'

const notes: string[] = []
// Made once: each guard keeps verdicts, counts failures and limits calls for itself.
const guard = auth()

const app = new Hono()
  .get('/healthz', (c) => c.text('ok'))
  .get('/v1/notes', guard, (c) => c.json({ principal: c.var.auth?.principal, notes }))
  .post('/v1/notes', guard, async (c) => {
    const { text } = await c.req.json<{ text: string }>()
    notes.push(text)
    return c.json({ principal: c.var.auth?.principal, notes })
  })

export default app
