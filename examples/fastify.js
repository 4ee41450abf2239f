// npm install fastify undici@7 with-auth && npm pkg set type=module && AUTH_ENDPOINT=https://auth.example.com/validate node fastify.js
import Fastify from 'fastify'
import { createNodeAuthenticator, nodeTransport } from 'with-auth/node'

const notes = []
const authenticate = createNodeAuthenticator({ fetch: nodeTransport() })
const app = Fastify()

app.decorateRequest('auth', null)
// Before the body is parsed. Fastify sends a Response as it is.
app.addHook('onRequest', async (request, reply) => {
  const result = await authenticate(request.raw)
  if (!result.ok) return reply.send(result.response)
  request.auth = result.auth
})

app.get('/v1/notes', async (request) => ({ principal: request.auth?.principal, notes }))
app.post('/v1/notes', async (request) => {
  notes.push(request.body.text)
  return { principal: request.auth?.principal, notes }
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
