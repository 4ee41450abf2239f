// npm install h3 with-auth && AUTH_ENDPOINT=https://auth.example.com/validate node h3.ts
import { H3, serve } from 'h3'
import { createAuthenticator, getAuth } from 'with-auth'

const notes: string[] = []
const authenticate = createAuthenticator()
const app = new H3()

// Before all routes, for all paths.
app.use(async ({ req }, next) => {
  const result = await authenticate(req)
  return result.ok ? next() : result.response
})
app.get('/v1/notes', ({ req }) => ({ principal: getAuth(req).principal, notes }))
app.post('/v1/notes', async ({ req }) => {
  const { text } = (await req.json()) as { text: string }
  notes.push(text)
  return { principal: getAuth(req).principal, notes }
})

serve(app)
