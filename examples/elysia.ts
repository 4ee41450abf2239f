// bun add elysia with-auth && AUTH_ENDPOINT=https://auth.example.com/validate bun elysia.ts
import { Elysia, t } from 'elysia'
import { createAuthenticator, getAuth } from 'with-auth'

const notes: string[] = []
const authenticate = createAuthenticator()

// Bun's router matches the path as it was sent. The guard reads `request.url`, where it is resolved.
new Elysia({ systemRouter: false })
  // Not in `derive` or `resolve`: they ignore a Response that is returned, and the handler runs.
  .onRequest(async ({ request }) => {
    // Elysia looks for the path from index 11 of the URL. In `http://h/open/admin` it finds `/admin`.
    if (request.url.indexOf('/', 8) < 11) return new Response('Bad Request', { status: 400 })
    const result = await authenticate(request)
    if (!result.ok) return result.response
  })
  .derive(({ request }) => ({ auth: getAuth(request) }))
  .get('/v1/notes', ({ auth }) => ({ principal: auth.principal, notes }))
  .guard({ body: t.Object({ text: t.String() }) })
  .post('/v1/notes', ({ auth, body }) => {
    notes.push(body.text)
    return { principal: auth.principal, notes }
  })
  .listen(Bun.env.PORT ?? 3000, ({ url }) => console.log(`Listening on ${url}`))
