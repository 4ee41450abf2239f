// npm install hono with-auth, bundle this file, set the handler to lambda.handler and AUTH_ENDPOINT in its environment
import { Hono } from 'hono'
import { handle } from 'hono/aws-lambda'
import { auth, type AuthEnv } from 'with-auth/hono'

const notes: string[] = []
const app = new Hono<AuthEnv>()

app.use(auth())
app.get('/v1/notes', (c) => c.json({ principal: c.var.auth?.principal, notes }))
app.post('/v1/notes', async (c) => {
  const { text } = await c.req.json<{ text: string }>()
  notes.push(text)
  return c.json({ principal: c.var.auth?.principal, notes })
})

export const handler = handle(app)
