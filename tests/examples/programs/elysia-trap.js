// Wrong ways to guard an app of Elysia. It ignores the rejection that most of these hooks return.
import { Elysia } from 'elysia'
import { createAuthenticator } from 'with-auth'

const authenticate = createAuthenticator()

async function guard({ request }) {
  const result = await authenticate(request)
  return result.ok ? { auth: result.auth } : result.response
}

async function reject(context) {
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
  .group('/on-before-handle', (app) => app.onBeforeHandle(reject).get('/', handler))
  .listen(process.env.PORT, ({ url }) => console.log(`Listening on ${url}`))
