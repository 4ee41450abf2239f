// bun add elysia with-auth && AUTH_ENDPOINT=https://auth.example.com/validate bun elysia.ts
import { Elysia, t } from 'elysia'
import { createAuthenticator, getAuth } from 'with-auth'

const notes: string[] = []
const authenticate = createAuthenticator()

new Elysia()
  // Not in `derive` or `resolve`: they ignore a Response that is returned, and the handler runs.
  .onRequest(async ({ request }) => {
    const result = await authenticate(request)
    if (!result.ok) return result.response
  })
  .derive(({ request }) => ({ auth: getAuth(request) }))
  .get('/v1/notes', ({ auth }) => ({ principal: auth.principal, notes }))
  .post(
    '/v1/notes',
    ({ auth, body }) => {
      notes.push(body.text)
      return { principal: auth.principal, notes }
    },
    { body: t.Object({ text: t.String() }) },
  )
  .listen(Bun.env.PORT ?? 3000, ({ url }) => console.log(`Listening on ${url}`))
