// npm install hono srvx with-auth && AUTH_ENDPOINT=https://auth.example.com/validate npx srvx hono.ts
import { Hono } from 'hono'
import { auth, type AuthEnv } from 'with-auth/hono'

const notes: string[] = []
const app = new Hono<AuthEnv>()

// Before all routes: Hono runs middleware in the order of registration.
app.use(auth())

app.get('/v1/notes', (c) => c.json({ principal: c.var.auth?.principal, notes }))
app.post('/v1/notes', async (c) => {
  const { text } = await c.req.json<{ text: string }>()
  notes.push(text)
  return c.json({ principal: c.var.auth?.principal, notes })
})

export default app
