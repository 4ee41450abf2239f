// npm install fastify with-auth && npm pkg set type=module && AUTH_ENDPOINT=https://auth.example.com/validate node fastify.js
import Fastify from 'fastify'
import { auth } from 'with-auth/fastify'

const notes = []
const app = Fastify()

// Before the body is parsed.
app.addHook('onRequest', auth())

app.get('/v1/notes', async (request) => ({ principal: request.auth?.principal, notes }))
app.post('/v1/notes', async (request) => {
  notes.push(request.body.text)
  return { principal: request.auth?.principal, notes }
})

await app.listen({ port: Number(process.env.PORT ?? 3000) })
