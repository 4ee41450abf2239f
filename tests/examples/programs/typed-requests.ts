// Compiled by types.test.ts against the types of the frameworks, and never run.
import express, { type Request } from 'express'
import Fastify, { type FastifyRequest } from 'fastify'
import { auth as guardExpress, type AuthRequest } from 'with-auth/express'
import { auth as guardFastify, type AuthRequest as FastifyAuthRequest } from 'with-auth/fastify'

const app = express()
app.use(guardExpress({ endpoint: 'https://auth.example.com/validate' }))
app.get('/v1/notes/:id', guardExpress(), (req: AuthRequest<Request<{ id: string }>>, res) => {
  const name: string | undefined = req.auth?.principal
  // @ts-expect-error -- a public path has no identity
  res.json({ name, id: req.params.id, roles: req.auth.attributes.roles })
})

const fastify = Fastify()
fastify.addHook('onRequest', guardFastify({ endpoint: 'https://auth.example.com/validate' }))
const options = { onRequest: guardFastify() }
fastify.get('/v1/notes', options, async (request: FastifyAuthRequest<FastifyRequest>) => {
  const name: string | undefined = request.auth?.principal
  // @ts-expect-error -- a public path has no identity
  return { name, url: request.url, roles: request.auth.attributes.roles }
})
