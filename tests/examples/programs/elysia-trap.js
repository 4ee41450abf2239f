// What examples/elysia.ts must not do. Each of these guards returns the refusal where Elysia ignores it.
import { Elysia } from 'elysia'
import { createAuthenticator } from 'with-auth'

const authenticate = createAuthenticator()

async function guard({ request }) {
  const result = await authenticate(request)
  return result.ok ? { auth: result.auth } : result.response
}

async function refuse(context) {
  const answer = await guard(context)
  return answer instanceof Response ? answer : undefined
}

const handler = () => 'the handler ran'

new Elysia({ systemRouter: false })
  .group('/derive', (app) => app.derive(guard).get('/', handler))
  .group('/resolve', (app) => app.resolve(guard).get('/', handler))
  .group('/macro', (app) =>
    app.macro({ guarded: { resolve: guard } }).get('/', handler, { guarded: true }),
  )
  .group('/on-before-handle', (app) => app.onBeforeHandle(refuse).get('/', handler))
  .listen(process.env.PORT, ({ url }) => console.log(`Listening on ${url}`))
